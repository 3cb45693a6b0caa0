"""REF: whether referenced instances are stored."""

from collections.abc import Iterator
from typing import Final

from scp.audit.finding import Severity
from scp.audit.rule import grades, series_rule
from scp.audit.series.view import SeriesProblem, SeriesView
from scp.audit.series.words import MOST_NAMED, who_of
from scp.dicom import tags as t
from scp.dicom.sop_classes import Kind
from scp.printable import count

REFERRING: Final = frozenset(
    {
        Kind.STRUCTURED_REPORT, Kind.KEY_OBJECT, Kind.PRESENTATION_STATE, Kind.SEGMENTATION, Kind.RT_STRUCTURE_SET,
        Kind.RT_PLAN, Kind.RT_DOSE, Kind.REGISTRATION,
    }
)  # fmt: skip
"""Kinds that are of little use without what they refer to."""


@series_rule(
    "REF-401", grades(Severity.INFO, Severity.INFO),
    applies="reports, segmentations, presentation states, key objects, registrations, RT objects",
    reference="PS3.3 C.17.2, C.18.4, 10.8",
)  # fmt: skip
def referenced_instance_not_stored(view: SeriesView) -> Iterator[SeriesProblem]:
    """An object refers to instances that are not stored.

    Checks: that every instance that such an object names by a Referenced SOP Instance UID (0008,1155), in whatever
    Sequence, is stored.

    Why: a segmentation cannot be shown without its images, nor a report with its evidence.

    Exceptions: referenced instances may come later, or be kept elsewhere, so this is only noted.

    What to do: send the referenced series, if it should be stored here.
    """
    by_id = {one.id: one for one in view.members}
    for number, absent in (view.context.absent or {}).items():
        if absent:
            yield SeriesProblem(
                f"{who_of([by_id[number]])}: {count(len(absent), 'referenced instance')} not stored here",
                tags=(t.REFERENCED_SOP_INSTANCE_UID,), instances=(by_id[number].sop_instance_uid,),
                expected=0, found=absent[:MOST_NAMED],
            )  # fmt: skip


RULES: Final = (referenced_instance_not_stored,)
