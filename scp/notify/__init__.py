"""Telling people: by a webhook and by e-mail, when something was refused, a series is not right, or the node is not.

::

    notifier   the couriers of a node; what wiring makes, renews and stops
    courier    one channel in a thread of its own: deliver, and try again
    writer     when to look, and what to write down
    digest     what there is to tell now: ledger and health -> messages
    message    messages as JSON and as mail
    outbox     what waits to be delivered, and how far was told; survives a restart
    pace       how many messages an hour, and when to try again
    webhook    delivery by HTTP
    email      delivery by SMTP
    delivery   what both of these do; secrets is what they read from files, lines what the log says of them
    deadline   an answer takes no longer than it may

Receiving is not disturbed: couriers read the ledger through connections of their own, and write to a file of their
own. Nothing waits in memory. What is to be told is looked up in the ledger, written to the outbox together with how
far that was, and removed when it was delivered: so a crash at any point tells twice at most, under one identifier.
"""
