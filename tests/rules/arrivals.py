"""Instances that arrive one after the other: the snapshot that each of them would be judged with."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from scp.audit.rule import Subject
from scp.audit.snapshot import Neighbour, Reference, Snapshot, StackReference
from scp.dicom.part10 import Part10, read_file
from scp.dicom.syntax import encoding_of, inflate
from tests.rules.builders import neighbour, reference, stack_reference, subject_of_bytes

CLEAN = (
    "ct_head_clean",
    "mr_b0map_ge_duppos",
    "mr_fieldmap_siemens_dupinum",
    "mr_fmri_ge_tpos",
    "mr_fmri_philips_4d",
    "mr_loc_ge_3plane",
    "mr_mip_rotating_philips",
    "mr_mosaic_siemens",
)
"""Folders of the corpus in which there is nothing to blame."""
INCOMPLETE = ("ct_ge_missing_slice", "ct_ge_partial", "mr_echoes_siemens_incomplete")
"""Folders in which slices are missing, which no pairwise rule can see."""


def read_subject(path: Path) -> Subject | None:
    """Return the subject that a file makes when it is sent; None if it is no DICOM file, or has no Data Set."""
    content = path.read_bytes()
    part = read_file(content)
    if not isinstance(part, Part10):
        return None
    data, syntax = content[part.offset :], part.transfer_syntax
    encoding = encoding_of(syntax)
    if encoding is not None and encoding.deflated:
        inflated = inflate(data)
        assert isinstance(inflated, bytes)
        data, syntax = inflated, "1.2.840.10008.1.2.1"
    return subject_of_bytes(data, syntax)


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
                neighbours=neighbours.get(near, ()) if near else (),
            ),
        )
        studies.setdefault(study, of_study)
        series.setdefault(uid, of_series)
        stacks.setdefault((uid, keys.stack), stack_reference(subject))
        stacks.setdefault((uid, keys.acquisition), stack_reference(subject))
        if near:
            neighbours[near] = (*neighbours.get(near, ()), neighbour(subject))
