"""The only place where concrete parts meet: Settings -> Node."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import structlog

from scp.audit.catalogue import RULES
from scp.audit.finding import Severity
from scp.audit.policy import Policy, Profile, make_policy
from scp.audit.rules.dup import instance_sent_again
from scp.cases import Cases
from scp.config import Peer, Settings
from scp.dicom.request import Association
from scp.dicom.walk import Limits
from scp.errors import NodeFault
from scp.intake import Intake
from scp.layout import LEDGER, Place, Placement
from scp.ledger.sqlite import SqliteLedger
from scp.net.contexts import ALL_TRANSFER_SYNTAXES, Offer
from scp.net.server import Server
from scp.net.trust import Trust
from scp.store.recover import recover
from scp.store.store import Store


@dataclass(frozen=True, slots=True)
class Node:
    """A node whose parts are connected; nothing listens yet."""

    settings: Settings
    ledger: SqliteLedger
    store: Store
    intake: Intake
    server: Server

    def close(self) -> None:
        """Let go of the data folder and the ledger."""
        self.ledger.close()
        self.store.close()


def make_node(settings: Settings) -> Node:
    """Connect the parts, and finish what a crash left undone.

    Raises ConfigurationError if the certificates cannot be used, and NodeFault if the data folder cannot.
    """
    trust = trust_of(settings)
    folder = settings.storage.folder
    sync = settings.storage.durability == "full"
    limits = walk_limits(settings)
    store = Store(folder, sync=sync, object_bytes=settings.limits.object_bytes)
    try:
        ledger = SqliteLedger(folder / LEDGER, settings.storage.durability)
    except NodeFault:
        store.close()
        raise
    _recover(store, ledger, Cases(ledger, store, limits))
    intake = Intake(ledger, store, policies(settings), limits, settings.duplicates.wait_seconds)
    server = Server(settings.node, settings.association, offer(settings), intake, trust)
    return Node(settings, ledger, store, intake, server)


def trust_of(settings: Settings) -> Trust:
    """Return what a peer must prove. Raises ConfigurationError if the certificates cannot be used."""
    return Trust.of(settings.tls, settings.user_identity)


def _recover(store: Store, ledger: SqliteLedger, cases: Cases) -> None:
    started = time.perf_counter()

    def decided(number: int, source: Path) -> tuple[Placement, bytes | None] | None:
        receipt = ledger.receipt(number)
        if receipt is None:
            return None
        in_quarantine = receipt.placement.place is Place.QUARANTINE
        return receipt.placement, cases.document(number, source) if in_quarantine else None

    done = recover(store, decided)
    if done.finished or done.discarded or done.failed:
        structlog.get_logger().info(
            "recovered",
            finished=done.finished,
            discarded=done.discarded,
            failed=done.failed,
            seconds=round(time.perf_counter() - started, 3),
        )


def walk_limits(settings: Settings) -> Limits:
    """Return the structural limits of one Data Set."""
    limits = settings.limits
    return Limits(max_depth=limits.depth, max_elements=limits.elements, inflated_bytes=limits.inflated_bytes)


def offer(settings: Settings) -> Offer:
    """Return what is accepted in negotiation."""
    classes = settings.classes
    return Offer(
        transfer_syntaxes=frozenset(classes.transfer_syntaxes) or ALL_TRANSFER_SYNTAXES,
        private=classes.private,
        unknown=classes.unknown,
        refused_sop_classes=frozenset(classes.refused_sop_classes),
    )


def policies(settings: Settings) -> Callable[[Association], Policy]:
    """Return which policy holds for a sender: the first ``[[peer]]`` that matches, over the general settings."""

    @lru_cache(maxsize=1024)
    def of_sender(ae_title: str, address: str) -> Policy:
        return policy_of(settings, settings.peer_for(ae_title, address))

    return lambda association: of_sender(association.calling_ae_title, association.address)


def policy_of(settings: Settings, peer: Peer | None = None) -> Policy:
    """Return the policy for a peer, or for everybody who is none."""
    audit = settings.audit
    identical = (peer.identical if peer else None) or settings.duplicates.identical
    severities = {**_severities(audit.severity), **(_severities(peer.severity) if peer else {})}
    if identical == "accept":
        severities.setdefault(instance_sent_again.code, Severity.INFO)
    warning = peer.warning_status if peer and peer.warning_status is not None else audit.warning_status
    return make_policy(
        RULES,
        profile=Profile((peer.profile if peer else None) or audit.profile),
        overrides=severities,
        responses={**settings.responses, **(peer.responses if peer else {})},
        warning_status=warning,
    )


def _severities(named: Mapping[str, str]) -> dict[str, Severity]:
    return {key: Severity[word.upper()] for key, word in named.items()}


def known_codes() -> tuple[str, ...]:
    """Return what a severity or a response can be set for: codes, families, and codes with a case."""
    codes = {rule.code for rule in RULES} | {rule.family for rule in RULES}
    return tuple(sorted(codes | {f"{rule.code}.{case}" for rule in RULES for case in rule.cases}))
