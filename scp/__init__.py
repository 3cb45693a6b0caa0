"""auditscp: a DICOM Storage SCP that judges what it receives and tells the sender.

The map, from the outside in. Imports point down this list and never up::

    cli/       one module per verb; no logic
    wiring     the only place where concrete parts meet: Settings -> Node
    net/       pynetdicom and sockets: server, admission, proposal, acceptor, channel, receive, command, respond
    checking   the same rules over files, without a network
    intake     the way of one instance, as one readable class
    delivery   which senders know that their instance was stored
    cases      the document of a refused object, both sides shown
    ledger/    what was received and decided: port, SQLite, schema
    store/     bytes: spool, archive, quarantine, recover
    observe/   structlog set-up and the canonical lines
    config/    TOML, environment, command line -> frozen Settings; every error reported at once
    audit/     decisions, pure: rule, engine, policy, snapshot, catalogue, rules/<family>
    dicom/     what the standard says, pure: uid, status, walk, facts, SOP Classes, compare

Beside them, for everybody: ``layout`` (paths), ``ids``, ``outcomes``, ``errors``.

The way of one instance: **associate** (net), **receive** (net, store.spool), **scan** (dicom.walk), **facts**
(dicom.facts), **judge** (audit.engine), **admit** (ledger: the snapshot, the pairwise rules and the receipt in one
transaction), **place** (store: archive or quarantine), **respond** (net), **tell** (observe). Steps three to nine
are :mod:`scp.intake`, in that order.
"""

from scp.version import __version__

__all__ = ["__version__"]
