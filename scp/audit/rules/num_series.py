"""NUM: the Instance Numbers of a whole series."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

from scp.audit.finding import Severity
from scp.audit.rule import grades, series_rule
from scp.audit.series.line import LINE
from scp.audit.series.view import SeriesProblem, SeriesView
from scp.audit.series.words import listed, who
from scp.dicom import tags as t

_MOST: Final = 1000
"""Numbers in one gap that are looked for."""


@series_rule(
    "NUM-005", grades(Severity.INFO, Severity.WARN), applies="CT, MR, PET (single frame)", reference="PS3.3 C.7.6.1",
)  # fmt: skip
def instance_numbers_have_gaps(view: SeriesView) -> Iterator[SeriesProblem]:
    """Instance Numbers are missing in a stack.

    Checks: no number between the smallest and the largest Instance Number of a stack, or of the mosaics of one sort, is
    missing, unless another image of the series has it.

    Why: together with a hole in the positions (SER-305) it says which images are missing.

    Exceptions: stacks in which less than half of the numbers are used: some volumes are numbered in steps. A
    series can be whole with numbers missing, and slices can be missing though the numbers are without gap.

    What to do: nothing, unless SER-305 or SER-306 tell of the same place.
    """
    used = sorted({one.instance_number for one in view.members if one.instance_number is not None})
    for name, stack, numbers in (*_stacks(view), *_mosaics(view)):
        if len(numbers) < LINE:
            continue
        between = used[bisect_left(used, min(numbers)) : bisect_left(used, max(numbers)) + 1]
        missing = max(numbers) - min(numbers) + 1 - len(between)
        if 0 < missing <= len(between):
            yield SeriesProblem(
                f"{name}Instance Number {listed(_missing(between), missing)} missing", stack=stack,
                tags=(t.INSTANCE_NUMBER,), expected=missing + len(between), found=len(between),
            )  # fmt: skip


def _stacks(view: SeriesView) -> Iterator[tuple[str, int, list[int]]]:
    """Yield name, number and Instance Numbers of the stacks of single images."""
    for stack in view.stacks:
        if not any(stack.frames):
            yield view.name(stack), stack.number, [one for one in stack.numbers if one is not None]


def _mosaics(view: SeriesView) -> Iterator[tuple[str, int, list[int]]]:
    """Yield the Instance Numbers of the mosaics of each sort, which are in no stack."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for one in view.members:
        if one.geometry.mosaic and one.instance_number is not None:
            numbers[one.geometry.stack].append(one.instance_number)
    yield from (("mosaics: ", 0, found) for _, found in sorted(numbers.items()))


def _missing(ascending: Sequence[int]) -> list[int]:
    return [number for one, other in pairwise(ascending) for number in range(one + 1, min(other, one + _MOST))]


@series_rule(
    "NUM-006", grades(Severity.INFO, Severity.INFO), applies="CT, MR, PET (single frame)", reference="PS3.3 C.7.6.1",
)  # fmt: skip
def instance_numbers_not_in_spatial_order(view: SeriesView) -> Iterator[SeriesProblem]:
    """Instance Numbers do not follow the position of the slices.

    Checks: in a series of one stack, with one image at each position, Instance Numbers only rise or only fall along the
    normal.

    Why: viewers that sort by Instance Number show such a series out of order.

    Exceptions: both directions are normal. Interleaved acquisitions may be numbered in the order of time.

    What to do: sort by Image Position (Patient).
    """
    if len(view.stacks) != 1:
        return
    stack = view.stacks[0]
    numbers = [one for one in stack.numbers if one is not None]
    if len(numbers) < len(stack.positions) or len(numbers) < LINE or any(stack.frames) or max(stack.counts) > 1:
        return
    rising = numbers[-1] > numbers[0]
    wrong = [index for index, (one, two) in enumerate(pairwise(numbers), 1) if (two > one) is not rising]
    if wrong:
        yield SeriesProblem(f"out of spatial order: {who(stack, wrong)}", stack=stack.number, tags=(t.INSTANCE_NUMBER,))


RULES: Final = (instance_numbers_have_gaps, instance_numbers_not_in_spatial_order)
