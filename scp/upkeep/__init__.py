"""What keeps a node's folder and ledger in order, beside the way of an instance.

::

    recovery     at start, and again when a fault is over: finish what was decided, clear away what nobody was told of
    restoration  light objects, written anew from what the ledger has of them
    keeper       the thread in which a serving node does its chores
    chores       which these are
    retention    what is old leaves, if settings say so
    verify       every file against the ledger, and every file that the ledger does not know
    rebuild      a ledger from archive and quarantine alone: found, refusals and swap are its parts
    backup       a copy of a ledger that is in use
    reading      a stored object, read from the disk itself
    pace         so many bytes a second, and no more
"""
