"""Makes a ledger from archive and quarantine alone, for the day on which the ledger is lost.

Each object's own file says how it was received (:mod:`scp.provenance`), and each refused object has its case. Archived
objects are admitted again in the order in which they were received, by the same code as then, so that later instances
are compared with the same values as before. They are judged with the settings of today, but none is refused: it was
accepted once, and is stored. Every response counts as read by its sender, as nobody knows any more which was not.

What left no object cannot come back: receipts of duplicates and of requests that were not stored, the ends of
associations, and acts. Audits of series are lost too, but made again. Objects that do not fit (no longer a DICOM file,
or not where they belong) are left out and named; so are those that an interrupted act was moving, which stay in the
spool.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import apsw

from scp import provenance
from scp.audit.engine import Judgement, examine, judge
from scp.audit.finding import Decision, Severity, Verdict
from scp.audit.policy import Policy
from scp.audit.rule import Subject
from scp.audit.snapshot import Snapshot
from scp.audit.tracked import tracked
from scp.dicom.facts import Facts
from scp.dicom.part10 import MEDIA_STORAGE_SOP_CLASS_UID, MEDIA_STORAGE_SOP_INSTANCE_UID
from scp.dicom.read import read_facts
from scp.dicom.request import Association, Request
from scp.dicom.walk import Limits
from scp.errors import StoreFault, in_words
from scp.ids import as_text, from_text, id_at, new_id
from scp.layout import ARCHIVE, LEDGER, QUARANTINE, SPOOL, Place, Placement, archive_path, case_path, recall_path
from scp.ledger import rows
from scp.ledger.key import key_path, load_or_make_key
from scp.ledger.port import Draft
from scp.ledger.scanners import Scanners
from scp.ledger.sqlite import SqliteLedger
from scp.outcomes import Outcome
from scp.printable import is_text
from scp.provenance import Provenance
from scp.quarantine.case_file import BadCase
from scp.store.files import fault
from scp.store.mapped import mapped
from scp.upkeep.found import Found
from scp.upkeep.reading import Read, note_in, read_object
from scp.upkeep.refusals import Refusal, refusal_in
from scp.upkeep.restoration import write_back
from scp.upkeep.swap import put_in_place, resume, set_bad_key_aside

REBUILDING: Final = f"{LEDGER}.rebuilding"


@dataclass(slots=True)
class Rebuilt:
    """What is in the new ledger: how many instances of the archive and objects of quarantine.

    ``left_out`` are objects that are not in it, as path and reason. ``lacking`` are files that are damaged or missing,
    as path and problem, so that the ledger knows less about an object that is in it. ``old`` is the name under which
    the previous ledger is kept, if there was one.
    """

    archived: int = 0
    quarantined: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)
    lacking: list[tuple[str, str]] = field(default_factory=list)
    old: str = ""


class LeftOut(Exception):
    """An object that cannot be in the new ledger; the text says why."""


class Rebuilder:
    """Makes a new ledger for a data folder. The caller has locked the folder."""

    def __init__(self, folder: Path, policies: Callable[[Association], Policy], limits: Limits) -> None:
        self._folder = folder
        self._policies = policies
        self._limits = limits
        self._draft = folder / REBUILDING
        self._nobody = Association(as_text(new_id()), "", 0, "", "")

    def run(self, progress: Callable[[int, int], None] = lambda *_: None) -> Rebuilt:
        """Make the ledger and put it in its place; ``progress`` is called with the objects done and of all objects.

        The previous ledger is kept beside it. Raises NodeFault; then the previous ledger is still in its place.
        """
        done = Rebuilt()
        try:
            self._clear()
            resume(self._folder)
            if (self._folder / LEDGER).exists():
                write_back(self._folder)
            set_bad_key_aside(self._folder)
            load_or_make_key(key_path(self._draft), sync=True)  # unlike the draft, which is synced when it is whole
            with closing(SqliteLedger(self._draft, durability="none")) as ledger, closing(Found()) as found:
                for path in self._objects(done):
                    found.add(self._came(path).receipt, path)
                for number, path in enumerate(found, 1):
                    self._take(ledger, path, done)
                    progress(number, found.number)
                done.left_out += [(path, "an act was moving it when it was cut off") for path in self._recalled(ledger)]
                ledger.transact(lambda db: db.execute("UPDATE instance SET confirmed = 1"))
            done.old = put_in_place(self._folder, self._draft)
        except OSError as error:
            raise fault("the data folder cannot be read or written", error) from error
        finally:
            with suppress(OSError):
                self._clear()
        return done

    def _clear(self) -> None:
        for path in self._folder.glob(f"{REBUILDING}*"):
            path.unlink()

    def _objects(self, done: Rebuilt) -> Iterator[str]:
        """Yield the paths of what may be objects; folders that cannot be read, and links to folders, are left out."""

        def unread(error: OSError) -> None:
            path = Path(error.filename).relative_to(self._folder).as_posix()
            done.left_out.append((path, f"the folder cannot be read ({in_words(error)})"))

        for top in (ARCHIVE, QUARANTINE):
            for folder, folders, names in os.walk(self._folder / top, onerror=unread):
                here = Path(folder).relative_to(self._folder).as_posix()
                yield from (f"{here}/{name}" for name in names if name.endswith(".dcm"))
                links = (f"{here}/{name}" for name in folders if (Path(folder) / name).is_symlink())
                done.left_out += [(link, "a link to a folder, which is not followed") for link in links]

    def _recalled(self, ledger: SqliteLedger) -> Iterator[str]:
        """Yield objects that exist only under the name in the spool by which an act was moving them."""
        for path in sorted((self._folder / SPOOL).iterdir()):
            with suppress(ValueError):  # not ours
                recalled = recall_path(receipt := from_text(path.stem))
                if recalled == f"{SPOOL}/{path.name}" and not ledger.knows(receipt):
                    yield recalled

    def _came(self, path: str) -> Provenance:
        """Return how an object was received; if its header does not say, what its name and its file's time tell."""
        place = self._folder / path
        with suppress(OSError):
            kept = provenance.read(note_in(place))
            if kept:
                return kept
        received = place.lstat().st_mtime_ns // 1000
        receipt = id_at(received)
        if path.startswith(f"{QUARANTINE}/"):
            with suppress(ValueError):
                receipt = from_text(place.stem)
        return Provenance(receipt, received, 0, "", self._nobody)

    def _take(self, ledger: SqliteLedger, path: str, done: Rebuilt) -> None:
        try:
            read, came = self._read(path), self._numbered(ledger, self._came(path))
            if read.note and came.association is self._nobody:
                done.lacking.append((path, "its header does not say how it came: what is there is damaged"))
            if path.startswith(f"{ARCHIVE}/"):
                self._admit(ledger, path, read, came)
                done.archived += 1
            else:
                self._hold(ledger, path, read, came, self._case(path, came, done))
                done.quarantined += 1
        except LeftOut as reason:
            done.left_out.append((path, str(reason)))

    def _numbered(self, ledger: SqliteLedger, came: Provenance) -> Provenance:
        """Make sure that the receipt number is free; only one that was made up here may be changed for that."""
        while ledger.knows(came.receipt):
            if came.association is not self._nobody:
                raise LeftOut("there is another object of the same receipt")
            came = replace(came, receipt=came.receipt + 1)
        return came

    def _read(self, path: str) -> Read:
        try:
            read = read_object(self._folder / path, forget=False)
        except OSError as error:
            raise LeftOut(f"it cannot be read ({in_words(error)})") from error
        if read is None:
            raise LeftOut("it is not a DICOM file")
        if not is_text(path):
            raise LeftOut("its name is no text in UTF-8")
        return read

    def _facts(self, path: str, read: Read) -> Facts:
        try:
            with mapped(self._folder / path) as whole, whole[read.offset :] as data:
                return read_facts(data, read.transfer_syntax, self._limits)
        except StoreFault as error:
            raise LeftOut(str(error)) from error

    def _admit(self, ledger: SqliteLedger, path: str, read: Read, came: Provenance) -> None:
        """Admit an instance as when it was received, but with findings that are at most warnings."""
        facts = self._facts(path, read)
        if archive_path(facts.study_instance_uid, facts.series_instance_uid, facts.sop_instance_uid) != path:
            raise LeftOut("its UIDs belong to another place")
        request = Request(
            association=came.association,
            message_id=came.message_id,
            sop_class_uid=read.meta.get(MEDIA_STORAGE_SOP_CLASS_UID) or facts.sop_class_uid,
            sop_instance_uid=read.meta.get(MEDIA_STORAGE_SOP_INSTANCE_UID) or facts.sop_instance_uid,
            abstract_syntax=came.abstract_syntax or facts.sop_class_uid,
            transfer_syntax=read.transfer_syntax,
            related_general_classes=came.related_general_classes,
        )
        examination = examine(Subject(request, facts, tracked(facts, ledger.fingerprint_key)))
        policy = self._policies(request.association)

        def decide(snapshot: Snapshot) -> Judgement | LeftOut:
            judgement = judge(examination, snapshot, policy)
            if snapshot.held or not isinstance(judgement, Judgement):
                return LeftOut("another object with its SOP Instance UID is in the archive")
            return judgement._replace(verdict=_softened(judgement.verdict, policy.warning_status))

        draft = Draft(came.receipt, came.received, examination.subject, read.digest, read.size)
        outcome = ledger.admit(draft, decide)
        if isinstance(outcome, LeftOut):
            raise outcome

    def _case(self, path: str, came: Provenance, done: Rebuilt) -> Refusal | None:
        """Read the case of a refused object. Without a good one, the object is taken, but not what was decided."""
        try:
            case = refusal_in(self._folder, path, came.receipt)
        except BadCase as bad:
            done.lacking.append((bad.file, bad.problem))
            return None
        if case is None:
            done.lacking.append((case_path(path), "there is no such file"))
        return case

    def _hold(self, ledger: SqliteLedger, path: str, read: Read, came: Provenance, case: Refusal | None) -> None:
        """Write the receipt of a refused object from its case; without a case, it only says that it was refused."""
        facts = self._facts(path, read)
        if case is None:
            uids = (
                read.meta.get(MEDIA_STORAGE_SOP_CLASS_UID, ""),
                read.meta.get(MEDIA_STORAGE_SOP_INSTANCE_UID, ""),
            )
            request = Request(came.association, came.message_id, *uids, came.abstract_syntax, read.transfer_syntax)
            outcome, status, size, digest = Outcome.REFUSE, None, read.size, read.digest
            verdict = Verdict(Decision.REFUSE, 0)
        else:
            request, outcome, status, size, digest = case.request, case.outcome, case.status, case.size, case.digest
            verdict = Verdict(Decision.REFUSE, status or 0, case.comment, findings=case.findings)
        subject = Subject(request, facts, tracked(facts, ledger.fingerprint_key))
        draft = Draft(came.receipt, came.received, subject, digest, size)
        placement = Placement(Place.QUARANTINE, path, came.receipt)

        def act(db: apsw.Connection) -> None:
            association = request.association
            db.execute(rows.INSERT_ASSOCIATION, rows.association_row(from_text(association.id), association))
            row = rows.receipt_row(
                came.receipt, came.received, request, outcome, status, size, placement, draft, verdict,
                Scanners(db).number(facts),
            )  # fmt: skip
            db.execute(rows.INSERT_RECEIPT, row)
            for position, finding in enumerate(verdict.findings):
                db.execute(rows.INSERT_FINDING, rows.finding_row(came.receipt, position, finding))

        ledger.transact(act)


def _softened(verdict: Verdict, warning_status: int) -> Verdict:
    """Return a verdict that stores the instance: if it would be refused today, it gets a warning."""
    if verdict.decision is not Decision.REFUSE:
        return verdict
    findings = tuple(replace(one, severity=min(one.severity, Severity.WARN)) for one in verdict.findings)
    comment = next(one.comment for one in findings if one.severity is Severity.WARN) if warning_status else ""
    return Verdict(Decision.WARN, warning_status, comment, findings=findings)
