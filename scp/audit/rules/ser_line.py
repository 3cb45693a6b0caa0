"""SER: whether the slices of a stack are parallel, and lie where a volume has them (PS3.3 C.7.6.2.1.1)."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from typing import Final

import numpy as np

from scp.audit.finding import Severity
from scp.audit.rule import grades, series_rule
from scp.audit.series.line import LINE, fit_line
from scp.audit.series.member import Member
from scp.audit.series.planes import SAME_DIRECTION, Floats
from scp.audit.series.result import Stack
from scp.audit.series.view import SeriesProblem, SeriesView
from scp.audit.series.words import distance, named, number, some, uids_of, who, who_of
from scp.dicom import tags as t
from scp.printable import count

SLICES: Final = "CT, MR, PET, frames of volumes"

_ALONG: Final = np.degrees(np.arccos(1 - 1e-3))
"""Angle in degrees, 2.6, from which on the line of the slices is not their normal."""
TILT: Final = 0.5
"""Degrees by which the stated tilt may differ from that of the line."""
_SLOPE: Final = 0.01
"""How far Slice Location may be from following the position, relative."""
_ANYWHERE: Final = 1e9
"""Slice Locations in mm beyond which one is as wrong as another: from any number a line can be computed then."""
_STEP: Final = 0.05
"""How far Spacing Between Slices may be from the step, relative."""
_WHOLE: Final = 64
"""Whole stacks that slices may be rotated in; more of them are no plan."""
_group: Final = attrgetter("group")


@series_rule(
    "SER-301",
    grades(
        Severity.INFO, Severity.INFO, jitter=(Severity.WARN, Severity.WARN), rotated=(Severity.WARN, Severity.WARN),
        untilted=(Severity.WARN, Severity.WARN),
    ),
    applies=SLICES, reference="PS3.3 C.7.6.2.1.1, C.8.2.1",
)  # fmt: skip
def several_orientations(view: SeriesView) -> Iterator[SeriesProblem]:
    """The slices have several orientations.

    Checks: all slices of the series have one Image Orientation (Patient), within 0.5 degrees. The case `jitter` is one
    orientation that is not quite the same everywhere: off by more than 0.006 degrees (0.0001 in a cosine) and less
    than 0.5 degrees. The case `rotated` are one or two slices that are parallel to a stack of four positions or more of
    their Image Type, but whose rows or columns run elsewhere; `untilted` are CT slices that are not turned as
    Gantry/Detector Tilt (0018,1120) says, of an acquisition of which others are.

    Why: slices that are not parallel are several volumes, or none. Orientations that differ a little are not meant:
    they come from rewriting, rounding, or two acquisitions that were put together. A slice that is turned over in its
    own plane shows left as right, or the front as the back.

    Exceptions: localizers of three planes, rotating projections and radial scans have an orientation each, and are
    only noted. Images whose Image Type says LOCALIZER are not counted.

    What to do: for several orientations nothing, unless the series was meant to be one volume. For the named cases look
    at the instances that are named: who made them?
    """
    groups = {group: list(stacks) for group, stacks in groupby(sorted(view.stacks, key=_group), _group)}
    if len(groups) > 1:
        said = some(f"{stacks[0].plane} {sum(len(one.offsets) for one in stacks)}" for stacks in _largest(groups))
        case, odd = next(((case, odd) for case, find in _ODD.items() if (odd := find(view))), ("", []))
        yield SeriesProblem(
            f"{len(groups)} orientations: {said}" + (f"; {who_of(odd)} {_SAID[case]}" if odd else ""),
            case=case, tags=(t.IMAGE_ORIENTATION_PATIENT,), instances=uids_of(odd), found=len(groups), expected=1,
        )  # fmt: skip
    for stack in view.stacks:
        if stack.turned:
            yield SeriesProblem(
                f"{view.name(stack)}orientations differ by up to {number(stack.jitter, 3)}°: "
                f"{who(stack, stack.turned)} from the others",
                case="jitter",
                stack=stack.number,
                tags=(t.IMAGE_ORIENTATION_PATIENT,),
                instances=named(stack, stack.turned),
                found=round(stack.jitter, 4),
            )


def _largest(groups: dict[int, list[Stack]]) -> list[list[Stack]]:
    """Return the stacks of each group, the largest group first."""
    return sorted(groups.values(), key=lambda stacks: -sum(len(one.offsets) for one in stacks))


def _rotated(view: SeriesView) -> list[Member]:
    """Return the few slices that lie in the planes of a whole stack, with other directions of rows and columns."""
    images = {one.id: one for one in view.members}
    whole = [stack for stack in view.stacks if len(stack.positions) > LINE]
    found: dict[int, Member] = {}
    for stack in view.stacks:
        if len(stack.offsets) >= LINE or len(whole) > _WHOLE:
            continue
        mine = images[stack.members[0]].geometry.stack
        if any(
            other.group != stack.group and images[other.members[0]].geometry.stack == mine
            and abs(np.dot(stack.normal, other.normal)) > np.cos(SAME_DIRECTION)
            for other in whole
        ):  # fmt: skip
            found.update((one, images[one]) for one in stack.members)
    return list(found.values())


def _untilted(view: SeriesView) -> list[Member]:
    """Return the CT slices in directions that their tilt does not explain, where it explains another of their stack.

    STK-253 compares with the first that came: where that is one of these, it takes all others for tilted.
    """
    images = {one.id: one for one in view.members if one.geometry.rescale is not None}
    directions: dict[tuple[str, str], dict[int, list[tuple[bool, Member]]]] = defaultdict(lambda: defaultdict(list))
    for stack in view.stacks:
        turned = np.degrees(np.arccos(min(abs(stack.normal[2]), 1.0)))
        for one in (images[member] for member in stack.members if member in images):
            tilt = one.geometry.tilt
            is_so = tilt is not None and abs(turned - abs(tilt)) <= TILT
            directions[one.geometry.stack, one.geometry.acquisition][stack.group].append((is_so, one))
    found = []
    for groups in directions.values():
        odd = [slices for slices in groups.values() if not any(is_so for is_so, _ in slices)]
        if len(odd) < len(groups):
            found += [one for slices in odd for _, one in slices]
    return found


_ODD: Final = {"rotated": _rotated, "untilted": _untilted}
_SAID: Final = {"rotated": "rotated or mirrored in the plane", "untilted": "not turned as Gantry/Detector Tilt says"}


@series_rule(
    "SER-302", grades(Severity.WARN, Severity.WARN, slabs=(Severity.INFO, Severity.INFO)), applies=SLICES,
    reference="PS3.3 C.7.6.2.1.1",
)  # fmt: skip
def positions_not_on_a_line(view: SeriesView) -> Iterator[SeriesProblem]:
    """The positions of the slices are not on one line.

    Checks: the Image Positions (Patient) of a stack are within 0.1 mm of a straight line, which is fitted so that a few
    that are off do not bend it. The case `slabs` are several straight lines of MR slices, which were planned so.

    Why: a slice that is shifted in its plane is at the wrong place in the volume: a table that moved, two runs that
    were merged, or a position that somebody rewrote.

    Exceptions: parallel slabs of MR, of three positions or more each, are judged one by one: those with more room
    between them than the slices of a slab have, as for the discs of a spine, and those that are half a field of view
    apart in their plane, as the stations of a moving table. So are the stacks of an enhanced image that Stack ID
    (0020,9056) tells apart, as those of both breasts.

    What to do: look at the instances that are named. If all from one on are shifted, two runs were merged. If it is
    one, its position was changed after the acquisition. For slabs nothing, unless the series was meant to be a volume.

    Evidence: none of the 11 real series of the corpus and of the 35 in pydicom's test files.
    """
    slabs = [stack for stack in view.stacks if stack.is_slab]
    if slabs:
        said = some(f"{stack.plane} {len(stack.offsets)}" for stack in slabs)
        yield SeriesProblem(
            f"{len(slabs)} slabs beside each other: {said}", case="slabs", tags=(t.IMAGE_POSITION_PATIENT,),
            found=len(slabs), expected=1,
        )  # fmt: skip
    for stack in view.stacks:
        if stack.off_line:
            worst = max(stack.off_line, key=lambda plane: np.hypot(*stack.drift[plane]))
            yield SeriesProblem(
                f"{view.name(stack)}{count(len(stack.off_line), 'slice')} off the line by up to "
                f"{number(float(np.hypot(*stack.drift[worst])))} mm: {who(stack, stack.off_line)}",
                stack=stack.number,
                tags=(t.IMAGE_POSITION_PATIENT,),
                instances=named(stack, stack.off_line),
                expected="at most 0.1 mm",
                found=round(float(np.hypot(*stack.drift[worst])), 3),
            )


@series_rule(
    "SER-303", grades(Severity.WARN, Severity.WARN, tilt=(Severity.INFO, Severity.INFO)), applies=SLICES,
    reference="PS3.3 C.7.6.2.1.1, C.8.2.1",
)  # fmt: skip
def line_not_along_the_normal(view: SeriesView) -> Iterator[SeriesProblem]:
    """The slices are not stacked along their normal.

    Checks: the line through the Image Positions (Patient) of a stack is within 2.6 degrees of the normal, rows ×
    columns. The case `tilt` is one that Gantry/Detector Tilt (0018,1120) explains, within 0.5 degrees.

    Why: such a volume is sheared. Software that takes it for a box shows everything at a slant, and measures wrong.

    Exceptions: a CT with a tilted gantry is sheared, and says so; many programs still need it to be resampled.

    What to do: if the gantry was tilted, see why Gantry/Detector Tilt is missing or different. Otherwise positions or
    orientations were changed after the acquisition.
    """
    for stack in view.stacks:
        if stack.tilt is None or stack.tilt <= _ALONG:
            continue
        mine = set(stack.members)
        stated = {one.geometry.tilt for one in view.members if one.id in mine} - {None}
        explained = any(abs(stack.tilt - abs(one)) <= TILT for one in stated if one is not None)
        yield SeriesProblem(
            f"{view.name(stack)}slices are stacked {number(stack.tilt)}° off their normal"
            + ("" if explained else f", Gantry/Detector Tilt is {_shown(stated)}"),
            case="tilt" if explained else "",
            stack=stack.number,
            tags=(t.IMAGE_POSITION_PATIENT, t.GANTRY_DETECTOR_TILT),
            found=round(stack.tilt, 3),
        )


def _shown(stated: set[float | None]) -> str:
    return " and ".join(f"{number(one)}°" for one in sorted(one for one in stated if one is not None)[:3]) or "missing"


@series_rule(
    "SER-307", grades(Severity.INFO, Severity.INFO, exchanged=(Severity.WARN, Severity.WARN)),
    applies="CT, MR, PET (single frame)", reference="PS3.3 C.7.6.2.1.2",
)  # fmt: skip
def slice_location_does_not_follow_position(view: SeriesView) -> Iterator[SeriesProblem]:
    """Slice Location does not follow the position of the slices.

    Checks: Slice Location (0020,1041) changes from slice to slice as much as the position along the normal does, or as
    the position along the table does if the gantry is tilted. It may run in either direction and begin anywhere. The
    case `exchanged` are a few slices, less than half, each of which has the Slice Location that another one should
    have.

    Why: many viewers sort and label by Slice Location. Where it does not follow the position they show slices out of
    order, or at the wrong place.

    Exceptions: stacks in which an image has none.

    What to do: sort by Image Position (Patient) instead. Slice Location is relative to a point that nobody specifies.
    If slices are exchanged, look at the images: either their positions or their locations are each other's.
    """
    location = {one.id: one.geometry.location for one in view.members}
    for stack in view.stacks:
        values = [location[one] for one in stack.members]
        if len(stack.positions) < LINE or any(stack.frames) or None in values:
            continue
        places, at = np.clip(np.array(values, np.float64), -_ANYWHERE, _ANYWHERE), np.array(stack.offsets)
        _, first = np.unique(stack.position_of, return_index=True)
        slopes, intercepts = fit_line(at[first], places[first, None])
        expected = slopes[0] * at + intercepts[0]
        slope, apart = abs(float(slopes[0])), np.abs(places - expected)
        tilted = 1 / np.cos(np.radians(stack.tilt or 0.0))
        near, off = max(0.1, _SLOPE * (stack.step or 0)), apart.max()
        is_off, follows = off > near, any(abs(slope - one) <= _SLOPE for one in (1.0, tilted))
        wrong = np.flatnonzero(apart > near)
        if is_off and follows and _are_exchanged(places[wrong], expected[wrong], len(places), near):
            yield SeriesProblem(
                f"{view.name(stack)}Slice Location or position exchanged: {who(stack, wrong.tolist())}",
                case="exchanged",
                stack=stack.number,
                tags=(t.SLICE_LOCATION, t.IMAGE_POSITION_PATIENT),
                instances=named(stack, wrong.tolist()),
                expected=0,
                found=len(wrong),
            )
        elif is_off or not follows:
            yield SeriesProblem(
                f"{view.name(stack)}Slice Location changes by {number(slope, 3)} mm for each mm of position"
                + (f", and is off by up to {number(float(off))} mm" if is_off else ""),
                stack=stack.number,
                tags=(t.SLICE_LOCATION, t.IMAGE_POSITION_PATIENT),
                expected=1,
                found=round(slope, 4),
            )


def _are_exchanged(stated: Floats, expected: Floats, total: int, near: float) -> bool:
    """Whether a few of all slices have the Slice Locations that others of them should have."""
    return 2 * len(stated) < total and bool(np.all(np.abs(np.sort(stated) - np.sort(expected)) <= near))


@series_rule(
    "SER-308", grades(Severity.INFO, Severity.INFO), applies=SLICES, reference="PS3.3 C.7.6.2, C.7.6.16.2.1",
)  # fmt: skip
def spacing_between_slices_is_not_the_step(view: SeriesView) -> Iterator[SeriesProblem]:
    """Spacing Between Slices is not the distance of the slices.

    Checks: Spacing Between Slices (0018,0088) is the usual distance of the positions in its stack, along the normal or
    along the table, within 5 %.

    Why: software that builds the volume from it makes the patient too long or too short.

    What to do: use the positions. If slices were left out on purpose, the attribute still tells of the acquisition.
    """
    for stack in view.stacks:
        mine = set(stack.members)
        stated = sorted({abs(one.geometry.between) for one in view.members if one.geometry.between and one.id in mine})
        if stack.step is None or not stated:
            continue
        along = stack.step / np.cos(np.radians(stack.tilt or 0.0))
        wrong = [one for one in stated if min(abs(one - stack.step), abs(one - along)) > _STEP * one]
        if wrong:
            yield SeriesProblem(
                f"{view.name(stack)}Spacing Between Slices {distance(wrong[0])} mm, step {distance(stack.step)} mm",
                stack=stack.number,
                tags=(t.SPACING_BETWEEN_SLICES,),
                expected=round(stack.step, 4),
                found=wrong[0],
            )


RULES: Final = (
    several_orientations,
    positions_not_on_a_line,
    line_not_along_the_normal,
    slice_location_does_not_follow_position,
    spacing_between_slices_is_not_the_step,
)
