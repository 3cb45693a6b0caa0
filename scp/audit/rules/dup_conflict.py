"""How two objects with one SOP Instance UID differ, if they are not the same bytes.

The first line of the table that holds decides which rule fires:

======== ==========================================================================================================
DUP-006  Study Instance UID, Series Instance UID or SOP Class UID differ; or the Patient ID differs, and with it
         pixels or any attribute that is not coercible
DUP-005  the pixels, or other bulk data, differ or cannot be compared
DUP-004  an attribute differs that is not coercible
DUP-003  a coercible attribute differs (:mod:`scp.dicom.coercible`)
DUP-002  nothing differs but the encoding
======== ==========================================================================================================

So another Patient ID alone is DUP-003: if the study, the series, the class, the pixels and all else are the same, the
patient was corrected; it is not another object.
"""

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum, auto
from typing import Final, NamedTuple

from scp.audit.finding import MOST_TAGS, Answer, Outcome, Problem
from scp.audit.rule import Subject
from scp.audit.rules.hierarchy import as_uid
from scp.audit.snapshot import Held, Snapshot
from scp.audit.tracked import PATIENT
from scp.dicom import tags as t
from scp.dicom.compare import BULK
from scp.dicom.difference import Comparison, Difference, Pixels

_NAMES: Final = 3
"""Attributes that a message names at most."""
_PARENTS: Final = {t.STUDY_INSTANCE_UID: "study", t.SERIES_INSTANCE_UID: "series", t.SOP_CLASS_UID: "SOP Class"}
"""What the UIDs of the hierarchy name, by tag."""
_UNCOMPARED: Final = {
    Pixels.LOSSY: "lossy compression: pixels cannot be compared",
    Pixels.UNREADABLE: "cannot be compared with the stored copy",
}


class Conflict(Enum):
    """The lines of the table of this module, the last one first."""

    REENCODED = auto()
    COERCED = auto()
    ATTRIBUTES = auto()
    PIXELS = auto()
    PARENT = auto()


class _Pair(NamedTuple):
    """The stored object, the one received now, and their differences."""

    held: Held
    subject: Subject
    comparison: Comparison

    @property
    def other_patient(self) -> bool:
        """Whether both have a Patient ID, and the two differ."""
        patient = self.subject.tracked.study.get(PATIENT)
        return bool(patient and self.held.patient) and patient != self.held.patient

    @property
    def other_image(self) -> bool:
        """Whether anything but patient and order data is known to differ."""
        return any(not one.coercible for one in self.comparison.differences)

    @property
    def other_parents(self) -> Mapping[int, tuple[str, str]]:
        """The UIDs of the hierarchy that differ, by tag: the stored one and the received one."""
        held, facts = self.held, self.subject.facts
        uids = {
            t.STUDY_INSTANCE_UID: (held.study_instance_uid, facts.study_instance_uid),
            t.SERIES_INSTANCE_UID: (held.series_instance_uid, facts.series_instance_uid),
            t.SOP_CLASS_UID: (held.sop_class_uid, facts.sop_class_uid),
        }
        return {tag: both for tag, both in uids.items() if both[0] != both[1]}


def judge(subject: Subject, snapshot: Snapshot, asked: Conflict) -> Outcome:
    """Answer for one line of the table: a problem if it is the line that decides."""
    if snapshot.held is None or snapshot.comparison is None or snapshot.identical:
        return Answer.NOT_APPLICABLE
    pair = _Pair(snapshot.held, subject, snapshot.comparison)
    return _DESCRIBE[asked](pair) if _conflict(pair) is asked else Answer.PASS


def _conflict(pair: _Pair) -> Conflict:
    """Return the line of the table that decides."""
    if pair.other_parents or (pair.other_patient and pair.other_image):
        return Conflict.PARENT
    if pair.comparison.pixels is not Pixels.EQUAL:
        return Conflict.PIXELS
    if pair.other_image:
        return Conflict.ATTRIBUTES
    return Conflict.COERCED if pair.comparison.differences else Conflict.REENCODED


def _parent(pair: _Pair) -> Problem:
    others = pair.other_parents
    names = ", ".join(_PARENTS[tag] for tag in others)
    return Problem(
        f"is stored under another {names or 'patient'}",
        tags=tuple(others) or (t.PATIENT_ID,),
        expected={t.name_of(tag): as_uid(stored) for tag, (stored, _) in others.items()} or None,
        found={t.name_of(tag): as_uid(came) for tag, (_, came) in others.items()} or None,
        other=pair.held.other,
        unstorable=True,
    )


def _pixels(pair: _Pair) -> Problem:
    """Say what differs, by digests, or why that cannot be said; a private creator is free text, and is not shown."""
    bulk = [one for one in pair.comparison.differences if one.tag in BULK]
    shown = [one for one in bulk if '"' not in one.path]
    return Problem(
        _UNCOMPARED.get(pair.comparison.pixels) or f"different {_names(bulk)}",
        tags=_top_level(bulk) or (t.PIXEL_DATA,),
        expected={one.path: one.first for one in shown} or None,
        found={one.path: one.second for one in shown} or None,
        other=pair.held.other,
        unstorable=True,
    )


def _attributes(pair: _Pair) -> Problem:
    return _differing([one for one in pair.comparison.differences if not one.coercible], pair)


def _coerced(pair: _Pair) -> Problem:
    return _differing(pair.comparison.differences, pair)


def _reencoded(pair: _Pair) -> Problem:
    stored, came = pair.comparison.first_transfer_syntax, pair.comparison.second_transfer_syntax
    return Problem(
        "is stored already, in another encoding",
        tags=(t.SOP_INSTANCE_UID,),
        expected=stored if stored != came else None,
        found=came if stored != came else None,
        other=pair.held.other,
        unstorable=True,
    )


_DESCRIBE: Final = {
    Conflict.PARENT: _parent,
    Conflict.PIXELS: _pixels,
    Conflict.ATTRIBUTES: _attributes,
    Conflict.COERCED: _coerced,
    Conflict.REENCODED: _reencoded,
}


def _differing(differences: Sequence[Difference], pair: _Pair) -> Problem:
    """Make a problem of attributes that differ; their values may be personal, so only the case shows them."""
    count = f"{'over ' if pair.comparison.omitted else ''}{len(differences)}"
    return Problem(
        f"{count} {'attribute differs' if count == '1' else 'attributes differ'}: {_names(differences)}",
        tags=_top_level(differences),
        other=pair.held.other,
        unstorable=True,
    )


def _names(differences: Iterable[Difference]) -> str:
    """Name the first attributes by keyword, or by tag where there is none."""
    names = [t.name_of(tag).rpartition(" ")[2] for tag in dict.fromkeys(one.tag for one in differences)]
    return ", ".join(names[:_NAMES]) + (", ..." if len(names) > _NAMES else "")


def _top_level(differences: Iterable[Difference]) -> tuple[int, ...]:
    """Return the top-level tags in or under which something differs: paths begin with ``(gggg,eeee``."""
    tags = dict.fromkeys(int(one.path[1:5] + one.path[6:10], 16) for one in differences)
    return tuple(tags)[:MOST_TAGS]
