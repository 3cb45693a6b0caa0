"""pynetdicom and sockets: who may associate, what is offered, and how requests become answers.

pynetdicom listens, negotiates and knows every item of a proposal. Everything else is read, checked and answered here:
who may come in, what is proposed before pynetdicom sees it, every request of an association, and its end.
"""
