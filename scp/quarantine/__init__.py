"""What people do about refused objects: look at them, release, replace, drop. The same functions for every front.

The order of an act, and what holds after each step:

1. The bytes get a second name in ``spool/``, durably: nothing has changed for anybody.
2. One ledger transaction changes what is stored and where the bytes of a receipt are, and records the act. A crash
   from here on is finished by recovery at the next start, or by the next act.
3. The old names go, and the objects are moved to their places like any that was just received.
"""
