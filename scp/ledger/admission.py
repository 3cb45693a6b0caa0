"""What one admission (the decision about one instance) reads and writes. The caller holds the transaction."""

from typing import Final

import apsw

from scp.audit.engine import Judgement
from scp.audit.finding import Decision
from scp.audit.rules.num import UNIQUE
from scp.audit.snapshot import Neighbour, Snapshot
from scp.audit.tracked import FRAME, PATIENT, Tracked
from scp.dicom.facts import Facts
from scp.dicom.request import Association
from scp.ids import from_text
from scp.layout import Place, Placement, archive_path, quarantine_path
from scp.ledger import rows
from scp.ledger.port import Admitted, Draft
from scp.ledger.references import References, has_frame, has_plane
from scp.ledger.scanners import Scanners
from scp.ledger.sealed import Sealed
from scp.ledger.uid_key import by_uid
from scp.outcomes import Outcome

_MOST_VARIANTS: Final = 4096
"""How many combinations of tracked values are remembered. Beyond that all are forgotten, and written once more."""

_FIND_QUARANTINED: Final = """SELECT id, path FROM receipt WHERE kept = 'quarantine' AND digest = ?
    AND transfer_syntax = ? AND affected_sop_instance_uid = ? AND affected_sop_class_uid = ? LIMIT 1"""


class Admission:
    """The statements of an admission, and what is remembered from one to the next."""

    def __init__(self, db: apsw.Connection, sealed: Sealed) -> None:
        self._db = db
        self._sealed = sealed
        self._associations: set[int] = set()
        self._stored: dict[int, int] = {}
        """The last instance that each open association stored."""
        self._variants: set[tuple[int, str]] = set()
        self._references = References(db)
        self._scanners = Scanners(db)

    def forget(self) -> None:
        """Forget everything: a transaction was undone, and what is remembered may be from it."""
        self._associations.clear()
        self._stored.clear()
        self._scanners.forget()
        self.forget_references()

    def forget_references(self) -> None:
        """Forget references: another program may have removed the first instance of a series."""
        self._variants.clear()
        self._references.forget()

    def forget_association(self, association: Association) -> None:
        """Note that an association has ended: nothing more is written about it."""
        number = from_text(association.id)
        self._associations.discard(number)
        self._stored.pop(number, None)

    def snapshot(self, draft: Draft) -> Snapshot:
        """Read what pairwise rules need to know; every look-up goes by a key."""
        facts, tracked = draft.subject.facts, draft.subject.tracked
        run = self._db.execute
        number = run(rows.FIND_HELD, by_uid(facts.sop_instance_uid)).get
        held = None if number is None else rows.held_of(run(rows.SELECT_HELD, (number,)).fetchall()[0])
        identical = (
            held is not None
            and held.digest == draft.digest
            and held.transfer_syntax == draft.subject.request.transfer_syntax
        )
        if identical:
            return Snapshot(held=held, identical=True)
        if not (facts.study_instance_uid and facts.series_instance_uid):
            return Snapshot(held=held)  # an object of no patient has nothing to be compared with
        study = self._references.study(facts.study_instance_uid)
        series = self._references.series(facts.series_instance_uid)
        if series is None:
            return Snapshot(held=held, study=study.reference if study else None)
        return Snapshot(
            held=held,
            study=study.reference if study else None,
            series=series.reference,
            stack=self._references.stack(series.id, tracked.stack),
            acquisition=self._references.stack(series.id, tracked.acquisition),
            parallel=self._references.stack(series.id, tracked.parallel) if tracked.parallel else None,
            neighbours=self._neighbours(series.id, facts, tracked.slot),
        )

    def _neighbours(self, series: int, facts: Facts, slot: str) -> tuple[Neighbour, ...]:
        """Return the stored instances of a series with the same Instance Number, oldest first.

        If each slot may have the number once, only instances in the same slot are read: a series of many volumes may
        have each number a thousand times.
        """
        number, uid = facts.instance_number, facts.sop_instance_uid
        if not isinstance(number, int):
            return ()
        if facts.kind in UNIQUE:
            found = self._db.execute(rows.FIND_NAMESAKES, (series, number, uid)).fetchall()
        else:
            found = self._db.execute(rows.FIND_NEIGHBOURS, (series, number, slot, uid)).fetchall()
        return tuple(
            rows.neighbour_of(self._db.execute(rows.SELECT_NEIGHBOUR, one).fetchall()[0]) for one in sorted(found)
        )

    def write(self, draft: Draft, snapshot: Snapshot, judgement: Judgement) -> Admitted:
        """Write what was decided: receipt, findings and, if it is stored, the instance."""
        verdict, request = judgement.verdict, draft.subject.request
        association = self.know(request.association)
        if draft.confirms != self._stored.get(association):  # otherwise the receipt itself shows it: Confirmation.TOLD
            self.confirm(draft.confirms)
        placement = self._placement(draft, snapshot, judgement)
        instance = snapshot.held.other.receipt if snapshot.held and verdict.duplicate else None
        if placement.place is Place.ARCHIVE:
            instance = self._stored[association] = draft.receipt
            self.write_instance(draft, snapshot, rows.Confirmation.TOLD)
        outcome = Outcome(verdict.decision.value)
        self._db.execute(
            rows.INSERT_RECEIPT,
            rows.receipt_row(
                draft.receipt,
                draft.received,
                request,
                outcome,
                verdict.status,
                draft.size,
                placement,
                draft,
                verdict,
                self._scanners.number(draft.subject.facts),
            ),
        )
        if draft.content is not None and placement.place is not Place.NOWHERE:
            self._sealed.put(draft.receipt, draft.content)
        for position, finding in enumerate(verdict.findings):
            self._db.execute(rows.INSERT_FINDING, rows.finding_row(draft.receipt, position, finding))
        return Admitted(judgement, placement, instance if verdict.is_stored else None)

    def _placement(self, draft: Draft, snapshot: Snapshot, judgement: Judgement) -> Placement:
        """Decide where the bytes go. Bytes that are in the archive or in quarantine already are not kept twice."""
        if judgement.verdict.duplicate and snapshot.held:
            other = snapshot.held.other
            return Placement(Place.NOWHERE, other.path, other.receipt)
        if judgement.verdict.decision is not Decision.REFUSE:
            facts = draft.subject.facts
            path = archive_path(facts.study_instance_uid, facts.series_instance_uid, facts.sop_instance_uid)
            return Placement(Place.ARCHIVE, path, draft.receipt)
        request = draft.subject.request
        uids = rows.uid(request.sop_instance_uid), rows.uid(request.sop_class_uid)
        kept = self._db.execute(_FIND_QUARANTINED, (draft.digest, request.transfer_syntax, *uids)).fetchone()
        if kept:
            original, path = kept
            return Placement(Place.NOWHERE, path, original)
        return Placement(Place.QUARANTINE, quarantine_path(draft.receipt, draft.received), draft.receipt)

    def write_instance(self, draft: Draft, snapshot: Snapshot, confirmation: rows.Confirmation) -> None:
        """Write an instance, and the study, series and stacks of which it becomes the reference."""
        facts, tracked, run = draft.subject.facts, draft.subject.tracked, self._db.execute
        study_uid, series_uid = facts.study_instance_uid, facts.series_instance_uid
        known = self._references.study(study_uid)
        if known is None or (PATIENT in tracked.study and PATIENT not in known.reference.values):
            study = run(rows.INSERT_STUDY, (study_uid, draft.receipt, rows.dumps(tracked.study))).get
            self._references.forget_study(study_uid)
        else:
            study = known.id
        known = self._references.series(series_uid)
        if known is None or (
            has_frame(facts, tracked) and FRAME not in known.reference.values
            and known.reference.parent == study_uid
        ):  # fmt: skip
            series = run(rows.INSERT_SERIES, (series_uid, study, draft.receipt, rows.dumps(tracked.series))).get
            self._references.forget_series(series_uid)
        else:
            series = known.id
        is_plane = has_plane(facts)
        stacks = snapshot.stack, snapshot.acquisition, snapshot.parallel
        for key, stack in zip(tracked.stacks, stacks, strict=False):
            if stack is None or (is_plane and not (stack.pixel_spacing and stack.orientation)):
                run(rows.INSERT_STACK, rows.stack_row(series, key, draft.receipt, facts))
                self._references.forget_stack(series, key)
        self._know_variant(series, tracked)
        run(rows.INSERT_INSTANCE, rows.instance_row(draft, study, series, confirmation))

    def confirm(self, instance: int | None) -> None:
        """Note that the sender of a stored instance has read the response; does nothing for None."""
        if instance is not None:
            self._db.execute(rows.SET_CONFIRMED, (rows.Confirmation.CONFIRMED, instance))

    def doubt(self, instance: int) -> None:
        """Note that the response did not say that an instance is stored, though it is."""
        self._db.execute(rows.SET_CONFIRMED, (rows.Confirmation.NONE, instance))

    def _know_variant(self, series: int, tracked: Tracked) -> None:
        """Write a combination of tracked values with the first instance of a series that has it."""
        variant = series, tracked.variant
        if variant not in self._variants:
            if len(self._variants) >= _MOST_VARIANTS:
                self._variants.clear()
            self._db.execute(rows.INSERT_VARIANT, (series, rows.dumps(tracked.counted)))
            self._variants.add(variant)

    def know(self, association: Association) -> int:
        """Return the number of an association; its row is written when it is first needed."""
        number = from_text(association.id)
        if number not in self._associations:
            self._db.execute(rows.INSERT_ASSOCIATION, rows.association_row(number, association))
            self._associations.add(number)
        return number
