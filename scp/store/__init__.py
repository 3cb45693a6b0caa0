"""Bytes: spool, archive, quarantine, and what recovers them after a crash.

The order of one instance, and what holds after each step:

1. The object is in ``spool/`` and synced: its bytes survive, nobody has been told. A light one is not synced: the
   ledger takes its bytes with the decision (:mod:`scp.store.late`).
2. The ledger commits the verdict and the target path: the decision survives. A crash from here on is finished by
   :mod:`~scp.store.recover` at the next start, a fault from here on as soon as it is over (:mod:`scp.upkeep`).
3. The object is at its target, the case beside it if it was refused, and the folders are synced.
4. The response is sent.

A sync that fails is never tried again: the kernel may have dropped the pages, and a second sync would say all is well.
"""
