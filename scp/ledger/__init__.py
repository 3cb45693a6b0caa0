"""The ledger: what was received and what was decided.

:mod:`~scp.ledger.port` says what a ledger does; :mod:`~scp.ledger.sqlite` is the embedded one.
"""
