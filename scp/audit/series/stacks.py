"""From planes to stacks: parallel planes of one SOP Class and Image Type, in the order of their positions.

Frames of one multi-frame image make a stack of their own. Image Types that only together fill a volume evenly make one
stack; slabs of MR make one each.
"""

from collections.abc import Hashable, Sequence
from itertools import chain
from typing import Any, Final

import numpy as np

from scp.audit.series.line import LINE, OFF_LINE, are_same, clusters, fit_line, gaps, same_position, usual_step
from scp.audit.series.member import Member
from scp.audit.series.planes import Floats, Ints, Planes, angles, planes_of
from scp.audit.series.result import Gap, Spacing, Stack
from scp.audit.series.slabs import rooms_among, slabs_of

ROUNDED: Final = 1e-4
"""Angle in radians that rounding of direction cosines explains."""
_STRAIGHT: Final = 0.9
"""If the cosine to an axis of the patient is at least this (within 25 degrees), the plane is named by it."""
_NAMES: Final = (("sagittal", "x"), ("coronal", "y"), ("axial", "z"))
_STATED: Final = 0.05
"""Relative difference up to which Spacing Between Slices or Slice Thickness confirms the step."""
_THIN: Final = 0.1
"""Steps below this part of Slice Thickness are none: the same slices at slightly different places."""


def stacks_of(members: Sequence[Member]) -> tuple[Stack, ...]:
    """Return the stacks of a series, the one with most planes first."""
    planes = planes_of(members)
    found = []
    for part in _split(planes, members):
        slabs = slabs_of(part, planes, members)
        found += [_stack(slab, planes, members, is_slab=len(slabs) > 1) for slab in slabs]
    found.sort(key=lambda one: (-len(one["offsets"]), one["group"], one["offsets"], one["uids"]))
    return tuple(Stack(number=number, **one) for number, one in enumerate(found, 1))


def _split(planes: Planes, members: Sequence[Member]) -> list[Ints]:
    """Return the planes of each stack as indexes."""
    keys: dict[Hashable, int] = {}
    index = np.empty(len(planes.owners), np.int64)
    parallel: dict[tuple[int, str], list[int]] = {}
    for row, (owner, frame, group) in enumerate(
        zip(planes.owners.tolist(), planes.frames.tolist(), planes.groups.tolist(), strict=True)
    ):
        member = members[owner]
        key = (group, -1, member.concatenation_uid or owner) if frame else (group, 0, member.geometry.stack)
        if key not in keys:
            keys[key] = len(keys)
            if not frame:
                parallel.setdefault((group, member.sop_class_uid), []).append(keys[key])
        index[row] = keys[key]
    order = np.argsort(index, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(index, minlength=len(keys)))[:-1]) if len(keys) else []
    merged: set[int] = set()
    found = []
    for same in parallel.values():
        together = np.concatenate([parts[one] for one in same])
        if len(same) > 1 and _complete_each_other([parts[one] for one in same], together, planes, members):
            merged.update(same)
            found.append(together)
    return found + [part for number, part in enumerate(parts) if number not in merged]


def _complete_each_other(parts: Sequence[Ints], together: Ints, planes: Planes, members: Sequence[Member]) -> bool:
    """Whether planes are evenly spaced, with one at each position, only if they are taken together."""
    return _is_even(together, planes, members) and not all(_is_even(part, planes, members) for part in parts)


def _is_even(part: Ints, planes: Planes, members: Sequence[Member]) -> bool:
    _, normal = _directions(planes, part)
    steps = np.diff(np.sort(planes.points[part] @ normal))
    if len(steps) < LINE - 1 or float(steps.min()) <= _tolerance(part, planes, members):
        return False
    return bool(np.all(are_same(steps, usual_step(steps))))


def _directions(planes: Planes, part: Ints, *, is_slab: bool = False) -> tuple[Floats, Floats]:
    """Return the direction of a stack's rows and columns, and its normal; a slab has its own, exact one."""
    most = int(np.argmax(np.bincount(planes.turns[part]))) if is_slab else 0
    direction = planes.turned[most] if is_slab else planes.directions[planes.groups[part[0]]]
    normal = np.cross(direction[:3], direction[3:])
    return direction, normal / np.linalg.norm(normal)


def _tolerance(part: Ints, planes: Planes, members: Sequence[Member]) -> float:
    geometry = members[planes.owners[part[0]]].geometry
    return same_position(geometry.spacing, geometry.thickness)


def _stack(part: Ints, planes: Planes, members: Sequence[Member], *, is_slab: bool) -> dict[str, Any]:
    """Return the fields of a stack, except its number."""
    direction, normal = _directions(planes, part, is_slab=is_slab)
    jitter = angles(planes.turned[planes.turns[part]], direction) if is_slab else planes.jitter[part]
    owners = planes.owners[part].tolist()
    frames = planes.frames[part].tolist()
    offsets = planes.points[part] @ normal
    numbers = [members[owner].instance_number for owner in owners]
    uids = [members[owner].sop_instance_uid for owner in owners]
    only_frames = len(set(owners)) == 1 and all(frames)
    far = offsets.tolist()
    order = sorted(
        range(len(part)), key=lambda one: (far[one], numbers[one] is None, numbers[one] or 0, uids[one], frames[one])
    )
    points, offsets = planes.points[part][order], offsets[order]
    position_of = clusters(offsets, _tolerance(part, planes, members))
    counts = np.bincount(position_of)
    positions = np.bincount(position_of, offsets) / counts
    steps = np.diff(positions)
    step = usual_step(steps) if len(steps) else None
    in_plane = points @ direction.reshape(2, 3).T
    drift, slopes = _drift(positions, counts, offsets, in_plane)
    name, axis, coordinates = _named(normal, points, positions, position_of, counts)
    sorted_members = [members[owners[one]] for one in order]
    holes = _gaps(steps, step, sorted_members)
    counted = frames if only_frames else numbers if not any(frames) else [None]
    rooms = rooms_among(holes, len(positions), counted, sorted_members[0].sop_class_uid)
    return {
        "group": int(planes.groups[part[0]]) + 1,
        "is_slab": is_slab,
        "sop_class_uid": sorted_members[0].sop_class_uid,
        "instances": len(set(owners)),
        "orientation": tuple(direction.tolist()),
        "normal": tuple(normal.tolist()),
        "plane": name,
        "axis": axis,
        "rows": _one({one.geometry.rows for one in sorted_members}),
        "columns": _one({one.geometry.columns for one in sorted_members}),
        "pixel_spacing": tuple(_one({tuple(one.geometry.spacing or ()) for one in sorted_members}) or ()),
        "members": tuple(one.id for one in sorted_members),
        "uids": tuple(uids[one] for one in order),
        "numbers": tuple(numbers[one] for one in order),
        "frames": tuple(frames[one] for one in order),
        "offsets": tuple(offsets.tolist()),
        "drift": tuple(map(tuple, drift.tolist())),
        "position_of": tuple(position_of.tolist()),
        "positions": tuple(positions.tolist()),
        "coordinates": tuple(coordinates.tolist()),
        "counts": tuple(counts.tolist()),
        "step": step,
        "spacing": Spacing(float(steps.min()), float(np.median(steps)), float(steps.max())) if len(steps) else None,
        "gaps": tuple(one for one in holes if one not in rooms),
        "rooms": rooms,
        "off_line": tuple(np.flatnonzero(np.hypot(*drift.T) > OFF_LINE).tolist()) if len(positions) >= LINE else (),
        "turned": tuple(np.flatnonzero(jitter[order] > ROUNDED).tolist()),
        "jitter": float(np.degrees(jitter.max())),
        "tilt": float(np.degrees(np.arctan(np.hypot(*slopes)))) if slopes is not None else None,
    }


def _drift(positions: Floats, counts: Ints, offsets: Floats, in_plane: Floats) -> tuple[Floats, Floats | None]:
    """Return how far each plane lies from the line of all, along rows and columns, and the line's slopes."""
    if len(positions) < LINE:
        return in_plane - np.median(in_plane, axis=0), None
    if len(positions) == len(offsets):
        middle = in_plane
    else:
        bounds = np.cumsum(counts)[:-1]
        middle = np.array([np.median(one, axis=0) for one in np.split(in_plane, bounds)])
    slopes, intercepts = fit_line(positions, middle)
    return in_plane - slopes * offsets[:, None] - intercepts, slopes


def _named(
    normal: Floats, points: Floats, positions: Floats, position_of: Ints, counts: Ints
) -> tuple[str, str, Floats]:
    """Return the name of the plane and of the axis that is nearest to its normal, and the positions along that axis."""
    axis = int(np.argmax(np.abs(normal)))
    if abs(float(normal[axis])) < _STRAIGHT:
        return "oblique", "d", positions
    name, letter = _NAMES[axis]
    return name, letter, np.bincount(position_of, points[:, axis]) / counts


def _gaps(steps: Floats, step: float | None, members: Sequence[Member]) -> tuple[Gap, ...]:
    """Return the gaps. Of only two steps, neither is known to be the usual one, unless an attribute confirms it."""
    if step is None or len(steps) < LINE - 1:
        return ()
    thickness = [one.geometry.thickness for one in members if one.geometry.thickness and one.geometry.thickness > 0]
    if thickness and step < _THIN * min(thickness):
        return ()
    if len(steps) == LINE - 1:
        stated = chain.from_iterable((one.geometry.between, one.geometry.thickness) for one in members)
        if not any(abs(one - step) <= _STATED * step for one in stated if one is not None):
            return ()
    return gaps(steps, step)


def _one(values: set[Any]) -> Any:
    """Return the value that all have; None if they differ."""
    return next(iter(values)) if len(values) == 1 else None
