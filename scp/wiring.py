"""The only place where concrete parts meet: Settings -> Node."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Final

from scp.audit.catalogue import RULES
from scp.audit.finding import Severity
from scp.audit.policy import Policy, Profile, make_policy
from scp.audit.rules.dup import instance_sent_again
from scp.cases import Cases
from scp.config import Peer, Settings
from scp.console.access import check as check_access
from scp.console.certificates import console_endpoint
from scp.dicom.request import Association
from scp.dicom.syntax import COMPLETE_TRANSFER_SYNTAXES, KNOWN_TRANSFER_SYNTAXES
from scp.dicom.walk import Limits
from scp.errors import NodeFault, Trouble
from scp.gauges import gauges
from scp.health import Health
from scp.intake import Intake
from scp.layout import LEDGER, SPOOL
from scp.ledger.checkpoints import Checkpoints
from scp.ledger.presence import presence
from scp.ledger.reading import open_reader
from scp.ledger.sqlite import SqliteLedger
from scp.net.contexts import Offer
from scp.net.server import Server
from scp.net.trust import Trust
from scp.notify.notifier import Notifier, orders_of
from scp.observe.meter import Meters
from scp.observe.metrics import Metrics
from scp.quarantine.acts import Quarantine
from scp.quarantine.moving import Mover
from scp.series import Auditor, opener
from scp.store.gate import Gate, Look
from scp.store.scratch import Scratch
from scp.store.space import space
from scp.store.store import Store
from scp.upkeep.chores import carrying, chores, retention_chores, settling
from scp.upkeep.keeper import Keeper
from scp.upkeep.recovery import at_start
from scp.upkeep.swap import require_ledger
from scp.watch import Watch

if TYPE_CHECKING:
    from scp.console.server import ConsoleServer

_LAST_WORDS: Final = 2.0
"""Seconds to deliver notifications at the end; what remains is delivered after the next start."""


class PoliciesInForce:
    """Which policy holds for a sender now. Called for every instance, so without a lock: only one attribute changes."""

    __slots__ = ("_of",)

    def __init__(self, settings: Settings) -> None:
        self.use(settings)

    def use(self, settings: Settings) -> None:
        """Use other settings from now on."""
        self._of = policies(settings)

    def __call__(self, association: Association) -> Policy:
        """Return the policy for a sender."""
        return self._of(association)


@dataclass(slots=True)
class Node:
    """A node whose parts are connected; nothing listens yet.

    ``settings`` are those in force: a reload replaces them (see :mod:`scp.renewal`).
    """

    settings: Settings
    ledger: SqliteLedger
    checkpoints: Checkpoints
    store: Store
    intake: Intake
    server: Server
    health: Health
    keepers: tuple[Keeper, ...]
    policies: PoliciesInForce
    metrics: Metrics
    notifier: Notifier
    watch: Watch

    def close(self) -> None:
        """Stop all parts, and close the ledger and the data folder."""
        self.watch.close()
        self.notifier.stop(_LAST_WORDS)
        for keeper in self.keepers:
            keeper.stop()
        with suppress(NodeFault):  # then the next start does it
            self.store.late.settle(self.ledger.forget_sealed)
        self.checkpoints.close()
        self.ledger.close()
        self.store.close()


def make_node(settings: Settings) -> Node:
    """Connect the parts, and finish what a crash left undone.

    Raises ConfigurationError if something that the settings name cannot be used, such as a certificate, and NodeFault
    if the data folder cannot.
    """
    trust = trust_of(settings)
    orders = orders_of(settings.notify, settings.node.ae_title)
    folder = settings.storage.folder
    sync = settings.storage.durability == "full"
    limits = walk_limits(settings)
    health, gate = Health(), Gate()
    store = Store(folder, sync=sync, object_bytes=settings.limits.object_bytes, gate=gate)
    try:
        require_ledger(folder)
        ledger = SqliteLedger(folder / LEDGER, settings.storage.durability)
    except NodeFault:
        store.close()
        raise
    gate.watch(health, *_looks(settings))
    decided = Mover(ledger, store, Cases(ledger, store, limits)).decided
    at_start(store, ledger, decided, sync=sync)
    in_force = PoliciesInForce(settings)
    intake = Intake(ledger, store, in_force, limits, settings.duplicates.wait_seconds, health)
    intake.left_behind.update(store.spooled())
    stopped = Event()
    checkpoints = Checkpoints(folder / LEDGER, sync=sync)
    keepers = (
        Keeper(*chores(store, ledger, health, gate, intake.left_behind, decided)),
        Keeper(*retention_chores(store, ledger, settings.retention, stopped, sync=sync), stopped=stopped),
        Keeper(settling(store, ledger, health), carrying(checkpoints, health)),
    )
    meters = Meters()
    server = Server(settings.node, settings.association, offer(settings), intake, trust, meters)
    notifier = Notifier(folder, meters, lambda: health.troubles)
    meters.listener = notifier
    notifier.use(orders)
    # ``node`` is bound below; the watch asks for its settings later, as a reload replaces them.
    watch = Watch(ledger, folder / LEDGER, lambda: auditor_of(node.settings), settings.series.quiet_seconds)
    intake.hear_series = watch.hear
    metrics = Metrics(meters, gauges(folder, lambda: health.troubles, notifier, watch))
    node = Node(
        settings, ledger, checkpoints, store, intake, server, health, keepers, in_force, metrics, notifier, watch
    )
    return node


def auditor_of(settings: Settings) -> Auditor:
    """Return the auditor of whole series. It uses the general settings, as a series may come from several senders."""
    return Auditor(policy_of(settings), walk_limits(settings), opener(settings.storage.folder))


def trust_of(settings: Settings) -> Trust:
    """Return the checks of certificates and users. Raises ConfigurationError if certificates cannot be used."""
    return Trust.of(settings.tls, settings.user_identity)


def check_console(settings: Settings) -> None:
    """Raise ConfigurationError if others could use the console without signing in, or its certificate is unusable."""
    if settings.console.enabled:
        check_access(settings.console)
        console_endpoint(settings)


def console_of(node: Node) -> "ConsoleServer | None":
    """Return the console of a node, if it has one. Raises ConfigurationError as :func:`check_console`."""
    if not node.settings.console.enabled:
        return None
    # Only here, because FastAPI and uvicorn take long to import, and most commands need neither.
    from scp.console.desk import NodeParts
    from scp.console.server import ConsoleServer

    return ConsoleServer(
        NodeParts(
            settings=lambda: node.settings,
            policy=lambda: policy_of(node.settings),
            store=node.store,
            meters=node.metrics.meters,
            quarantine=Quarantine(node.ledger, node.store, node.policies, walk_limits(node.settings)),
            limits=walk_limits(node.settings),
            troubles=lambda: node.health.troubles,
            metrics=node.metrics.text,
        )
    )


def _looks(settings: Settings) -> tuple[Look, ...]:
    """Return what the gate looks at before each object: whether the ledger is there, and whether space is free."""
    folder, reserve = settings.storage.folder, settings.storage.reserve_bytes
    there = Look(Trouble.GONE, presence(folder / LEDGER))
    return (there, space(folder, reserve)) if reserve else (there,)


@contextmanager
def open_quarantine(settings: Settings) -> Iterator[Quarantine]:
    """Open the quarantine of a data folder for acts from outside the node, whether a node runs on it or not.

    Raises NodeFault if there is no ledger in the folder, or if it cannot be used.
    """
    folder, durability = settings.storage.folder, settings.storage.durability
    open_reader(folder / LEDGER).close()  # raises if there is no ledger: SqliteLedger would make one
    with (
        closing(Store(folder, sync=durability == "full", holder=None)) as store,
        closing(SqliteLedger(folder / LEDGER, durability)) as ledger,
    ):
        yield Quarantine(ledger, store, policies(settings), walk_limits(settings))


def walk_limits(settings: Settings, scratch: Path | None = None) -> Limits:
    """Return the structural limits of one Data Set; ``scratch`` is the folder for what is too large for memory."""
    limits = settings.limits
    return Limits(
        max_depth=limits.depth,
        max_elements=limits.elements,
        inflated_bytes=limits.inflated_bytes,
        scratch=partial(Scratch, scratch or settings.storage.folder / SPOOL),
    )


def offer(settings: Settings) -> Offer:
    """Return what is accepted in negotiation."""
    classes = settings.classes
    known = KNOWN_TRANSFER_SYNTAXES if classes.referenced_pixels else COMPLETE_TRANSFER_SYNTAXES
    return Offer(
        transfer_syntaxes=frozenset(classes.transfer_syntaxes) or known,
        private=classes.private,
        unknown=classes.unknown,
        refused_sop_classes=frozenset(classes.refused_sop_classes),
    )


def policies(settings: Settings) -> Callable[[Association], Policy]:
    """Return a function from senders to policies: the first ``[[peer]]`` that matches, over the general settings."""

    @lru_cache(maxsize=1024)
    def of_sender(ae_title: str, address: str) -> Policy:
        return policy_of(settings, settings.peer_for(ae_title, address))

    return lambda association: of_sender(association.calling_ae_title, association.address)


def policy_of(settings: Settings, peer: Peer | None = None) -> Policy:
    """Return the policy for a ``[[peer]]``, or for all senders that match none."""
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
    """Return the keys for which a severity or a response can be set: codes, families, and codes with a case."""
    codes = {rule.code for rule in RULES} | {rule.family for rule in RULES}
    return tuple(sorted(codes | {f"{rule.code}.{case}" for rule in RULES for case in rule.cases}))
