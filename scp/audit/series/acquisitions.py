"""Acquisitions of one stack that overlap: whether each is complete, or slices of one are missing.

A few slices that are repeated, slabs that overlap and a needle that is followed are planned. A volume of which slices
were lost looks much like a repeat, but it has gaps, or its Instance Numbers have room for the missing slices. That
nothing is missing at its beginning is only known if the number before is in use, and likewise at its end. And what was
acquired again has another acquisition time.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np

from scp.audit.series.line import gaps, usual_step
from scp.audit.series.result import Stack

_MOST: Final = 256
"""With more acquisitions in one stack than this, they are not compared with each other."""


class _Run(NamedTuple):
    """One acquisition: the number of images at each position, the position of each Instance Number, and the times."""

    images: Counter[int]
    numbers: dict[int, int]
    moments: set[tuple[int, str]]

    @property
    def places(self) -> frozenset[int]:
        return frozenset(self.images)


def are_planned(stack: Stack, acquisition: Mapping[int, str], moment: Mapping[int, str], used: Collection[int]) -> bool:
    """Whether a stack consists of complete acquisitions that were meant to overlap only in part.

    Args:
        stack: of single-frame images.
        acquisition: digest that distinguishes acquisitions, by member; empty if unknown.
        moment: fingerprint of the acquisition time of each member; empty if unknown.
        used: every Instance Number of the series.
    """
    runs: dict[str, _Run] = {}
    for plane, (member, position) in enumerate(zip(stack.members, stack.position_of, strict=True)):
        run = runs.setdefault(acquisition[member], _Run(Counter(), {}, set()))
        run.images[position] += 1
        run.moments.add((position, moment[member]))
        number = stack.numbers[plane]
        if number is not None:
            run.numbers[number] = position
    if "" in runs or not 1 < len(runs) <= _MOST:
        return False
    several = list(runs.values())
    return (
        len({count for run in several for count in run.images.values()}) == 1
        and sum(len(run.images) == len(stack.positions) for run in several) <= 1
        and all(_were_meant(one, two, used) for one, two in combinations(several, 2))
        and not any(_has_holes(stack, run.images) for run in several)
        and not any(_are_copies(one, two) for one, two in combinations(several, 2))
    )


def _are_copies(one: _Run, two: _Run) -> bool:
    """Whether two acquisitions have the same times at all positions that they share, and several times."""
    same = {(position, time) for position, time in one.moments & two.moments if time}
    return len({time for _, time in same}) > 1 and {position for position, _ in same} == one.places & two.places


def _were_meant(one: _Run, two: _Run, used: Collection[int]) -> bool:
    """Whether neither of two acquisitions can be the other one with slices missing.

    Both or neither have positions of their own, or they share at most half; or the shorter one certainly ends
    elsewhere.
    """
    mine, theirs = one.places, two.places
    if (mine <= theirs) is (mine >= theirs) or 2 * len(mine & theirs) <= max(len(mine), len(theirs)):
        return True
    return _is_shorter(one, two, used) if mine < theirs else _is_shorter(two, one, used)


def _is_shorter(part: _Run, whole: _Run, used: Collection[int]) -> bool:
    """Whether an acquisition certainly begins or ends elsewhere than one that has all of its positions and more."""
    numbers = part.numbers
    if len(numbers) < part.images.total() or max(numbers) - min(numbers) + 1 > len(numbers):
        return False
    first, last = min(numbers), max(numbers)
    is_anew = not whole.numbers.keys().isdisjoint(numbers)
    is_begin_known = first == 1 or (not is_anew and first - 1 in used)
    is_end_known = not is_anew and last + 1 in used
    low, high = min(part.images) > min(whole.images), max(part.images) < max(whole.images)
    if low is high:  # both ends are elsewhere, and it is enough to know one; or neither is
        return low and (is_begin_known or is_end_known)
    is_at_begin = low is (numbers[last] > numbers[first])
    return is_begin_known if is_at_begin else is_end_known


def _has_holes(stack: Stack, places: Iterable[int]) -> bool:
    steps = np.diff(np.array(stack.positions)[sorted(places)])
    return len(steps) > 1 and bool(gaps(steps, usual_step(steps)))
