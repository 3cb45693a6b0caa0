"""The way of one instance: scan, facts, judge, admit, place, tell. Read :meth:`Intake.complete`.

``net`` begins an object when a C-STORE-RQ arrives, writes the Data Set into it, completes it, and sends the response
that comes back. Everything that can go wrong on our side becomes an answer too: a sender is never left without one.

With ``durability = "full"``, this is the order in which things become durable, and what holds after a power cut at
any moment in between. Of a *light* object, whose whole file has at most 64 KiB and came in one piece, the ledger takes
the bytes together with the decision (:mod:`scp.ledger.sealed`), so that one sync does for both:

====  ========================================  ======================================================================
step  what happens                              if the power fails now
====  ========================================  ======================================================================
1     the Data Set is written into the spool    recovery removes it: the ledger knows no receipt
2     unless it is light, its file is synced,   the same; from here on the bytes are there for good
      in this thread
3     the ledger commits receipt, verdict and   recovery finishes what the ledger decided: a light object is written
      the bytes of a light object, one sync     anew, another one is moved; the sender, who had no response, sends
      for all who wait (group commit)           again and gets 0000, as nothing was confirmed
4     the file gets its name in the archive or  recovery finds it in its place, or in the spool still; its case is
      quarantine, its case first                made from the ledger and the two objects, so it can be made again
5     that folder is synced, one sync for all   nothing is left to do but to remove the name in the spool
      who wait for the same; not for a light
      object that is accepted
6     the response is sent                      success was true when it was said
7     within a second, one sync of the whole    nothing is left to do
      file system brings all light objects to
      the disk, and the ledger forgets their
      bytes (:mod:`scp.store.late`)
====  ========================================  ======================================================================

A sync that fails is never repeated: the sender is told to try again, and whatever the ledger decided stays decided.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from scp import provenance
from scp.audit.engine import Examination, Judgement, NeedsComparison
from scp.audit.finding import Decision, Verdict
from scp.audit.policy import Policy
from scp.audit.snapshot import Snapshot
from scp.cases import Cases
from scp.comparing import compare_in_turn
from scp.delivery import Deliveries
from scp.dicom.difference import Comparison
from scp.dicom.part10 import file_header
from scp.dicom.request import Association, Request
from scp.dicom.status import Status
from scp.dicom.walk import Limits
from scp.errors import NodeFault, Trouble, place_of
from scp.examiners import Examiners
from scp.health import Health
from scp.ids import new_id
from scp.layout import Place, Placement, spool_path
from scp.ledger.port import Admitted, Draft, Ledger
from scp.observe.lines import Stopwatch, crash_line, fault_line, instance_line, undecided_line
from scp.outcomes import Ending, Outcome
from scp.store.spool import Incoming
from scp.store.store import Store
from scp.turn import aside

T = TypeVar("T")

_COMPARISONS: Final = 3
"""How often the stored copy may change under a comparison before we ask the sender to try again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the sender, and the receipt under which it can be looked up.

    ``watch`` still runs: the step that is left is the response. ``tell`` writes the canonical line, and is called when
    the response is sent: the sender need not wait for it.
    """

    receipt: int
    verdict: Verdict
    size: int
    watch: Stopwatch = field(default_factory=Stopwatch, compare=False, repr=False)
    tell: Callable[[], None] = field(default=lambda: None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """No verdict yet: the first sender of this instance may still show that it got its response."""

    instance: int


class NotBegun(NodeFault):
    """There is no room for an object; ``answer`` says so to the sender, and its receipt is written."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("an object could not be begun")
        self.answer = answer


def _try_again(fault: NodeFault) -> Verdict:
    return Verdict(Decision.RETRY, fault.status, comment=fault.comment)


Policies = Callable[[Association], Policy]
"""Which policy holds for a sender."""


@dataclass(slots=True)
class Reception:
    """A request on its way in: its number, when it came, and the object in the spool."""

    receipt: int
    received: int
    request: Request
    incoming: Incoming
    confirms: int | None
    watch: Stopwatch = field(default_factory=Stopwatch)


class Intake:
    """Takes instances in, one at a time for each association, any number of associations at once."""

    def __init__(
        self,
        ledger: Ledger,
        store: Store,
        policies: Policies,
        limits: Limits,
        settle_seconds: float,
        health: Health | None = None,
    ) -> None:
        self.health = health or Health()
        self.left_behind: set[Path] = set()
        """Objects in the spool that could be neither placed nor removed: :mod:`scp.upkeep` does it when it can."""
        self.hear_series: Callable[[str], None] = lambda _uid: None
        """Is told of which series an instance came; a node has its :class:`~scp.watch.Watch` listen."""
        self._ledger = ledger
        self._store = store
        self._policies = policies
        self._limits = limits
        self.settle_seconds = settle_seconds
        self._deliveries = Deliveries()
        self._cases = Cases(ledger, store, limits)
        self._examiners = Examiners(limits, ledger.fingerprint_key)

    def begin(self, request: Request) -> Reception:
        """Begin an object in the spool. Raises NotBegun, with the answer to send, if there is no room for it."""
        receipt, received = new_id(), time.time_ns() // 1000
        confirms = self._deliveries.heard(request.association.id)
        try:
            header = file_header(request, provenance.written(receipt, received, request))
            incoming = self._store.receive(receipt, header)
        except NodeFault as fault:
            self._suffer(receipt, fault)
            self._give_up(receipt, received, request, Outcome.RETRY, fault.status, 0, confirms)
            raise NotBegun(Answer(receipt, _try_again(fault), 0)) from fault
        return Reception(receipt, received, request, incoming, confirms)

    def complete(self, reception: Reception) -> Answer:
        """Judge what was received, keep it, and return what to answer. Never raises."""
        request, incoming, watch = reception.request, reception.incoming, reception.watch
        watch.lap("receive")
        try:
            content = self._store.finish(incoming)
            watch.lap("sync")
            examination = self._examine(reception)
            watch.lap("judge")
            admitted = self._admit(reception, examination, content)
            watch.lap("admit")
            self._place(reception, admitted, is_sealed=content is not None)
            watch.lap("place")
        except NodeFault as fault:
            return self.failed(reception, fault)
        except Exception as error:  # noqa: BLE001 - our own mistake must not cost the sender its answer
            return self.failed(reception, NodeFault(f"unexpected {type(error).__name__} at {place_of(error)}"))
        finally:
            incoming.close()
        facts, verdict, size = examination.subject.facts, admitted.judgement.verdict, incoming.size
        self.health.stored()
        self.hear_series(facts.series_instance_uid)
        for crash in admitted.judgement.crashes:
            crash_line(reception.receipt, crash)
        tell = partial(instance_line, reception.receipt, request, facts, verdict, size, watch)
        return Answer(reception.receipt, verdict, size, watch, tell)

    def abandon(self, reception: Reception) -> None:
        """Let go of a request that ended before its Data Set did: nothing is stored, the receipt says so."""
        self._drop(reception, Outcome.ABORTED, None)

    def refuse(self, reception: Reception, status: Status, *offending: int) -> Answer:
        """Refuse a request whose command set is wrong: its Data Set is not looked at, the receipt has the status."""
        self._drop(reception, Outcome.REFUSE, status)
        verdict = Verdict(Decision.REFUSE, status, status.meaning, offending)
        return Answer(reception.receipt, verdict, reception.incoming.size)

    def heard(self, association: Association) -> None:
        """Note that something other than a C-STORE-RQ arrived: the sender has read its last response."""
        instance = self._deliveries.heard(association.id)
        if instance is not None:
            self._quietly(lambda: self._ledger.confirm(instance))

    def ended(self, association: Association, opened: int, ending: Ending) -> None:
        """Note how an association ended."""
        self._examiners.ended(association)
        confirms = None
        if ending is Ending.RELEASED:
            confirms = self._deliveries.heard(association.id)
        else:
            self._deliveries.ended(association.id)
        closed = time.time_ns() // 1000
        self._quietly(lambda: self._ledger.end(association, opened, closed, ending, confirms))

    def _examine(self, reception: Reception) -> Examination:
        request, incoming = reception.request, reception.incoming
        examination = self._examiners.of(request.association).recognise(incoming.head, incoming.size, request)
        if examination is None:
            with incoming.data() as data:
                examination = aside(self._examiners.examine, data, request)
        return examination

    def _admit(self, reception: Reception, examination: Examination, content: bytes | None) -> Admitted:
        """Decide inside the ledger's transaction; step out of it for what takes long, and come back.

        ``content`` is the whole file, if it is not on the disk yet.
        """
        policy = self._policies(reception.request.association)
        examiner = self._examiners.of(reception.request.association)
        draft = Draft(
            reception.receipt, reception.received, examination.subject, reception.incoming.digest,
            reception.incoming.size, reception.confirms, content,
        )  # fmt: skip
        compared: dict[int, Comparison] = {}
        settled: set[int] = set()

        def decide(snapshot: Snapshot) -> Judgement | NeedsComparison | Waiting:
            held = snapshot.held
            if held and snapshot.identical and not held.confirmed:
                instance = held.other.receipt
                still_open = self._deliveries.is_open(instance)
                if still_open and instance not in settled:
                    return Waiting(instance)
                # Still open, and silent for as long as we waited: then its sender has had the response.
                confirmed = still_open or self._deliveries.is_confirmed(instance)
                snapshot = replace(snapshot, held=replace(held, confirmed=confirmed))
            if held and held.other.receipt in compared:
                snapshot = replace(snapshot, comparison=compared[held.other.receipt])
            return examiner.judge(examination, snapshot, policy)

        association = reception.request.association.id
        for _ in range(_COMPARISONS + 1):
            self._deliveries.expect(association, reception.receipt)
            outcome = self._ledger.admit(draft, decide)
            if isinstance(outcome, Admitted):
                self._expect_confirmation(association, reception.receipt, outcome)
                return outcome
            self._deliveries.ended(association)
            if isinstance(outcome, Waiting):
                aside(self._deliveries.settle, outcome.instance, self.settle_seconds)
                settled.add(outcome.instance)
            elif isinstance(outcome, NeedsComparison):
                compared[outcome.held.other.receipt] = self._compare(reception, outcome)
        raise NodeFault("the stored copy keeps changing")

    def _expect_confirmation(self, association: str, receipt: int, admitted: Admitted) -> None:
        if admitted.instance is None:
            self._deliveries.ended(association)
        elif admitted.instance != receipt:  # or it is expected already
            self._deliveries.expect(association, admitted.instance)

    def _compare(self, reception: Reception, need: NeedsComparison) -> Comparison:
        other = need.held.other
        with (
            reception.incoming.data() as second,
            self._store.data_set(other.path, other.receipt) as (first, syntax),
        ):
            return aside(compare_in_turn, first, syntax, second, reception.request.transfer_syntax, self._limits)

    def _place(self, reception: Reception, admitted: Admitted, *, is_sealed: bool) -> None:
        placement, case = admitted.placement, None
        is_late = is_sealed and placement.place is Place.ARCHIVE
        if placement.place is Place.QUARANTINE:
            case = aside(self._cases.document, reception.receipt, reception.incoming.path, reception.request)
        elif placement.place is Place.NOWHERE and placement.path and not self._is_placed(placement):
            # These are the same bytes, so they take its place; if another file has it, placing them finds out.
            placement = replace(placement, place=Place.ARCHIVE)
            if is_sealed:  # but not these
                reception.incoming.sync()
        self._store.place(reception.incoming.name, placement, case, late=is_late)
        if is_sealed:
            self._store.late.add(reception.receipt, reception.incoming.length)

    def _is_placed(self, placement: Placement) -> bool:
        """Whether a stored copy came to its place: a crash may have cost it the file, a fault left it in the spool."""
        return self._store.has(placement.path) and not self._store.has(spool_path(placement.original))

    def failed(self, reception: Reception, fault: NodeFault) -> Answer:
        """Answer *try again*. What was decided before the fault stays decided: recovery finishes it."""
        reception.incoming.close()
        self._deliveries.ended(reception.request.association.id)
        self._suffer(reception.receipt, fault)
        known = self._quietly(lambda: self._ledger.knows(reception.receipt))
        if known is not False:
            if known:
                self._quietly(lambda: self._ledger.doubt(reception.receipt))
            self.left_behind.add(reception.incoming.path)
            size = reception.incoming.size
            undecided_line(reception.receipt, reception.request, Outcome.RETRY, fault.status, size)
        else:
            self._drop(reception, Outcome.RETRY, fault.status)
        return Answer(reception.receipt, _try_again(fault), reception.incoming.size)

    def _drop(self, reception: Reception, outcome: Outcome, status: int | None) -> None:
        """Remove what came of a request about whose data nothing was decided, and write its receipt."""
        incoming = reception.incoming
        incoming.discard()
        if incoming.path.exists():
            self.left_behind.add(incoming.path)
        self._give_up(
            reception.receipt, reception.received, reception.request, outcome, status, incoming.size, reception.confirms
        )

    def _give_up(
        self,
        receipt: int,
        received: int,
        request: Request,
        outcome: Outcome,
        status: int | None,
        size: int,
        confirms: int | None,
    ) -> None:
        self._quietly(lambda: self._ledger.record(receipt, received, request, outcome, status, size, confirms))
        undecided_line(receipt, request, outcome, status, size)

    def _quietly(self, act: Callable[[], T]) -> T | None:
        try:
            return act()
        except NodeFault as fault:
            self._suffer(None, fault)
            return None

    def _suffer(self, receipt: int | None, fault: NodeFault) -> None:
        """Tell of a fault; what stands in the way of every object is told once, when it begins."""
        if fault.trouble not in (Trouble.SPACE, Trouble.GONE):
            fault_line(receipt, fault)
        self.health.suffer(fault)
