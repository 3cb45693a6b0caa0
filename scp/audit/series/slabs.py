"""Slabs: parallel runs of slices that were planned beside each other, and are not one volume.

MR has them in one series: the discs of a spine, each with a few slices of its own, or the stations of a moving table.
Two runs at one place that were merged look much alike, but overlap, or one continues where the other ends. Frames of
enhanced images may say which slab they belong to (Stack ID).

Slabs may also lie on one line, with space between them: both breasts, or two regions of the body. The Instance Numbers
distinguish this from missing slices: they go on from one run to the next without a gap.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from pydicom.uid import (
    EnhancedMRColorImageStorage,
    EnhancedMRImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
)

from scp.audit.series.line import LINE, OFF_LINE, clusters, same_position, usual_step
from scp.audit.series.member import Member
from scp.audit.series.planes import Floats, Ints, Planes
from scp.audit.series.result import Gap

PLANNED: Final = frozenset(
    {
        EnhancedMRColorImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage, MRImageStorage,
    }
)  # fmt: skip
_MOST: Final = 64
"""With more lines in one direction than this, they are not taken for slabs."""
_APART: Final = 1.5
"""Steps from the end of one slab to the beginning of the next, at least; if nearer, it is the same run."""
_STATION: Final = 0.5
"""Part of the field of view by which two stations are apart at least."""
_ROOM: Final = 5
_ROOM_OF_MR: Final = 3
"""Steps from the end of one run to the beginning of the next on the same line, at least; MR is planned in slabs."""


class _Slab(NamedTuple):
    """Where a slab begins and ends along the normal, its step, and its place along rows and columns, all in mm."""

    begin: float
    end: float
    step: float
    across: Floats


def slabs_of(part: Ints, planes: Planes, members: Sequence[Member]) -> list[Ints]:
    """Return the slabs that parallel planes form, as indexes; all planes together if they form none."""
    first = members[planes.owners[part[0]]]
    near = same_position(first.geometry.spacing, first.geometry.thickness)
    told = _told_apart(part, planes, near)
    if len(told) > 1:
        return told
    if first.sop_class_uid not in PLANNED or len(part) < 2 * LINE:
        return [part]
    directions = planes.directions[planes.groups[part[0]]].reshape(2, 3)
    across = planes.points[part] @ directions.T
    line = _lines(across)
    count = int(line.max()) + 1
    if not 1 < count <= _MOST:
        return [part]
    along = planes.points[part] @ np.cross(*directions)
    slabs = [_slab(along[line == one], across[line == one], near) for one in range(count)]
    field = _field_of_view(first)
    if not all(slab and other and _are_planned(slab, other, field) for slab, other in combinations(slabs, 2)):
        return [part]
    return [part[line == one] for one in range(count)]


def _told_apart(part: Ints, planes: Planes, near: float) -> list[Ints]:
    """Return the planes of each Stack ID, if each of them has enough positions to be a slab; else all together."""
    stacks, points = planes.stacks[part], planes.points[part]
    different = np.unique(stacks)
    if not 1 < len(different) <= _MOST:
        return [part]
    directions = planes.directions[planes.groups[part[0]]].reshape(2, 3)
    along, across = points @ np.cross(*directions), points @ directions.T
    told = [stacks == one for one in different]
    return [part[one] for one in told] if all(_slab(along[one], across[one], near) for one in told) else [part]


def rooms_among(
    holes: Sequence[Gap], positions: int, numbers: Sequence[int | None], sop_class_uid: str
) -> tuple[Gap, ...]:
    """Return those gaps of a stack in which nothing is missing: wide ones, between runs whose numbers go on.

    Args:
        holes: the gaps, in the order of the positions.
        positions: how many the stack has.
        numbers: of its planes: Instance Numbers, or those of the frames of a single instance. Numbers may occur several
            times, all of them equally often.
        sop_class_uid: of its planes.
    """
    known = Counter(number for number in numbers if number is not None)
    if not holes or known.total() < len(numbers) or len(set(known.values())) > 1:
        return ()
    lost = max(known) - min(known) + 1 - len(known)
    least = _ROOM_OF_MR if sop_class_uid in PLANNED else _ROOM
    after = [-1, *(hole.after for hole in holes), positions - 1]
    return tuple(
        hole for begin, hole, end in zip(after, holes, after[2:], strict=False)
        if hole.missing + 1 >= least and min(hole.after - begin, end - hole.after) >= LINE and 2 * lost < hole.missing
    )  # fmt: skip


def _lines(across: Floats) -> Ints:
    """Return for each plane the line along the normal that it lies on: planes that are near in the plane share one."""
    line = np.zeros(len(across), np.int64)
    for values in across.T:
        order = np.lexsort((values, line))
        begins = (np.diff(line[order]) != 0) | (np.diff(values[order]) > OFF_LINE)
        line[order] = np.concatenate(([0], np.cumsum(begins)))
    return line


def _slab(along: Floats, across: Floats, near: float) -> _Slab | None:
    """Return the extent of a slab; None if its planes have too few positions."""
    ascending = np.sort(along)
    positions = ascending[np.unique(clusters(ascending, near), return_index=True)[1]]
    if len(positions) < LINE:
        return None
    return _Slab(float(positions[0]), float(positions[-1]), usual_step(np.diff(positions)), across.mean(axis=0))


def _are_planned(one: _Slab, other: _Slab, field: Floats) -> bool:
    """Whether two slabs were meant to be apart: there is space between them, or they are stations of a moving table."""
    room = max(one.begin, other.begin) - min(one.end, other.end)
    if room > _APART * max(one.step, other.step):
        return True
    return bool(np.any(np.abs(one.across - other.across) >= _STATION * field))


def _field_of_view(member: Member) -> Floats:
    """Return the length of rows and columns in mm; infinite if it is not known."""
    geometry = member.geometry
    if not (geometry.spacing and geometry.rows and geometry.columns):
        return np.full(2, np.inf)
    between_rows, between_columns = geometry.spacing
    return np.array([geometry.columns * between_columns, geometry.rows * between_rows])
