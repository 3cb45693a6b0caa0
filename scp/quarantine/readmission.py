"""Judges a quarantined object again, by the same rules as at arrival but against what is stored now, and admits it."""

from dataclasses import dataclass, field, replace
from typing import Final

import apsw

from scp.audit.engine import Judgement, NeedsComparison, judge
from scp.audit.finding import Decision, Severity
from scp.audit.policy import Policy
from scp.audit.snapshot import Held, Snapshot
from scp.dicom.difference import Comparison
from scp.dicom.uid import is_safe_name
from scp.layout import Place, archive_path, quarantine_path
from scp.ledger.acts import Act, move, record
from scp.ledger.port import Receipt
from scp.ledger.withdraw import Withdrawal, withdraw
from scp.quarantine.kept import HeldObject

REFUSED: Final = "it would be refused again"
STORED: Final = "the same bytes are stored already: there is nothing to admit, it can be dropped"
TAKEN: Final = "an instance is stored under its SOP Instance UID, and release replaces nothing: see replace"
NO_PLACE: Final = "it has no place in the archive: its UIDs cannot be the names of files"

_KEEP_PATIENT: Final = """UPDATE receipt SET patient = (SELECT patient FROM instance WHERE id = ?1) WHERE id = ?1"""


@dataclass(frozen=True, slots=True)
class Stopped:
    """A judgement after which nothing is written; ``why`` is empty if the only reason is that this is a rehearsal."""

    judgement: Judgement
    why: str


@dataclass(frozen=True, slots=True)
class Terms:
    """How an object is admitted.

    ``overrule``: even if rules refuse it. ``rehearse``: only judge it. ``displaced`` is the instance whose place it
    takes, and ``withdrawal`` removes that one from the ledger's instances.
    """

    overrule: bool
    rehearse: bool
    displaced: Receipt | None = None
    withdrawal: Withdrawal | None = None


@dataclass(slots=True)
class Readmission:
    """One attempt at admission; the ledger's transaction calls prepare, decide and conclude, in this order."""

    kept: HeldObject
    policy: Policy
    terms: Terms
    act: Act
    compared: dict[int, Comparison] = field(default_factory=dict)
    judgement: Judgement | None = None

    def prepare(self, db: apsw.Connection) -> None:
        """Withdraw the instance that is replaced, if any."""
        if self.terms.withdrawal:
            db.execute(_KEEP_PATIENT, (self.terms.withdrawal.instance,))
            withdraw(db, self.terms.withdrawal)

    def decide(self, snapshot: Snapshot) -> Judgement | NeedsComparison | Stopped:
        """Judge the object; Stopped if it is not to be admitted."""
        held = snapshot.held
        if held:
            held = replace(held, confirmed=True)
            snapshot = replace(snapshot, held=held, comparison=self.compared.get(held.other.receipt))
        outcome = judge(self.kept.examination, snapshot, self.policy)
        if isinstance(outcome, NeedsComparison):
            return outcome
        why = self._hindrance(outcome, held)
        if why or self.terms.rehearse:
            return Stopped(outcome, why)
        self.judgement = outcome
        return outcome

    def conclude(self, db: apsw.Connection) -> None:
        """Record the new places of the bytes, and the act."""
        assert self.judgement is not None
        facts = self.kept.draft.subject.facts
        path = archive_path(facts.study_instance_uid, facts.series_instance_uid, facts.sop_instance_uid)
        move(db, self.kept.receipt.id, Place.ARCHIVE, path)
        displaced = self.terms.displaced
        if displaced:
            move(db, displaced.id, Place.QUARANTINE, quarantine_path(displaced.id, displaced.received))
        record(db, replace(self.act, outcome=self.outcome(self.judgement), codes=overruled(self.judgement)))

    def outcome(self, judgement: Judgement) -> str:
        """Return the word for what was done, or in a rehearsal would be."""
        if self.terms.displaced:
            return "replaced"
        return "forced" if overruled(judgement) else "released"

    def _hindrance(self, judgement: Judgement, held: Held | None) -> str:
        verdict, facts = judgement.verdict, self.kept.draft.subject.facts
        if verdict.duplicate:
            return STORED
        if held:
            return TAKEN
        uids = (facts.study_instance_uid, facts.series_instance_uid, facts.sop_instance_uid)
        unplaced = not facts.sop_instance_uid or not all(is_safe_name(uid) for uid in uids if uid)
        if unplaced or any(finding.problem.unstorable for finding in verdict.findings):
            return NO_PLACE
        return REFUSED if verdict.decision is Decision.REFUSE and not self.terms.overrule else ""


def overruled(judgement: Judgement) -> tuple[str, ...]:
    """Return the codes of the findings that refuse."""
    return tuple(one.code for one in judgement.verdict.findings if one.severity is Severity.REFUSE)
