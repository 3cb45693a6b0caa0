"""SER: whether the slices of a stack are parallel, and positioned as those of a volume (PS3.3 C.7.6.2.1.1)."""

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
"""Angle in degrees (2.6) above which the line of the slices is not taken for their normal."""
TILT: Final = 0.5
"""Degrees by which the stated tilt may differ from the tilt of the line."""
_SLOPE: Final = 0.01
"""Relative deviation up to which Slice Location follows the position."""
_ANYWHERE: Final = 1e9
"""Slice Locations are limited to this, in mm, so that a line can be computed from any number."""
_STEP: Final = 0.05
"""Relative difference up to which Spacing Between Slices is the step."""
_WHOLE: Final = 64
"""With more large stacks than this, rotated slices are not looked for."""
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

    Checks: that all slices of the series have one Image Orientation (Patient) (0020,0037), within 0.5 degrees. The case
    `jitter`: the orientation of some slices differs from that of the others by more than 0.006 degrees (0.0001 in a
    cosine) and less than 0.5 degrees. The case `rotated`: one or two slices are parallel to a stack of at least four
    positions with the same Image Type, but are rotated or mirrored in the plane. The case `untilted`: CT slices are not
    tilted as their Gantry/Detector Tilt (0018,1120) says, while other slices of the acquisition are.

    Why: slices that are not parallel are not one volume. Small differences are not intended: they come from software
    that rewrites or rounds the orientation, or from two acquisitions that were put together. A slice that is mirrored
    shows left as right, or front as back.

    Exceptions: three-plane localizers, rotating projections and radial scans have several orientations, and are only
    noted. Images whose Image Type says LOCALIZER are not counted.

    What to do: for several orientations nothing, unless the series was meant to be one volume. For the named cases,
    compare the instances that are named with the images at the equipment, and find the program that changed them.
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
    """Return the few slices that are parallel to a whole stack, but whose rows and columns have other directions."""
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
    """Return the CT slices whose tilt does not explain their direction, where it does for others of their acquisition.

    STK-253 compares with the first slice that was stored: if that is one of these, it takes all others for tilted.
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
_SAID: Final = {"rotated": "rotated or mirrored in the plane", "untilted": "not tilted as Gantry/Detector Tilt says"}


@series_rule(
    "SER-302", grades(Severity.WARN, Severity.WARN, slabs=(Severity.INFO, Severity.INFO)), applies=SLICES,
    reference="PS3.3 C.7.6.2.1.1",
)  # fmt: skip
def positions_not_on_a_line(view: SeriesView) -> Iterator[SeriesProblem]:
    """The positions of the slices are not on one line.

    Checks: that the Image Positions (Patient) (0020,0032) of a stack are within 0.1 mm of a straight line, which is
    fitted so that a few outliers do not bend it. The case `slabs`: MR slices are on several straight lines, as slabs
    are planned.

    Why: a slice that is off the line is at a wrong place in the volume: the table moved, two runs were merged, or a
    position was changed.

    Exceptions: parallel slabs of MR, with three positions or more each, are checked one by one, if there is more space
    between them than between their slices (the discs of a spine), or if they are half a field of view apart in their
    plane (the stations of a moving table). So are the stacks of an enhanced image that Stack ID (0020,9056)
    distinguishes, such as both breasts.

    What to do: look at the instances that are named. If all slices from one on are shifted, two runs were merged; if it
    is one slice, its position was changed after the acquisition. Export the series again from the equipment. For slabs
    nothing, unless the series was meant to be one volume.

    Evidence: no finding in the 11 real series of the corpus and the 35 series among pydicom's test files.
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

    Checks: that the line through the Image Positions (Patient) (0020,0032) of a stack is within 2.6 degrees of the
    normal of the slices (rows × columns). The case `tilt`: Gantry/Detector Tilt (0018,1120) explains the angle, within
    0.5 degrees.

    Why: such a volume is sheared. Software that takes it for a rectangular box shows it slanted, and measures wrong.

    Exceptions: CT with a tilted gantry is sheared, and states the tilt; many programs still need it to be resampled.

    What to do: if the gantry was tilted, find out why Gantry/Detector Tilt is missing or different. Otherwise positions
    or orientations were changed after the acquisition: export the series again from the equipment.
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

    Checks: that Slice Location (0020,1041) changes from slice to slice as much as the position along the normal does,
    or along the table if the gantry is tilted. It may run in either direction and begin anywhere. The case `exchanged`:
    a few slices, less than half, have each other's Slice Location.

    Why: many viewers sort and label by Slice Location. If it does not follow the position, they show slices out of
    order, or at a wrong place.

    Exceptions: stacks in which an image has no Slice Location.

    What to do: have the viewer sort by Image Position (Patient); the standard does not say where Slice Location is
    measured from. If slices are exchanged, look at the images to see whether their positions or their Slice Locations
    are wrong.
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
    """Whether less than half of all slices have the Slice Locations that others of them should have."""
    return 2 * len(stated) < total and bool(np.all(np.abs(np.sort(stated) - np.sort(expected)) <= near))


@series_rule(
    "SER-308", grades(Severity.INFO, Severity.INFO), applies=SLICES, reference="PS3.3 C.7.6.2, C.7.6.16.2.1",
)  # fmt: skip
def spacing_between_slices_is_not_the_step(view: SeriesView) -> Iterator[SeriesProblem]:
    """Spacing Between Slices is not the distance between the slices.

    Checks: that Spacing Between Slices (0018,0088) is the usual distance between the positions of its stack, along the
    normal or along the table, within 5 %.

    Why: software that builds the volume from this attribute makes the patient too long or too short.

    What to do: have the software use the positions. If slices were left out on purpose, the attribute may still be that
    of the acquisition.
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
