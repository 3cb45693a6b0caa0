"""auditscp: a DICOM Storage SCP that judges what it receives and tells the sender.

The map, from the outside in. Imports point down this list and never up::

    cli/       one module per command; no logic
    renewal    reload: changes the settings that may change while a node runs, all of them or none
    wiring     the only place where concrete parts meet: Settings -> Node
    gauges     the values that /metrics looks up at each scrape
    console/   pages for a browser and the HTTP API: what is going on, and the acts on quarantine
    net/       sockets and pynetdicom: server, admission, proposal, negotiation, acceptor, channel, receive, respond
    checking   applies the same rules to files, without a network
    upkeep/    keeps data folder and ledger in order: recovery, chores, retention, verify, rebuild, backup
    notify/    notifies people of refusals, series and troubles, by webhook and e-mail
    watch      knows which series have become quiet, and has them audited
    intake     the way of one instance, as one readable class
    examiners  an examiner for each association, which knows what its sender sent before
    delivery   which senders know that their instance was stored
    quarantine/  what people do about refused objects: show, release, replace, drop
    cases      the document about a refused object, with both sides
    comparing  compares two copies of one instance; what takes much memory, one comparison at a time
    series     the audit of one whole series of a ledger
    reporting  reports of what was received, as JSON, CSV and HTML
    ledger/    what was received and decided: port, SQLite, schema
    store/     bytes: spool, archive, quarantine, recover
    observe/   log and metrics: structlog's set-up, the canonical lines, the counters, /metrics
    config/    TOML, environment, command line -> frozen Settings; every error reported at once
    plot/      pictures of series, pure: a scene of shapes, written as SVG or PNG
    audit/     decisions, pure: rule, engine, policy, snapshot, catalogue, series/ (stacks, judge), rules/<family>
    dicom/     what the standard says, pure: uid, status, walk, facts, SOP Classes, compare

Beside them, for everybody: ``layout`` (paths), ``ids``, ``times``, ``printable`` (text from peers, safe to show),
``outcomes``, ``errors``, ``health`` (what is wrong with the node), ``standing`` (what a running node tells other
programs), ``turn`` (which association is worked for), ``provenance`` (what each object's own header says about its
receipt, so that a ledger can be made anew), ``passwords``, ``heap`` (makes freed memory go back to the system),
``failpoints`` (where a test may kill the node).

The way of one instance: **associate** (net), **receive** (net, store.spool), **scan** (dicom.walk), **facts**
(dicom.facts), **judge** (audit.engine), **admit** (ledger: the snapshot, the pairwise rules and the receipt in one
transaction), **place** (store: archive or quarantine), **respond** (net), **tell** (observe). Steps three to nine
are :mod:`scp.intake`, in that order.
"""

from scp.version import __version__

__all__ = ["__version__"]
