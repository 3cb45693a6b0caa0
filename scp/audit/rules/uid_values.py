"""UID-001 to UID-004: whether the UIDs of an instance are written as UIDs."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from pydicom.datadict import dictionary_description

from scp.audit.finding import MOST_TAGS, Answer, Outcome, Problem, Severity, shown_uid
from scp.audit.rule import Subject, grades, instance_rule
from scp.dicom import tags as t
from scp.dicom.status import Status
from scp.dicom.uid import MAX_LENGTH, is_safe_name, is_uid

_PLACE: Final = frozenset({t.SOP_INSTANCE_UID, t.SERIES_INSTANCE_UID, t.STUDY_INSTANCE_UID})
"""UIDs that the path of a stored instance is made of."""

_OWNED: Final = _PLACE | {t.SOP_CLASS_UID}
"""UIDs that UID-001 and UID-002 check, so that UID-003 does not."""

_ALPHABET: Final = frozenset("0123456789.")
_MOST_VALUES: Final = 62
"""Values of a list that are checked: 62 UIDs with their separators fit into the 4096 bytes that are read of it."""


def _fault(text: str) -> str:
    """Say in a few words why a text is not a UID (PS3.5 §9.1); nothing if it is one."""
    if is_uid(text):
        return ""
    if not _ALPHABET.issuperset(text):
        return "not only digits and dots"
    if len(text) > MAX_LENGTH:
        return f"longer than {MAX_LENGTH} characters"
    return "a component is empty" if "" in text.split(".") else "a component starts with 0"


def _shown(uids: Mapping[int, str], faults: Iterable[int]) -> Mapping[str, str | None] | None:
    """Return the faulty values; None if one of them might name a person, so that none is shown."""
    values = {t.name_of(tag): shown_uid(uids[tag]) for tag in faults}
    return None if None in values.values() else values


def _malformed(uids: Mapping[int, str]) -> Outcome:
    """Check how some UIDs, by tag, are written; empty ones are ignored."""
    faults = {tag: fault for tag, text in uids.items() if text and (fault := _fault(text))}
    if not faults:
        return Answer.PASS if any(uids.values()) else Answer.NOT_APPLICABLE
    tag, fault = next(iter(faults.items()))
    return Problem(
        f"{dictionary_description(tag)}: {fault}",
        tags=tuple(faults),
        found=_shown(uids, faults),
        unstorable=any(not is_safe_name(uids[tag]) for tag in faults if tag in _PLACE),
    )


@instance_rule(
    "UID-001", grades(Severity.REFUSE, Severity.REFUSE), Status.INVALID_SOP_INSTANCE_UID,
    reference="PS3.5 §9.1, PS3.7 §9.1.1.1.9",
)  # fmt: skip
def sop_instance_uid_malformed(subject: Subject) -> Outcome:
    """The SOP Instance UID is not a UID.

    Checks: that SOP Instance UID (0008,0018) of the Data Set and Affected SOP Instance UID (0000,1000) of the request
    are written as UIDs: numbers without leading zeros, joined by dots, 1 to 64 characters. Padding is removed first
    (UID-004).

    Why: the SOP Instance UID is the identity of the instance. If other systems cannot store or compare it, or put it
    into a request, the instance cannot be found, or is taken for another.

    Exceptions: an empty value is left to REQ-001 (in the Data Set) and UID-007 (in the request). Leading zeros occur in
    old test patterns: this rule may be set to `warn` for their sender. A UID with other characters than digits and dots
    is refused whatever the settings say, because it cannot be stored.

    What to do: correct the root or the UID generator in the configuration of the equipment; a component may be `0` but
    not `01`. If a gateway renumbered the instance, send it again from its source.

    Evidence: 0 of 259 instances of the corpus (11 real series: GE, Siemens, Philips), 0 of the 166 DICOM files that
    pydicom ships as test files.
    """
    if subject.traits.is_uid and subject.traits.is_announced:
        return Answer.PASS
    return _malformed(
        {
            t.SOP_INSTANCE_UID: subject.facts.sop_instance_uid,
            t.AFFECTED_SOP_INSTANCE_UID: subject.request.sop_instance_uid,
        }
    )


@instance_rule(
    "UID-002", grades(Severity.REFUSE, Severity.REFUSE), Status.UID_MALFORMED, reference="PS3.5 §9.1"
)  # fmt: skip
def hierarchy_uid_malformed(subject: Subject) -> Outcome:
    """The Study Instance, Series Instance or SOP Class UID is not a UID.

    Checks: that Study Instance UID (0020,000D), Series Instance UID (0020,000E) and SOP Class UID (0008,0016) are
    written as UIDs (as in UID-001).

    Why: these UIDs put the instance into its study and series, and say what it is. Other systems drop or split studies
    whose UIDs they cannot read.

    Exceptions: empty values are left to REQ-001.

    What to do: correct the UID generator of the equipment. A Study Instance UID often comes from the worklist: see what
    the information system sends in (0020,000D).

    Evidence: as UID-001: 0 of 259 instances of real series, 0 of 166 test files.
    """
    facts = subject.facts
    return _malformed(
        {
            t.STUDY_INSTANCE_UID: facts.study_instance_uid,
            t.SERIES_INSTANCE_UID: facts.series_instance_uid,
            t.SOP_CLASS_UID: facts.sop_class_uid,
        }
    )


@instance_rule("UID-003", grades(Severity.WARN, Severity.WARN), reference="PS3.5 §9.1")
def other_uid_malformed(subject: Subject) -> Outcome:
    """Another value that must be a UID is not one.

    Checks: that every top-level element with the VR UI is written as a UID (as in UID-001), private elements included;
    of lists, the first 62 values. The elements of UID-001 and UID-002 are left out.

    Why: references by such a UID (Frame of Reference, synchronisation, context groups) cannot be followed.

    Exceptions: empty values are allowed; some MR equipment sends an empty Frame of Reference UID (GEO-108).

    What to do: report the elements that the finding names to the maker of the equipment.
    """
    uids = {tag: text for tag, text in subject.facts.other_uids.items() if tag not in _OWNED}
    faults = {tag: fault for tag, text in uids.items() if (fault := _fault_in_list(text))}
    if not faults:
        return Answer.PASS if any(uids.values()) else Answer.NOT_APPLICABLE
    tag, fault = next(iter(faults.items()))
    return Problem(
        f"({tag >> 16:04X},{tag & 0xFFFF:04X}): {fault}",
        tags=tuple(faults)[:MOST_TAGS],
        found=_shown(uids, tuple(faults)[:MOST_TAGS]),
    )


@lru_cache(maxsize=1024)  # nearly all of these values are the same in a whole series
def _fault_in_list(text: str) -> str:
    """Say what is wrong with the first of several values that is not a UID; empty values are allowed."""
    values = (value.strip(" \0") for value in text.split("\\", _MOST_VALUES)[:_MOST_VALUES])
    return next((fault for value in values if value and (fault := _fault(value))), "")


@instance_rule("UID-004", grades(Severity.INFO, Severity.WARN), reference="PS3.5 §6.2, §9.1")
def uid_padded_wrongly(subject: Subject) -> Outcome:
    """A UID is padded with something other than one NUL.

    Checks: that the bytes of every top-level element with the VR UI end in one NUL if that makes their length even, and
    in no other padding.

    Why: receivers that do not remove spaces take a padded UID for another one.

    Exceptions: none. This node compares all UIDs without padding.

    What to do: nothing; it is harmless here. If another system loses such instances, this is the reason: report it to
    the maker of the equipment.
    """
    padded = subject.facts.badly_padded_uids
    if not padded:
        return Answer.PASS if subject.facts.other_uids or subject.traits.has_uid else Answer.NOT_APPLICABLE
    return Problem(
        f"{len(padded)} of {len(subject.facts.uids)} UIDs not padded with one NUL",
        tags=padded[:MOST_TAGS],
        found=len(padded),
        expected=0,
    )
