"""What keeps a node's data folder and ledger in order, apart from the way of an instance.

::

    recovery     at start, and after a fault: finishes what was decided, and removes what was never acknowledged
    restoration  writes light objects anew, from their bytes in the ledger
    keeper       the thread in which a serving node does its chores
    chores       what these are
    retention    removes what is old, if the settings say so
    verify       checks every file against the ledger, and finds files that the ledger does not know
    rebuild      makes a ledger from archive and quarantine alone; found, refusals and swap are its parts
    backup       copies a ledger that is in use
    reading      reads a stored object from the disk, rather than from the page cache
    pace         limits the rate of reading, in bytes per second
"""
