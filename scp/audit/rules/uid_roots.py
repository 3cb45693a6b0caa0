"""UID-005, UID-006 and UID-013: the roots of the UIDs of an instance, and UIDs that are used twice."""

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

    Checks: of SOP Instance, Series Instance, Study Instance and Frame of Reference UID, that the first component is 0,
    1 or 2, and after 0 and 1 the second is at most 39; that 2.25 is followed by one number of at most 39 digits below
    2^128; and that none is under 1.2.840.10008, the root of the standard itself.

    Why: UIDs are unique because each root has one owner. If a program invents a root, another one may invent the same,
    and make the same UIDs.

    Exceptions: the well-known instances and Frames of Reference of the standard (colour palettes, brain atlases) are
    under its own root. The components after the root are not interpreted.

    What to do: configure a registered root in the equipment or the gateway that made the UID, or have it make UUIDs
    under 2.25.
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
    """One UID is used at two levels.

    Checks: that SOP Instance, Series Instance, Study Instance and Frame of Reference UID all differ. The case
    `frame_of_reference`: the Frame of Reference UID is the Study Instance UID, and all others differ.

    Why: a UID identifies one thing. Systems that keep all UIDs in one index find the wrong thing, and cannot tell a
    series from an instance.

    Exceptions: some equipment has one Frame of Reference for the whole study, and takes the Study Instance UID for it:
    this is only noted.

    What to do: have the equipment or script that made the UIDs make one for each level: it copies them.
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
    """The UIDs of one object have different roots.

    Checks: that SOP Instance UID and Series Instance UID have the same first four components, or are both under 2.25.

    Why: the equipment normally makes both. Different roots are allowed, but show that a gateway, an anonymiser or a
    workstation gave the instance a new UID.

    Exceptions: UIDs of fewer than five components. If roots are longer than four components (1.2.826.0.1.3680043.…,
    1.3.6.1.4.1.…), differences after the fourth are not noticed. Study Instance and Frame of Reference UIDs are not
    compared: they come from the information system, or from other series.

    What to do: nothing by itself. If there are duplicates (DUP) or contradictions (ENT) in the same series, look for
    the system that rewrote the instance.
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
