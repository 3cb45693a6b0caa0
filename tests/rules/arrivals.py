"""Instances that arrive one after the other: the snapshot that each of them would be judged with."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from scp.audit.rule import Subject
from scp.audit.snapshot import Neighbour, Reference, Snapshot, StackReference
from scp.audit.tracked import FRAME, PATIENT
from scp.dicom.part10 import Part10, read_file
from tests.rules.builders import neighbour, reference, stack_reference, subject_of_bytes


def subjects_of(paths: Iterable[Path]) -> list[Subject]:
    """Return the subjects that files make when they are sent; what is not DICOM, or of no series, is left out."""
    found = []
    for path in paths:
        content = path.read_bytes()
        part = read_file(content)
        if isinstance(part, Part10):
            found.append(subject_of_bytes(content[part.offset :], part.transfer_syntax))
    return [subject for subject in found if subject.facts.series_instance_uid]


def arrivals(subjects: Iterable[Subject]) -> Iterator[tuple[Subject, Snapshot]]:
    """Yield each subject with what a ledger would hold, if all before it were stored."""
    studies: dict[str, Reference] = {}
    series: dict[str, Reference] = {}
    stacks: dict[tuple[str, str], StackReference] = {}
    neighbours: dict[tuple[str, int], tuple[Neighbour, ...]] = {}
    for subject in subjects:
        facts, keys = subject.facts, subject.tracked
        of_study, of_series = reference(subject)
        study, uid, number = facts.study_instance_uid, facts.series_instance_uid, facts.instance_number
        near = (uid, number) if isinstance(number, int) else None
        yield (
            subject,
            Snapshot(
                study=studies.get(study),
                series=series.get(uid),
                stack=stacks.get((uid, keys.stack)),
                acquisition=stacks.get((uid, keys.acquisition)),
                parallel=stacks.get((uid, keys.parallel)),
                neighbours=neighbours.get(near, ()) if near else (),
            ),
        )
        if study not in studies or (PATIENT in of_study.values and PATIENT not in studies[study].values):
            studies[study] = of_study
        if uid not in series or (FRAME in of_series.values and FRAME not in series[uid].values):
            series[uid] = of_series
        for stack in keys.stacks:
            stacks.setdefault((uid, stack), stack_reference(subject))
        if near:
            neighbours[near] = (*neighbours.get(near, ()), neighbour(subject))
