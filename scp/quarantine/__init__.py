"""What people do about refused objects: show, release, replace, drop. The command line and the console share this code.

The order of an act, and what holds after each step:

1. The bytes get a second name in ``spool/``, durably. So far nothing has changed for anybody.
2. One ledger transaction changes what is stored and where the bytes of a receipt are, and records the act. After a
   crash from here on, recovery at the next start or the next act finishes it.
3. The old names are removed, and the objects are moved to their places like any that was just received.
"""
