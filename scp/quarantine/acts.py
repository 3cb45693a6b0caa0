"""Release, replace, drop: what may be done about an object in quarantine, beside a running node or inside it."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import apsw

from scp.audit.engine import Judgement, NeedsComparison
from scp.audit.finding import Severity
from scp.audit.policy import Policy
from scp.cases import Cases, finding_document
from scp.comparing import compare_in_turn
from scp.dicom.difference import Comparison
from scp.dicom.request import Association
from scp.dicom.walk import Limits
from scp.errors import LedgerGone, NodeFault, StoreFault
from scp.ids import as_text, new_id
from scp.layout import LEDGER, Place, spool_path
from scp.ledger import rows
from scp.ledger.acts import Act, ActKind, move, record
from scp.ledger.port import Receipt
from scp.ledger.presence import presence
from scp.ledger.reading import fetch, reading
from scp.ledger.sqlite import SqliteLedger
from scp.ledger.uid_key import by_uid
from scp.ledger.withdraw import ChangedMeanwhile, Withdrawal, plan
from scp.printable import is_text
from scp.quarantine.case_file import BadCase
from scp.quarantine.kept import HeldObject, Reader
from scp.quarantine.moving import Mover
from scp.quarantine.readmission import REFUSED, STORED, Readmission, Stopped, Terms, overruled
from scp.store.store import Store

_ATTEMPTS: Final = 5
"""How often what is stored may change under an act before it gives up."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an act on one object.

    ``outcome`` is released, forced, replaced or dropped if it is ``done``, else refused (the rules refuse it again) or
    impossible; ``why`` says so in a sentence. ``findings`` are those of judging again, without personal values, and
    ``codes`` the rules that refuse, overruled or not. ``other`` is the receipt of the instance that was replaced.
    A rehearsal is done if it would have been, and has no ``act``.
    """

    kind: ActKind
    receipt: int
    done: bool
    outcome: str
    why: str = ""
    codes: tuple[str, ...] = ()
    findings: tuple[Mapping[str, Any], ...] = ()
    other: int | None = None
    act: int | None = None

    @property
    def refusing(self) -> tuple[Mapping[str, Any], ...]:
        """The findings that refuse: why an object stays, without what is only noted."""
        return tuple(one for one in self.findings if one["severity"] == str(Severity.REFUSE))


def result_document(result: Result) -> Mapping[str, Any]:
    """Return a result as JSON shows it."""
    return {
        "type": "act",
        "kind": result.kind.value,
        "receipt": as_text(result.receipt),
        "done": result.done,
        "outcome": result.outcome,
        "why": result.why or None,
        "codes": list(result.codes),
        "findings": list(result.findings),
        "other": None if result.other is None else as_text(result.other),
        "act": None if result.act is None else as_text(result.act),
    }


class BadReason(ValueError):
    """The reason for an act is missing, or no text."""


class _Impossible(Exception):
    """An act that cannot be done, and why."""


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be done, for whom and why; ``overrule`` needs a reason."""

    kind: ActKind
    who: str
    reason: str
    rehearse: bool
    overrule: bool

    def act(self, held: Receipt, outcome: str, displaced: Receipt | None = None) -> Act:
        """Return the act as it is written."""
        return Act(
            id=new_id(),
            time=time.time_ns() // 1000,
            kind=self.kind.value,
            who=self.who,
            reason=self.reason.strip(),
            receipt=held.id,
            outcome=outcome,
            former=held.placement.path,
            other=displaced.id if displaced else None,
            former_other=displaced.placement.path if displaced else "",
        )


class Quarantine:
    """Acts on one node's quarantine. Acts of all processes are done one after the other.

    Every act takes the number of a receipt; that of an identical resend stands for the object that was kept. ``who``
    and ``reason`` go into the ledger. Raises BadReason without a reason where one is needed, and NodeFault if ledger
    or store fail; what was decided by then is finished by the next act or start.
    """

    def __init__(
        self, ledger: SqliteLedger, store: Store, policies: Callable[[Association], Policy], limits: Limits
    ) -> None:
        self._ledger = ledger
        self._store = store
        self._policies = policies
        self._limits = limits
        self._path = store.folder / LEDGER
        self._look = presence(self._path)
        self._reader = Reader(store, limits, ledger.fingerprint_key)
        self._mover = Mover(ledger, store, Cases(ledger, store, limits))

    def release(
        self, receipt: int, who: str, reason: str = "", *, force: bool = False, dry_run: bool = False
    ) -> Result:
        """Judge an object again with the present settings and ledger, and admit it to the archive if nothing refuses.

        ``force`` admits it whatever the rules say, but replaces nothing.
        """
        order = _Order(ActKind.RELEASE, who, reason, dry_run, overrule=force)
        return self._act(order, receipt, self._release)

    def replace(self, receipt: int, who: str, reason: str, *, dry_run: bool = False) -> Result:
        """Put an object in the place of the instance with the same SOP Instance UID, which goes to quarantine.

        The rules are overruled, and the ledger says which.
        """
        return self._act(_Order(ActKind.REPLACE, who, reason, dry_run, overrule=True), receipt, self._replace)

    def drop(self, receipt: int, who: str, reason: str, *, dry_run: bool = False) -> Result:
        """Remove the bytes and the case of an object; the ledger keeps its receipt."""
        return self._act(_Order(ActKind.DROP, who, reason, dry_run, overrule=True), receipt, self._drop)

    def _act(self, order: _Order, receipt: int, do: Callable[[_Order, Receipt], Result]) -> Result:
        if order.overrule and not order.reason.strip():
            raise BadReason("a reason is needed")
        if not is_text(order.reason):
            raise BadReason("expected text in UTF-8")
        with self._store.acting():
            if self._look():  # whoever made another one held us up until now
                raise LedgerGone("the ledger was replaced meanwhile, as by auditscp rebuild: nothing was done")
            self._mover.finish_interrupted()
            try:
                return do(order, self._held(receipt))
            except _Impossible as error:
                return Result(order.kind, receipt, done=False, outcome="impossible", why=str(error))

    def _release(self, order: _Order, held: Receipt) -> Result:
        return self._admit(order, self._read(held), None)

    def _replace(self, order: _Order, held: Receipt) -> Result:
        kept = self._read(held)
        other = self._stored(kept.draft.subject.facts.sop_instance_uid)
        if other is None:
            raise _Impossible("nothing is stored under its SOP Instance UID: it can be released")
        if (other.digest, other.request.transfer_syntax) == (held.digest, held.request.transfer_syntax):
            raise _Impossible(STORED)
        if not self._store.has(other.placement.path):
            raise _Impossible("the file of the stored instance is not there: auditscp verify says what else is not")
        return self._admit(order, kept, other)

    def _drop(self, order: _Order, held: Receipt) -> Result:
        act = order.act(held, "dropped")
        if not order.rehearse:
            if self._store.has(held.placement.path):
                self._store.recall(held.placement.path, held.id)

            def write(db: apsw.Connection) -> None:
                move(db, held.id, Place.NOWHERE, "")
                record(db, act)

            self._ledger.transact(write)
            self._mover.finish(held.id)
        return Result(order.kind, held.id, True, act.outcome, act=None if order.rehearse else act.id)

    def _admit(self, order: _Order, kept: HeldObject, displaced: Receipt | None) -> Result:
        """Judge again, and if that is enough write it and move the bytes of what changes its place."""
        moved = [one for one in (displaced, kept.receipt) if one]
        if not order.rehearse:
            for one in moved:
                self._store.recall(one.placement.path, one.id)
        try:
            attempt, outcome = self._attempt(order, kept, displaced)
        except _Impossible:
            self._mover.finish_interrupted()
            raise
        if not order.rehearse:
            self._mover.finish(*(one.id for one in moved))
        judgement, why = (outcome.judgement, outcome.why) if isinstance(outcome, Stopped) else (outcome, "")
        return Result(
            kind=order.kind,
            receipt=kept.receipt.id,
            done=not why,
            outcome=(("refused" if why == REFUSED else "impossible") if why else attempt.outcome(judgement)),
            why=why,
            codes=overruled(judgement),
            findings=tuple(
                finding_document(one, one.problem.expected, one.problem.found) for one in judgement.verdict.findings
            ),
            other=displaced.id if displaced else None,
            act=None if isinstance(outcome, Stopped) else attempt.act.id,
        )

    def _attempt(
        self, order: _Order, kept: HeldObject, displaced: Receipt | None
    ) -> tuple[Readmission, Judgement | Stopped]:
        """Judge and write until nothing comes between."""
        act = order.act(kept.receipt, "", displaced)
        policy = self._policies(kept.receipt.request.association)
        compared: dict[int, Comparison] = {}
        outcome: Judgement | NeedsComparison | Stopped
        for _ in range(_ATTEMPTS):
            withdrawal = self._withdrawal(displaced) if displaced else None
            terms = Terms(order.overrule, order.rehearse, displaced, withdrawal)
            attempt = Readmission(kept, policy, terms, act, compared)
            try:
                outcome = self._ledger.readmit(kept.draft, attempt.prepare, attempt.decide, attempt.conclude)
            except ChangedMeanwhile:
                continue
            if isinstance(outcome, Judgement | Stopped):
                return attempt, outcome
            compared[outcome.held.other.receipt] = self._compare(kept, outcome)
        raise NodeFault("what is stored keeps changing")

    def _held(self, number: int) -> Receipt:
        """Return the receipt of an object that is in quarantine; a resend stands for what was kept."""
        receipt = self._ledger.receipt(number)
        if receipt and receipt.placement.place is Place.NOWHERE and receipt.placement.original != number:
            receipt = self._ledger.receipt(receipt.placement.original)
        if receipt is None:
            raise _Impossible("there is no receipt with this number")
        if receipt.placement.place is not Place.QUARANTINE:
            raise _Impossible("it is not in quarantine (any more)")
        if self._store.has(spool_path(receipt.id)):  # whoever received it would bring it there after the act, too
            raise _Impossible("it is on its way to quarantine: try again")
        return receipt

    def _read(self, held: Receipt) -> HeldObject:
        try:
            return self._reader.kept(held)
        except BadCase as bad:
            why = f"its case is damaged: {bad}; restore it, or take it away to go by what the ledger has"
            raise _Impossible(why) from bad
        except StoreFault as fault:
            raise _Impossible(f"it cannot be read: {fault}") from fault

    def _stored(self, sop_instance_uid: str) -> Receipt | None:
        with reading(self._path) as db:
            found = fetch(db, rows.FIND_HELD, by_uid(sop_instance_uid))
        return self._ledger.receipt(found[0][0]) if found else None

    def _withdrawal(self, displaced: Receipt) -> Withdrawal:
        try:
            with reading(self._path) as db:
                return plan(db, displaced.id, self._reader.stored)
        except StoreFault as fault:
            raise _Impossible(f"what its series is compared with cannot be read: {fault}") from fault

    def _compare(self, kept: HeldObject, need: NeedsComparison) -> Comparison:
        other, ours = need.held.other, kept.receipt
        with (
            self._store.data_set(ours.placement.path, ours.id) as (second, _),
            self._store.data_set(other.path, other.receipt) as (first, syntax),
        ):
            return compare_in_turn(first, syntax, second, kept.draft.subject.request.transfer_syntax, self._limits)
