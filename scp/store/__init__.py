"""The bytes of objects: spool, archive, quarantine, and their recovery after a crash.

An instance goes through these steps; :mod:`scp.intake` says what holds after each:

1. The object is written to ``spool/`` and synced. A light one is not: the ledger keeps its bytes with the decision
   (:mod:`scp.store.late`).
2. The ledger commits the verdict and the target path. What a crash interrupts from here on, :mod:`~scp.store.recover`
   finishes at the next start; what a fault interrupts, :mod:`scp.upkeep` finishes as soon as the fault is over.
3. The object moves to its target, with the case beside it if it was refused, and the folders are synced.
4. The response is sent.

A sync that fails is never repeated: the kernel may have dropped the pages, and a second sync would report success.
"""
