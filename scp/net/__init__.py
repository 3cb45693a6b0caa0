"""pynetdicom and sockets: who may associate, what is offered, and how requests become answers.

pynetdicom negotiates and releases. Everything else is read, checked and answered here: who may come in, what is
proposed before pynetdicom sees it, and every request of an association.
"""
