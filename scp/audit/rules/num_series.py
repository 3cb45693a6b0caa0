"""NUM: the Instance Numbers of a whole series."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import Final, NamedTuple

from scp.audit.finding import Severity
from scp.audit.rule import grades, series_rule
from scp.audit.series.line import LINE
from scp.audit.series.view import SeriesProblem, SeriesView
from scp.audit.series.words import MOST_NAMED, listed, who
from scp.dicom import tags as t

_MOST: Final = 1000
"""Missing numbers of one gap that are listed at most."""
_PARTS: Final = 256
"""With more stacks than this, their numbers are not compared with each other."""
_FEW: Final = 4
"""If more than one number in this many is missing, none is taken for replaced: it is a way of numbering."""


@series_rule(
    "NUM-005", grades(Severity.INFO, Severity.WARN), applies="CT, MR, PET (single frame)", reference="PS3.3 C.7.6.1",
)  # fmt: skip
def instance_numbers_have_gaps(view: SeriesView) -> Iterator[SeriesProblem]:
    """Instance Numbers are missing in a stack.

    Checks: that between the smallest and the largest Instance Number (0020,0013) of a stack no number is missing,
    unless another image of the series has it. Stacks of one image each, such as rotating projections, are counted
    together, and so are mosaics.

    Why: together with a gap in the positions (SER-305), it shows which images are missing.

    Exceptions: stacks in which more than half of the numbers are missing: some volumes are numbered in steps. A
    complete series may have gaps in its numbers, and slices may be missing although the numbers have no gap.

    What to do: nothing, unless SER-305 or SER-306 names the same place.
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
    """Yield name, number and Instance Numbers of each stack of single-frame images; those of one image as one stack."""
    alone: list[int] = []
    for stack in view.stacks:
        numbers = [one for one in stack.numbers if one is not None]
        if any(stack.frames):
            continue
        if len(stack.offsets) == 1:
            alone += numbers
        else:
            yield view.name(stack), stack.number, numbers
    yield "planes of one image: ", 0, alone


def _mosaics(view: SeriesView) -> Iterator[tuple[str, int, list[int]]]:
    """Yield the Instance Numbers of the mosaics, which are in no stack, by SOP Class and Image Type."""
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

    Checks: in a series of one stack, with one image at each position, that the Instance Numbers only rise or only fall
    along the normal.

    Why: viewers that sort by Instance Number show such a series out of order.

    Exceptions: both directions are normal. Interleaved acquisitions may be numbered in the order of time.

    What to do: have the viewer sort by Image Position (Patient).
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


@series_rule(
    "NUM-007", grades(Severity.WARN, Severity.WARN), applies="CT, MR, PET (single frame)", reference="PS3.3 C.7.6.1",
)  # fmt: skip
def instance_numbers_repeated_here_and_there(view: SeriesView) -> Iterator[SeriesProblem]:
    """A few Instance Numbers occur at several places.

    Checks: that no two slices at different places have the same Instance Number and the same further values that
    NUM-004 compares. Also, if there are as many slices as numbers from the smallest to the largest, that no number
    occurs twice while another is missing.

    Why: when an instance arrives, numbers that may begin anew in each plane, at each station of a moving table or at
    each place of a cine are only noted (NUM-004). The whole series shows whether they do. If only a few repeat, two
    slices were given one number. Echoes and times may have numbers of their own; but if exactly as many numbers are
    missing as occur twice, a number was replaced by another.

    Exceptions: stacks in which at least half of the numbers occur at several positions, and two stacks of which one has
    at least half of its numbers in common with the other: their numbering begins anew. Stacks of one image each are
    taken together. If more than a quarter of the numbers are missing, none is taken for replaced.

    What to do: compare the slices that are named. Either two acquisitions were put into one series, or a slice was
    exported with the number of another.
    """
    parts = _parts(view)
    repeated = {one for part in parts for one in _repeated_within(part)}
    if len(parts) <= _PARTS:
        repeated.update(one for two in combinations(parts, 2) for one in _repeated_between(*two))
    told = "at several places"
    if not repeated:
        repeated.update(_written_over([one for part in parts for one in part]))
        told = "in several images, and as many are missing"
    if repeated:
        numbers = sorted({one.number for one in repeated})
        uids = tuple(one.uid for one in sorted(repeated)[:MOST_NAMED])
        yield SeriesProblem(
            f"Instance Number {listed(numbers)} {told}", tags=(t.INSTANCE_NUMBER,), instances=uids,
            expected=0, found=len(numbers),
        )  # fmt: skip


class _Slice(NamedTuple):
    """A single-frame image: its number, and its place (stack and position)."""

    number: int
    uid: str
    slot: str
    place: tuple[int, int]


def _parts(view: SeriesView) -> list[list[_Slice]]:
    """Return the numbered slices of each stack; those of all stacks of one image together."""
    slot = {one.id: one.slot for one in view.members}
    parts: dict[int, list[_Slice]] = defaultdict(list)
    for stack in view.stacks:
        part = parts[stack.number if len(stack.offsets) > 1 else 0]
        planes = zip(stack.members, stack.numbers, stack.uids, stack.position_of, stack.frames, strict=True)
        part += [
            _Slice(number, uid, slot[member], (stack.number, position))
            for member, number, uid, position, frame in planes
            if number is not None and not frame
        ]
    return list(parts.values())


def _repeated_within(part: Sequence[_Slice]) -> list[_Slice]:
    """Return the slices whose number occurs at another place, unless numbering begins anew at each position."""
    places: dict[int, set[tuple[int, int]]] = defaultdict(set)
    twins: dict[tuple[str, int], set[tuple[int, int]]] = defaultdict(set)
    for one in part:
        places[one.number].add(one.place)
        twins[one.slot, one.number].add(one.place)
    if 2 * sum(len(found) > 1 for found in places.values()) >= len(places):
        return []
    return [one for one in part if len(twins[one.slot, one.number]) > 1]


def _repeated_between(part: Sequence[_Slice], other: Sequence[_Slice]) -> list[_Slice]:
    """Return the slices of two stacks that have one number, unless numbering begins anew in either."""
    shared = {(one.slot, one.number) for one in part} & {(one.slot, one.number) for one in other}
    fewest = min(len({one.number for one in slices}) for slices in (part, other))
    if 2 * len({number for _, number in shared}) >= fewest:
        return []
    return [one for one in (*part, *other) if (one.slot, one.number) in shared]


def _written_over(slices: Sequence[_Slice]) -> list[_Slice]:
    """Return the slices that share a number, if exactly as many numbers are missing and at most a quarter of them."""
    numbers = Counter(one.number for one in slices)
    lost = len(slices) - len(numbers)
    if not 0 < _FEW * lost <= len(slices) or max(numbers) - min(numbers) + 1 != len(slices):
        return []
    return [one for one in slices if numbers[one.number] > 1]


RULES: Final = (
    instance_numbers_have_gaps,
    instance_numbers_not_in_spatial_order,
    instance_numbers_repeated_here_and_there,
)
