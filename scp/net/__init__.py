"""pynetdicom and sockets: who may associate, what is offered, and how requests become answers.

pynetdicom negotiates, releases and aborts. What a C-STORE-RQ says is taken from it as it stands, checked here, and
answered here; its service classes are not used for storage.
"""
