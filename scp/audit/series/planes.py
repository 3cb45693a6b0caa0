"""The planes of a series, as arrays: one for each single-frame image and for each frame of a volume.

Left out are objects that are no slices (reports, pages, projections), localizers, mosaics (whose position is not that
of a slice), and images without a position, or with one beyond all limits (GEO-101 reports both). Directions that differ
by less than 0.5 degrees are one group (SER-301).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scp.audit.series.member import Member
from scp.dicom.geometry import FARTHEST
from scp.dicom.sop_classes import PLANES, Kind

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

VOLUMES: Final = frozenset({Kind.ENHANCED, Kind.NM, Kind.RT_DOSE})
"""Kinds whose frames are slices."""

SAME_DIRECTION: Final = np.radians(0.5)
"""In radians: directions that differ by less are one, with jitter."""
_CHORD: Final = 2 * np.sin(SAME_DIRECTION / 2)
"""The distance between the ends of two unit vectors at that angle."""
_FLAT: Final = 0.5
"""Length of row × column below which there is no plane (GEO-103 refuses such images)."""

_Orientation = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Planes:
    """The planes of a series; each array has one entry for each plane, except ``directions`` and ``turned``.

    Attributes:
        points: Image Position (Patient) in mm, n × 3.
        owners: index of the member.
        frames: number of the frame, counted from 1; 0 for a single-frame image.
        stacks: a number for the Stack ID of the frame; 0 if there is none.
        groups: index of the group of directions, into ``directions``.
        jitter: angle to the direction of the group, in radians.
        directions: of each group, the direction that most of its planes have: unit vectors of row and column, 6 each.
        turns: index of the exact direction of the plane, into ``turned``.
        turned: all exact directions, as unit vectors of row and column, 6 each.
    """

    points: Floats
    owners: Ints
    frames: Ints
    stacks: Ints
    groups: Ints
    jitter: Floats
    directions: Floats
    turns: Ints
    turned: Floats


def planes_of(members: Sequence[Member]) -> Planes:
    """Return the planes of a series."""
    points: list[Sequence[float]] = []
    owners: list[int] = []
    frames: list[int] = []
    stacks: list[int] = []
    turns: list[int] = []
    known: dict[_Orientation, int] = {}
    for index, member in enumerate(members):
        geometry = member.geometry
        if geometry.frames and member.kind in VOLUMES:
            local = [known.setdefault(tuple(one), len(known)) for one in geometry.orientations]
            only = len(geometry.frames) == 1
            stack_of = geometry.frame_stacks or [0] * len(geometry.frames)
            for number, (plane, stack) in enumerate(zip(geometry.frames, stack_of, strict=True), 1):
                if plane is not None:
                    stacks.append(stack)
                    points.append(plane[:3])
                    owners.append(index)
                    frames.append(0 if only else number)
                    turns.append(local[int(plane[3])])
        elif geometry.position and geometry.orientation and _is_slice(member):
            points.append(geometry.position)
            owners.append(index)
            frames.append(0)
            stacks.append(0)
            turns.append(known.setdefault(tuple(geometry.orientation), len(known)))
    units = _units(list(known))
    group_of, jitter_of, directions = _grouped(units, list(known), Counter(turns))
    turn = np.array(turns, np.int64)
    flat = group_of[turn] < 0
    places = np.array(points, np.float64).reshape(-1, 3)
    keep = ~flat & np.all(np.abs(places) <= FARTHEST, axis=1)
    return Planes(
        points=places[keep],
        owners=np.array(owners, np.int64)[keep],
        frames=np.array(frames, np.int64)[keep],
        stacks=np.array(stacks, np.int64)[keep],
        groups=group_of[turn][keep],
        jitter=jitter_of[turn][keep],
        directions=directions,
        turns=turn[keep],
        turned=units.reshape(-1, 6),
    )


def _is_slice(member: Member) -> bool:
    geometry = member.geometry
    return (member.kind in PLANES or member.kind is Kind.RT_DOSE) and not (geometry.scout or geometry.mosaic)


def angles(directions: Floats, other: Floats) -> Floats:
    """Return the angle between each of some directions and another one, in radians: the larger of rows and columns."""
    apart = (directions - other).reshape(-1, 2, 3)
    return np.asarray(2 * np.arcsin(np.sqrt(np.einsum("ijk,ijk->ij", apart, apart).max(axis=1)) / 2))


def _units(known: Sequence[_Orientation]) -> Floats:
    """Return orientations as unit vectors, n × 2 × 3; what is not a direction becomes zero, and so has no plane."""
    units = np.array(known, np.float64).reshape(len(known), 2, 3)
    with np.errstate(all="ignore"):
        units /= np.linalg.norm(units, axis=2, keepdims=True)
    return np.asarray(np.nan_to_num(units, posinf=0.0, neginf=0.0))


def _grouped(units: Floats, known: Sequence[_Orientation], planes: Counter[int]) -> tuple[Ints, Floats, Floats]:
    """Group orientations by their directions.

    Returns the group of each (-1: no plane), its angle to the group's direction, and the directions of the groups. The
    most frequent orientation that has no group yet begins the next one.
    """
    count = len(known)
    flat = np.linalg.norm(np.cross(units[:, 0], units[:, 1]), axis=1) < _FLAT
    group, jitter = np.full(count, -1, np.int64), np.zeros(count)
    leaders: list[int] = []
    left = np.array([one for one in sorted(range(count), key=lambda one: (-planes[one], known[one])) if not flat[one]])
    while len(left):
        leader = int(left[0])
        apart = units[left] - units[leader]
        chords = np.sqrt(np.einsum("ijk,ijk->ij", apart, apart).max(axis=1))
        near = chords <= _CHORD
        mine = left[near]
        group[mine], jitter[mine] = len(leaders), 2 * np.arcsin(chords[near] / 2)
        leaders.append(leader)
        left = left[~near]
    return group, jitter, units[leaders].reshape(-1, 6)
