"""What the rules about study, series and stack share: what an instance is compared with, and how values are shown."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from pydicom.datadict import keyword_for_tag

from scp.audit.finding import Answer, Outcome, Problem, Value
from scp.audit.rule import Subject
from scp.audit.snapshot import Neighbour, Reference, Snapshot
from scp.audit.tracked import Attribute, comparable
from scp.dicom.uid import is_uid


class Labels(NamedTuple):
    """The attributes that a rule compares: those of one level, by their names in :mod:`scp.audit.tracked`."""

    level: str
    attributes: Mapping[str, Attribute]
    names: tuple[str, ...]


def as_uid(uid: str) -> str:
    """Return a UID for a finding. A text that is not a UID may be anything, even a name, and is not shown."""
    return uid if is_uid(uid) else "not a UID"


def series_reference(subject: Subject, snapshot: Snapshot) -> Reference | None:
    """Return the first instance of the series, if it is in the same study.

    If it is in another study, ENT-201 fires; then these are two series, and other differences mean nothing.
    """
    series = snapshot.series
    return series if series and series.parent == subject.facts.study_instance_uid else None


def at_another_time(subject: Subject, neighbour: Neighbour) -> bool:
    """Whether two slices were acquired at different times, and both say so."""
    mine = subject.tracked.moment
    return bool(mine and neighbour.moment) and mine != neighbour.moment


def differing(labels: Labels, mine: Mapping[str, str], reference: Reference | None) -> tuple[str, ...] | None:
    """Return the names whose values differ, among those that both sides have; None if both have none of them."""
    if reference is None:
        return None
    both = [name for name in labels.names if name in mine and name in reference.values]
    if not both:
        return None
    return tuple(name for name in both if comparable(name, mine[name]) != comparable(name, reference.values[name]))


def outcome(
    labels: Labels,
    names: Iterable[str] | None,
    mine: Mapping[str, str],
    reference: Reference | None,
    case: str = "",
) -> Outcome:
    """Make an answer of the names that differ. Values of personal attributes are fingerprints, and are never shown."""
    if names is None or reference is None:
        return Answer.NOT_APPLICABLE
    attributes = {name: labels.attributes[name] for name in names}
    if not attributes:
        return Answer.PASS
    keywords = {name: keyword_for_tag(attribute.tag) for name, attribute in attributes.items()}
    impersonal = [name for name, attribute in attributes.items() if not attribute.personal]
    expected: Value = {keywords[name]: _shown(name, reference.values[name]) for name in impersonal} or None
    found: Value = {keywords[name]: _shown(name, mine[name]) for name in impersonal} or None
    return Problem(
        f"differs from the {labels.level}: {', '.join(dict.fromkeys(keywords.values()))}",
        tags=tuple(dict.fromkeys(attribute.tag for attribute in attributes.values())),
        case=case,
        expected=expected,
        found=found,
        other=reference.other,
    )


def _shown(name: str, value: str) -> str:
    """Return a value as the instance has it: Series Number 2 is kept as 2.0."""
    return value.removesuffix(".0") if name == "series_number" else value
