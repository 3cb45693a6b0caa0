"""Sockets and pynetdicom: who may associate, what is accepted, and how requests are received and answered.

pynetdicom listens and negotiates. Everything else is done here: to decide who may connect, to check each proposal
before pynetdicom reads it, to serve every request of an association, and to end it.
"""
