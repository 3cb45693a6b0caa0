"""DUP: images of a series that have the same pixel data."""

from collections.abc import Iterator
from typing import Final

from scp.audit.finding import Severity
from scp.audit.rule import grades, series_rule
from scp.audit.series.view import SeriesProblem, SeriesView
from scp.audit.series.words import uids_of, who_of
from scp.dicom import tags as t


@series_rule(
    "DUP-008", grades(Severity.WARN, Severity.WARN), applies="images, waveforms", reference="PS3.5 §9",
)  # fmt: skip
def same_pixels_under_another_uid(view: SeriesView) -> Iterator[SeriesProblem]:
    """Images of the series have the same pixels.

    Checks: that no two images of the series have the same pixel data, byte for byte. This is checked only on demand
    (`--pixels`), because all pixel data have to be read.

    Why: two slices of a patient always differ, if only by noise. If their pixels are the same, one of them is a copy,
    or has the pixels of another slice.

    Exceptions: blank images, in which all pixels have one value. Computed phantoms and test images may repeat.

    What to do: look at the instances that are named. If their positions differ, one of them has a wrong position or
    wrong pixels: export the series again from the equipment. If not, one is a copy under a new UID: find the system
    that made it.
    """
    by_id = {one.id: one for one in view.members}
    for copies in view.context.copies or ():
        members = [by_id[one] for one in copies]
        yield SeriesProblem(
            f"{len(members)} images have the same pixels: {who_of(members)}",
            tags=(t.PIXEL_DATA,), instances=uids_of(members), found=len(members), expected=1,
        )  # fmt: skip


RULES: Final = (same_pixels_under_another_uid,)
