"""auditscp: a DICOM Storage SCP that judges what it receives and tells the sender.

The map, from the outside in. Imports point down this list and never up::

    cli/       one module per verb; no logic
    renewal    reload: what may change while a node runs, all of it or nothing
    wiring     the only place where concrete parts meet: Settings -> Node
    gauges     what /metrics looks up when it is asked
    console/   pages for a browser and the HTTP API: what is going on, and the acts on quarantine
    net/       pynetdicom and sockets: server, admission, proposal, negotiation, acceptor, channel, receive, respond
    checking   the same rules over files, without a network
    upkeep/    what keeps folder and ledger in order: recovery, chores, retention, verify, rebuild, backup
    notify/    webhook and e-mail: from ledger and health, by way of an outbox, to people
    watch      which series have become quiet; has them audited
    intake     the way of one instance, as one readable class
    examiners  who examines for which association, and knows what it sent before
    delivery   which senders know that their instance was stored
    quarantine/  what people do about refused objects: look, release, replace, drop
    cases      the document of a refused object, both sides shown
    comparing  two copies of one instance, beside others who compare
    series     the audit of one whole series of a ledger
    reporting  what came, counted, as JSON, CSV and HTML
    ledger/    what was received and decided: port, SQLite, schema
    store/     bytes: spool, archive, quarantine, recover
    observe/   structlog set-up, the canonical lines, what is counted, and the metrics made of it
    config/    TOML, environment, command line -> frozen Settings; every error reported at once
    plot/      pictures of series, pure: a scene of shapes, written as SVG or PNG
    audit/     decisions, pure: rule, engine, policy, snapshot, catalogue, series/ (stacks, judge), rules/<family>
    dicom/     what the standard says, pure: uid, status, walk, facts, SOP Classes, compare

Beside them, for everybody: ``layout`` (paths), ``ids``, ``times``, ``printable`` (what a peer said, for people's eyes),
``outcomes``, ``errors``, ``health`` (what the node suffers from), ``standing`` (what a running node tells other
programs), ``turn`` (which association is worked for), ``provenance`` (what is kept in each object's own header, so
that a ledger can be made anew), ``passwords``, ``heap`` (freed memory goes back to the system), ``failpoints`` (where a
test may let the node die).

The way of one instance: **associate** (net), **receive** (net, store.spool), **scan** (dicom.walk), **facts**
(dicom.facts), **judge** (audit.engine), **admit** (ledger: the snapshot, the pairwise rules and the receipt in one
transaction), **place** (store: archive or quarantine), **respond** (net), **tell** (observe). Steps three to nine
are :mod:`scp.intake`, in that order.
"""

from scp.version import __version__

__all__ = ["__version__"]
