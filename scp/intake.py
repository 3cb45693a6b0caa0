"""The steps of one instance: receive, examine, judge, admit, place, answer. Read :meth:`Intake.complete`.

``net`` begins an object when a C-STORE-RQ arrives, writes the Data Set into it, completes it, and sends the response
that this returns. A fault of the node becomes a response too: a sender is never left without one.

With ``durability = "full"``, the table shows in which order things become durable, and what holds if the power fails
after each step. An object is *light* if its whole file has at most 64 KiB and its Data Set came in one piece. The
ledger takes the bytes of a light object together with the decision (:mod:`scp.ledger.sealed`), so that one sync makes
both durable:

====  ========================================  ======================================================================
step  what happens                              if the power fails now
====  ========================================  ======================================================================
1     the Data Set is written into the spool    recovery removes it: the ledger has no receipt of it
2     unless the object is light, its file is   the same; from here on its bytes are safe
      synced, in this thread
3     the ledger commits the receipt, the       recovery finishes what the ledger decided: it writes a light object
      verdict and the bytes of a light object,  anew and moves any other; the sender, who got no response, sends the
      one sync for all who wait (group commit)  instance again and gets 0000, because nothing was confirmed
4     the file gets its name in the archive or  recovery finds it there or still in the spool; a case can always be
      in quarantine, where its case comes first made again, from the ledger and the two objects
5     that folder is synced, one sync for all   recovery only removes the name in the spool
      who wait for the same folder; not for a
      light object that is accepted
6     the response is sent                      what the response said holds
7     within a second, one sync of the whole    nothing is left to do
      file system brings all light objects to
      the disk, and the ledger forgets their
      bytes (:mod:`scp.store.late`)
====  ========================================  ======================================================================

A sync that fails is never repeated: the sender is told to try again, and what the ledger has decided stays decided.
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

Policies = Callable[[Association], Policy]
"""Which policy holds for a sender."""

_COMPARISONS: Final = 3
"""How often the stored copy may change during a comparison before the sender is asked to try again."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a sender, and the receipt under which it can be looked up.

    ``watch`` is still running, because the response has yet to be sent. ``tell`` writes the canonical log line; it is
    called after the response, so that the sender need not wait for it.
    """

    receipt: int
    verdict: Verdict
    size: int
    watch: Stopwatch = field(default_factory=Stopwatch, compare=False, repr=False)
    tell: Callable[[], None] = field(default=lambda: None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """No verdict yet: the first sender of this instance may still show that it has read its response."""

    instance: int


class NotBegun(NodeFault):
    """An object could not be begun. ``answer`` is to be sent; its receipt is written already."""

    def __init__(self, answer: Answer) -> None:
        super().__init__("an object could not be begun")
        self.answer = answer


def _try_again(fault: NodeFault) -> Verdict:
    return Verdict(Decision.RETRY, fault.status, comment=fault.comment)


@dataclass(slots=True)
class Reception:
    """A request that is being received: its receipt number, its time, and its object in the spool.

    ``received`` is in microseconds UTC since 1970. ``confirms`` is the instance whose response, as this request shows,
    the sender has read.
    """

    receipt: int
    received: int
    request: Request
    incoming: Incoming
    confirms: int | None
    watch: Stopwatch = field(default_factory=Stopwatch)


class Intake:
    """Receives instances: one at a time on each association, any number of associations at once."""

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
        """Files in the spool that could be neither placed nor removed: :mod:`scp.upkeep` tries again."""
        self.hear_series: Callable[[str], None] = lambda _uid: None
        """Called with the Series Instance UID of each instance; in a node, this is :meth:`scp.watch.Watch.hear`."""
        self._ledger = ledger
        self._store = store
        self._policies = policies
        self._limits = limits
        self.settle_seconds = settle_seconds
        self._deliveries = Deliveries()
        self._cases = Cases(ledger, store, limits)
        self._examiners = Examiners(limits, ledger.fingerprint_key)

    def begin(self, request: Request) -> Reception:
        """Begin an object in the spool. Raises NotBegun, with the answer to send, if that is not possible."""
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
        except Exception as error:  # noqa: BLE001 - a fault of this software must not leave the sender without an answer
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

    def failed(self, reception: Reception, fault: NodeFault) -> Answer:
        """Answer *try again*. What the ledger decided before the fault stays decided; recovery finishes it."""
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

    def abandon(self, reception: Reception) -> None:
        """Drop a request whose Data Set was cut off: nothing is stored, and the receipt says so."""
        self._drop(reception, Outcome.ABORTED, None)

    def refuse(self, reception: Reception, status: Status, *offending: int) -> Answer:
        """Refuse a request whose command set is wrong: nothing is stored, and the receipt has the status."""
        self._drop(reception, Outcome.REFUSE, status)
        verdict = Verdict(Decision.REFUSE, status, status.meaning, offending)
        return Answer(reception.receipt, verdict, reception.incoming.size)

    def heard(self, association: Association) -> None:
        """Note that something other than a C-STORE-RQ arrived, which shows that the last response was read."""
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
        """Decide inside the ledger's transaction. For what takes long, leave it, and try again afterwards.

        ``content`` is the whole file if the ledger is to keep its bytes until they are on the disk. Raises NodeFault.
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
            if snapshot.held and snapshot.identical and not snapshot.held.confirmed:
                confirmed = self._is_confirmed(snapshot.held.other.receipt, settled)
                if isinstance(confirmed, Waiting):
                    return confirmed
                snapshot = replace(snapshot, held=replace(snapshot.held, confirmed=confirmed))
            elif snapshot.held and snapshot.held.other.receipt in compared:
                snapshot = replace(snapshot, comparison=compared[snapshot.held.other.receipt])
            return examiner.judge(examination, snapshot, policy)

        association = reception.request.association.id
        for _ in range(_COMPARISONS + 1):
            self._deliveries.expect(association, reception.receipt)
            outcome: Admitted | NeedsComparison | Waiting = self._ledger.admit(draft, decide)
            if isinstance(outcome, Admitted):
                self._expect_confirmation(association, reception.receipt, outcome)
                return outcome
            self._deliveries.ended(association)
            if isinstance(outcome, Waiting):
                aside(self._deliveries.settle, outcome.instance, self.settle_seconds)
                settled.add(outcome.instance)
            else:
                compared[outcome.held.other.receipt] = self._compare(reception, outcome)
        raise NodeFault("the stored copy keeps changing")

    def _is_confirmed(self, instance: int, settled: set[int]) -> bool | Waiting:
        """Whether the sender of an instance has read its response, as far as this process knows.

        ``settled`` are the instances that were waited for: a sender whose association is still open, and that was
        silent for so long, has received the response.
        """
        if self._deliveries.is_open(instance):
            return True if instance in settled else Waiting(instance)
        return self._deliveries.is_confirmed(instance)

    def _expect_confirmation(self, association: str, receipt: int, admitted: Admitted) -> None:
        if admitted.instance is None:
            self._deliveries.ended(association)
        elif admitted.instance != receipt:  # the receipt's own is expected already
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
            # The stored copy is missing. These are the same bytes, so they take its place; if another file is there,
            # placing them fails.
            placement = replace(placement, place=Place.ARCHIVE)
            if is_sealed:  # the ledger keeps the bytes of the first copy at most
                reception.incoming.sync()
        self._store.place(reception.incoming.name, placement, case, late=is_late)
        if is_sealed:
            self._store.late.add(reception.receipt, reception.incoming.length)

    def _is_placed(self, placement: Placement) -> bool:
        """Whether a stored copy is in its place: a crash may have lost its file, a fault left it in the spool."""
        return self._store.has(placement.path) and not self._store.has(spool_path(placement.original))

    def _drop(self, reception: Reception, outcome: Outcome, status: int | None) -> None:
        """Remove what was received of a request without a decision, and write its receipt."""
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
        """Write the receipt of a request without a decision, and its canonical line."""
        self._quietly(lambda: self._ledger.record(receipt, received, request, outcome, status, size, confirms))
        undecided_line(receipt, request, outcome, status, size)

    def _quietly(self, act: Callable[[], T]) -> T | None:
        """Do something that may fail without changing the answer to a sender; a failure is logged, and returns None."""
        try:
            return act()
        except NodeFault as fault:
            self._suffer(None, fault)
            return None

    def _suffer(self, receipt: int | None, fault: NodeFault) -> None:
        """Report a fault to the log and to the health. What stops every object is logged by the health, only once."""
        if fault.trouble not in (Trouble.SPACE, Trouble.GONE):
            fault_line(receipt, fault)
        self.health.suffer(fault)
