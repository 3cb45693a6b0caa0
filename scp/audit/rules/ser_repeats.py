"""SER: whether each position of a stack has as many images as the others, and all images have one size."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from scp.audit.finding import Severity
from scp.audit.rule import grades, series_rule
from scp.audit.rules.ser_line import SLICES
from scp.audit.series.acquisitions import are_planned
from scp.audit.series.line import LINE
from scp.audit.series.result import Stack
from scp.audit.series.view import SeriesProblem, SeriesView
from scp.audit.series.words import named, planes_at, some, where
from scp.dicom import tags as t
from scp.printable import count

_TOLD: Final = 10
"""Positions of one stack of which the images are named."""
_MATRIX: Final = 3
"""Images that a matrix must have to be counted: fewer may be pages."""
_POSITION: Final = (t.IMAGE_POSITION_PATIENT,)


@series_rule(
    "SER-306",
    grades(
        Severity.WARN, Severity.WARN,
        acquisitions=(Severity.INFO, Severity.INFO), mixed=(Severity.INFO, Severity.WARN),
        exchanged=(Severity.WARN, Severity.WARN),
    ),
    applies=SLICES, reference="PS3.3 C.7.6.2.1.1",
)  # fmt: skip
def positions_repeated_unevenly(view: SeriesView) -> Iterator[SeriesProblem]:
    """Some positions have more images than others.

    Checks: that all positions of a stack have the same number of images. The case `acquisitions`: the images are of
    several acquisitions, by Acquisition Number (0020,0012), that overlap, and each of them is complete by its
    positions, Instance Numbers and acquisition times. The case `mixed`: there are three or more different numbers of
    images per position, none of them at more than half of the positions, and not because a scan ended in the middle of
    the stack. The case `exchanged`: all positions have the same number of images, but a few, less than half, have too
    many images of one kind (as compared by NUM-004) and too few of another.

    Why: times, echoes and b-values repeat every position equally often. If a few positions have one image less, images
    are missing; if they have one more, an image was sent again under a new UID, or another acquisition was merged in.
    In the case `exchanged`, the position of an image was exchanged with that of another echo or time.

    Exceptions: stacks of fewer than three positions. Nothing is wrong if acquisitions overlap: a few slices of a head
    were repeated because the patient moved, slabs of an angiography overlap, a needle was followed.

    What to do: compare the positions that are named with those at the equipment, and send the series again if images
    are missing. A dynamic scan that was aborted has one image more on one side.

    Evidence: of the 11 real series of the corpus, 6 of which repeat positions, it fires on the one whose echoes are
    known to be incomplete, and on no other.
    """
    acquisition = {one.id: one.geometry.acquisition for one in view.members}
    used = {one.instance_number for one in view.members if one.instance_number is not None}
    moment = {one.id: one.geometry.moment for one in view.members}
    slot = {one.id: one.slot for one in view.members}
    for stack in view.stacks:
        odd, case = stack.uneven, ""
        if len(stack.positions) < LINE:
            continue
        if not odd:
            yield from _sorts(stack, [slot[one] for one in stack.members], view)
            continue
        if are_planned(stack, acquisition, moment, used):
            case = "acquisitions"
        elif 2 * len(odd) >= len(stack.positions) and len(set(stack.counts)) > 2 and not _breaks_off(stack):
            case = "mixed"
        planes = [plane for index in odd[:_TOLD] for plane in planes_at(stack, index)]
        yield SeriesProblem(
            view.name(stack) + _repeats(stack, odd, case),
            case=case,
            stack=stack.number,
            tags=_POSITION,
            instances=named(stack, planes),
            expected=stack.usual_count,
            found=tuple(sorted({stack.counts[index] for index in odd})),
        )


def _sorts(stack: Stack, slots: Sequence[str], view: SeriesView) -> Iterator[SeriesProblem]:
    """Report the few positions that do not have as many images of each kind as the others."""
    places, total = len(stack.positions), Counter(slots)
    if any(images % places for images in total.values()):
        return
    there = Counter(zip(stack.position_of, slots, strict=True))
    odd = [one for one in range(places) if any(there[one, slot] * places != images for slot, images in total.items())]
    if 0 < 2 * len(odd) < places:
        more = f" and at {count(len(odd) - 1, 'other position')}"
        planes = [plane for index in odd[:_TOLD] for plane in planes_at(stack, index)]
        yield SeriesProblem(
            f"{view.name(stack)}as many images as elsewhere, but not of each kind: {where(stack, odd[0])}{more}",
            case="exchanged", stack=stack.number, tags=_POSITION, instances=named(stack, planes), expected=0,
            found=len(odd),
        )  # fmt: skip


def _breaks_off(stack: Stack) -> bool:
    """Whether a repetition of the stack ends midway.

    The number of images changes once, with at most one number in between, at a single position.
    """
    runs = [(images, len(list(places))) for images, places in groupby(stack.counts)]
    if len(runs) != LINE:
        return False
    (first, before), (middle, one), (last, after) = runs
    return one == 1 and min(before, after) >= LINE and min(first, last) < middle < max(first, last)


def _repeats(stack: Stack, odd: Sequence[int], case: str) -> str:
    if case or 2 * len(odd) >= len(stack.positions):
        said = some(
            f"{images} at {count(places, 'position')}" for images, places in sorted(Counter(stack.counts).items())
        )
        again = "acquisitions overlap" if case == "acquisitions" else "positions have different numbers of images"
        return f"{again}: {said}"
    first = odd[0]
    more = f"; {count(len(odd) - 1, 'other position')} differ too" if len(odd) > 1 else ""
    usual = f"{stack.usual_count} at most positions"
    return f"{count(stack.counts[first], 'image')} at {where(stack, first)}, {usual}{more}"


@series_rule("SER-309", grades(Severity.INFO, Severity.INFO), applies=SLICES, reference="PS3.3 C.7.6.3")
def several_matrices(view: SeriesView) -> Iterator[SeriesProblem]:
    """The images of the series have several sizes.

    Checks: that Rows and Columns are the same in all slices of the series. A size that fewer than three images have is
    not counted.

    Why: several reconstructions are in one series; they cannot be one volume.

    What to do: nothing, if the sizes are those of different Image Types. Otherwise see STK-251.
    """
    mine = {one for stack in view.stacks for one in stack.members}
    sizes = Counter(
        (one.geometry.rows, one.geometry.columns)
        for one in view.members
        if one.id in mine and one.geometry.rows and one.geometry.columns
    )
    large = [(size, images) for size, images in sizes.most_common() if images >= _MATRIX]
    if len(large) > 1:
        said = some(f"{rows} × {columns} in {images} images" for (rows, columns), images in large)
        yield SeriesProblem(f"{len(large)} sizes: {said}", tags=(t.ROWS, t.COLUMNS), expected=1, found=len(large))


RULES: Final = (positions_repeated_unevenly, several_matrices)
