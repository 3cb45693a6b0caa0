"""Compares this node with others.

``scripts/bench --help`` says how. The map, from the outside in::

    bench        what one call does
    options      the command line
    show         figures -> table, Markdown
    results      all results of a call, as JSON
    machine      on what machine the figures were measured
    throughput   nodes take turns at receiving: instances and bytes per second, CPU, memory
    memory       large objects at once, many associations in sequence, idle associations
    growth       a ledger of millions, a series of twenty thousand
    sample       a small ledger that a real node wrote
    multiply     how a small ledger becomes a large one
    figures      runs -> medians and ratios, pure
    senders      DCMTK's storescu
    association  an association made of a socket, where very many are needed
    running      a node in a process of its own: started, ready, stopped
    processes    CPU and memory of a process and its children, from /proc
    disk         keeps one run's files from slowing down the next run
    nodes        which nodes there are, how each is started, and how one counts what it stored
    series       clean series made on the spot
"""
