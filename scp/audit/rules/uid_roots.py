"""UID-005, UID-006 and UID-013: who made the UIDs of an instance, and whether each names one thing."""

from itertools import combinations

from pydicom.datadict import dictionary_description

from scp.audit.finding import Answer, Outcome, Problem, Severity, shown_uid
from scp.audit.rule import Subject, grades, instance_rule
from scp.audit.traits import entities_above, implausible_root, maker_of
from scp.dicom import tags as t
from scp.dicom.status import Status
from scp.dicom.uid import is_uid


@instance_rule("UID-005", grades(Severity.WARN, Severity.WARN), reference="PS3.5 §9, Annex B")
def uid_root_implausible(subject: Subject) -> Outcome:
    """A UID has a root that nobody can own.

    Checks: SOP Instance, Series Instance, Study Instance and Frame of Reference UID. The first component
    is 0, 1 or 2, the second at most 39 under 0 and 1; 2.25 is followed by one number of at most 39 digits
    below 2^128; none is under 1.2.840.10008, the root of the standard itself.

    Why: UIDs are unique because each root has one owner. Under a root made up by a program others will
    make up the same UIDs.

    Exceptions: the well-known instances and Frames of Reference of the standard (colour palettes, brain
    atlases) are under its own root. No meaning is read into what follows the root.

    What to do: have a registered root set in the equipment or the gateway that made the UID, or let it
    make UUIDs under 2.25.
    """
    traits, uids = subject.traits, entities_above(subject.facts)
    if traits.root_problem:
        uids = {t.SOP_INSTANCE_UID: subject.facts.sop_instance_uid, **uids}
    problems = {tag: problem for tag, text in uids.items() if (problem := implausible_root(text, maker_of(text)))}
    if not problems:
        return Answer.PASS if traits.is_uid or any(map(is_uid, uids.values())) else Answer.NOT_APPLICABLE
    tag, problem = next(iter(problems.items()))
    return Problem(
        f"{dictionary_description(tag)}: {problem}",
        tags=tuple(problems),
        found={t.name_of(tag): uids[tag] for tag in problems},
    )


@instance_rule(
    "UID-006", grades(Severity.WARN, Severity.REFUSE, frame_of_reference=(Severity.INFO, Severity.INFO)),
    Status.UID_REUSED, reference="PS3.5 §9",
)  # fmt: skip
def one_uid_at_two_levels(subject: Subject) -> Outcome:
    """One UID names things at two levels.

    Checks: SOP Instance, Series Instance, Study Instance and Frame of Reference UID all differ. The case
    `frame_of_reference` is a Frame of Reference named like its study, and nothing worse.

    Why: a UID names one thing. Systems that keep all UIDs in one index find the wrong thing, and nothing
    is left to tell a new series from a new instance.

    Exceptions: equipment that keeps one Frame of Reference for the whole study sometimes takes the Study
    Instance UID for it: this is told, not warned of.

    What to do: the equipment or a script derives UIDs by copying: have it make one for each level.
    """
    traits, uids = subject.traits, entities_above(subject.facts)
    if len(uids) + traits.has_uid < 2:
        return Answer.NOT_APPLICABLE
    shared = [(t.SOP_INSTANCE_UID, tag) for tag in traits.namesakes]
    shared += [pair for pair in combinations(uids, 2) if uids[pair[0]] == uids[pair[1]]]
    if not shared:
        return Answer.PASS
    first, second = shared[0]
    return Problem(
        f"{dictionary_description(first)} is also the {dictionary_description(second)}",
        tags=tuple(dict.fromkeys(tag for pair in shared for tag in pair)),
        case="frame_of_reference" if shared == [(t.STUDY_INSTANCE_UID, t.FRAME_OF_REFERENCE_UID)] else "",
        found=shown_uid(uids[second]),
    )


@instance_rule("UID-013", grades(Severity.INFO, Severity.INFO), reference="PS3.5 Annex B")
def uids_of_different_roots(subject: Subject) -> Outcome:
    """The UIDs of one object come from different roots.

    Checks: SOP Instance UID and Series Instance UID have their first four components in common, or both
    are under 2.25.

    Why: equipment normally makes both. Different roots are allowed; they are the trace of a gateway, an
    anonymiser or a workstation that gave the instance a new UID.

    Exceptions: UIDs of fewer than five components say too little about their root. Roots that are longer
    (1.2.826.0.1.3680043.…, 1.3.6.1.4.1.…) may differ behind the fourth component without being told.
    Study and Frame of Reference UIDs are left out: they come from the information system, or from other
    series.

    What to do: nothing by itself. With duplicates (DUP) or contradictions (ENT) in the same series, look
    for the system that rewrote the instance.
    """
    instance, series = subject.traits.maker, maker_of(subject.facts.series_instance_uid)
    if not instance or not series:
        return Answer.NOT_APPLICABLE
    if instance == series:
        return Answer.PASS
    return Problem(
        f"instance under {instance}, series under {series}",
        tags=(t.SOP_INSTANCE_UID, t.SERIES_INSTANCE_UID),
        expected=series,
        found=instance,
    )
