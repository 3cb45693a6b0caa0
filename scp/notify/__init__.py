"""Notifications by webhook and e-mail: of refusals, of series that are not consistent, and of an unhealthy node.

::

    notifier   the couriers of a node; what wiring makes, renews and stops
    courier    one channel (webhook or e-mail) in a thread of its own: deliver, and try again
    writer     when to look for news, and how many letters to write
    digest     what is news: ledger and health -> letters
    message    the contents of a letter, as JSON and as mail
    outbox     letters that wait to be delivered, and up to where news was told; survives a restart
    pace       how many letters an hour, and when to try again
    webhook    delivery by HTTP
    email      delivery by SMTP
    delivery   the interface of these two; secrets is what they read from files, lines what is logged about them
    deadline   a limit on the time that a whole answer may take

Receiving is not disturbed: couriers read the ledger through connections of their own, and write to a file of their
own. No letter waits in memory. News is looked up in the ledger and written to the outbox as a letter, together with up
to where it reaches, and the letter is removed once it was delivered. So after a crash at any point, a letter is
delivered twice at most, both times under the same identifier.
"""
