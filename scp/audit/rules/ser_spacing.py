"""SER: whether the slices of a stack are evenly spaced, and none is missing."""

from collections.abc import Collection, Iterator
from typing import Final

import numpy as np

from scp.audit.finding import Severity
from scp.audit.rule import grades, series_rule
from scp.audit.rules.ser_line import SLICES
from scp.audit.series.line import LINE, UNIFORM, are_same, pitches
from scp.audit.series.planes import Bools, Floats, Ints
from scp.audit.series.result import Gap, Stack
from scp.audit.series.slabs import PLANNED
from scp.audit.series.view import SeriesProblem, SeriesView
from scp.audit.series.words import distance, named, number, planes_at, where
from scp.dicom import tags as t
from scp.dicom.sop_classes import Kind, kind_of
from scp.printable import count

_SLIGHT: Final = 0.1
"""Part of the step up to which uneven spacing is `slight`."""
_TENTH: Final = 0.1
"""In mm: some equipment writes positions with one decimal."""
_PITCHES: Final = 3
"""With more pitches than this, spacing is taken for irregular."""
_TOLD: Final = 10
"""Gaps of one stack that get a finding each."""
_POSITION: Final = (t.IMAGE_POSITION_PATIENT,)


@series_rule(
    "SER-304",
    grades(
        Severity.WARN, Severity.WARN,
        slight=(Severity.INFO, Severity.WARN), pitch=(Severity.WARN, Severity.WARN),
        dose=(Severity.INFO, Severity.INFO),
    ),
    applies=SLICES, reference="PS3.3 C.7.6.2.1.1",
)  # fmt: skip
def spacing_not_uniform(view: SeriesView) -> Iterator[SeriesProblem]:
    """The slices are not evenly spaced.

    Checks: that each distance between neighbouring positions of a stack differs from the usual one by at most 1 % or
    0.01 mm. Gaps that SER-305 reports are not counted. The case `slight`: by at most 10 %, or by no more than rounding
    to tenths of a millimetre explains. The case `pitch`: there are two or three distances, each of which holds for at
    least three steps in a row. The case `dose`: the planes of an RT Dose.

    Why: most software takes the first distance for all of them, and so stretches or squeezes the rest of the volume.

    Exceptions: head CT that changes from thin to thick slices is legitimate, but the volume still has two spacings; so
    `pitch` warns, unless settings say otherwise. The planes of a dose grid may be uneven. Stacks of fewer than three
    positions are not checked; in a series of several orientations, stacks of three are not checked either, because
    localizers need not be even.

    What to do: look at the slices that are named. One uneven pair of distances means that a position was changed; many
    mean that two acquisitions are mixed. Export the series again from the equipment.

    Evidence: no finding in the 11 real series of the corpus and the 35 series among pydicom's test files.
    """
    for stack in view.stacks:
        steps = np.diff(stack.positions)
        if stack.step is None or not _is_judged(stack, view):
            continue
        holes = {gap.after for gap in (*stack.gaps, *stack.rooms)}
        regular = np.array([index not in holes for index in range(len(steps))])
        odd = np.flatnonzero(~are_same(steps, stack.step) & regular)
        if not len(odd):
            continue
        off = float(np.abs(steps[odd] - stack.step).max())
        case = _evenness(stack, steps, regular, off)
        planes = [plane for index in odd[:_TOLD] for plane in planes_at(stack, int(index))]
        yield SeriesProblem(
            view.name(stack) + _uneven(stack, steps, odd, case),
            case=case,
            stack=stack.number,
            tags=_POSITION,
            instances=named(stack, planes),
            expected=round(stack.step, 4),
            found=tuple(sorted(set(steps[odd].round(4).tolist()))[:_TOLD]),
        )


def _is_judged(stack: Stack, view: SeriesView) -> bool:
    """Whether a stack is large enough to be a volume."""
    return len(stack.positions) >= (LINE if len({one.group for one in view.stacks}) == 1 else LINE + 1)


def _evenness(stack: Stack, steps: Floats, regular: Bools, off: float) -> str:
    """Return the case of SER-304."""
    if kind_of(stack.sop_class_uid) is Kind.RT_DOSE:
        return "dose"
    if off <= _SLIGHT * (stack.step or 0.0) or _is_rounded(stack):
        return "slight"
    pitch = pitches(steps)
    sizes = _sizes(steps, pitch)
    changes = 1 < len(sizes) <= _PITCHES and not any(are_same(np.array(sizes[1:]), np.array(sizes[:-1])))
    return "pitch" if changes and int(((pitch < 0) & regular).sum()) < _PITCHES else ""


def _is_rounded(stack: Stack) -> bool:
    """Whether positions are even, but rounded to tenths of a millimetre, and the step is no multiple of that."""
    tenths = np.array(stack.coordinates) / _TENTH
    even, step = np.linspace(tenths[0], tenths[-1], len(tenths), retstep=True)
    return bool(
        abs(step - round(step)) > 2 / (len(tenths) - 1)
        and np.abs(tenths - tenths.round()).max() < UNIFORM
        and np.abs(tenths - even).max() <= 1
    )


def _sizes(steps: Floats, pitch: Ints) -> list[float]:
    """Return the size of each pitch, in their order."""
    return [float(steps[pitch == one].mean()) for one in range(int(pitch.max()) + 1)]


def _uneven(stack: Stack, steps: Floats, odd: Ints, case: str) -> str:
    first = int(odd[0])
    here = f"between {_between(stack, first)}"
    step = distance(stack.step or 0.0)
    if case == "pitch":
        pitch = pitches(steps)
        sizes = [distance(size) for size in _sizes(steps, pitch)]
        change = int(np.argmax(pitch == 1))
        return f"the step changes: {', then '.join(sizes)} mm, from {where(stack, change)} on"
    more = f" and at {count(len(odd) - 1, 'other place')}" if len(odd) > 1 else ""
    return f"the step is {step} mm, but {distance(float(steps[first]))} mm {here}{more}"


def _between(stack: Stack, position: int) -> str:
    """Name the two positions on both sides of a step, the one with the smaller number first."""
    one, other = position, position + 1
    left, right = (stack.numbers[planes_at(stack, side)[0]] for side in (one, other))
    if left is not None and right is not None and right < left:
        one, other = other, one
    return f"{where(stack, one)} and {where(stack, other, short=True)}"


@series_rule(
    "SER-305",
    grades(
        Severity.WARN, Severity.WARN, runs=(Severity.WARN, Severity.WARN), slabs=(Severity.INFO, Severity.INFO),
        dose=(Severity.INFO, Severity.INFO),
    ),
    applies=SLICES, reference="PS3.3 C.7.6.2.1.1",
)  # fmt: skip
def slices_missing(view: SeriesView) -> Iterator[SeriesProblem]:
    """Slices are missing in a stack.

    Checks: that no distance between neighbouring positions is a multiple (twice or more, within 20 % of a step) of the
    steps beside it; from five steps on, any distance counts. The cases `runs` and, for MR, `slabs`: two runs of three
    positions or more with space between them (five steps or more, three for MR), but without a gap in the Instance
    Numbers. The case `dose`: the planes of an RT Dose.

    Why: what lies in a gap was not seen. A series with gaps was not sent completely, or not stored completely. Two runs
    lack nothing, but software that takes them for one volume shows the second one at a wrong place.

    Exceptions: three or more equal larger steps in a row are another pitch (SER-304). Missing slices at either end
    cannot be noticed. In a stack of three positions, a gap is only reported if Spacing Between Slices or Slice
    Thickness confirms the step; in series of several orientations, small stacks must lack the Instance Numbers of the
    missing slices too. A gap that is filled by parallel images of another Image Type is not reported, and neither are
    steps below a tenth of the Slice Thickness, which are repeats of one slice at slightly different places. MR is often
    planned in slabs: both breasts from the side, the discs of a spine.

    What to do: send the series again. Instances that are stored already are answered 0111; the missing ones are stored.
    If the finding remains, see whether the equipment has the slices. For two runs nothing, unless the series was meant
    to be one volume.

    Evidence: of the 11 real series of the corpus and the 35 series among pydicom's test files, it fires on the three
    that are known to be incomplete, and on no other.
    """
    used = {one.instance_number for one in view.members}
    for stack in view.stacks:
        is_judged = _is_judged(stack, view)
        holes = [
            gap for gap in stack.gaps
            if (is_judged or _is_numbered(stack, gap, used)) and not _is_filled(stack, gap, view)
        ]  # fmt: skip
        case = "dose" if kind_of(stack.sop_class_uid) is Kind.RT_DOSE else ""
        for gap in holes[:_TOLD]:
            yield _hole(stack, gap, view.name(stack), case)
        rest = holes[_TOLD:]
        if rest:
            missing = sum(gap.missing for gap in rest)
            yield SeriesProblem(
                f"{view.name(stack)}{count(missing, 'slice')} missing at {count(len(rest), 'more place')}", case=case,
                stack=stack.number, tags=_POSITION, found=missing,
            )  # fmt: skip
        for room in [gap for gap in stack.rooms if not _is_filled(stack, gap, view)][:_TOLD]:
            yield _room(stack, room, view.name(stack))


def _is_numbered(stack: Stack, gap: Gap, used: Collection[int | None]) -> bool:
    """Whether the Instance Numbers between those beside a gap are exactly as many as slices are missing, and unused."""
    one, other = (stack.numbers[planes_at(stack, side)[0]] for side in (gap.after, gap.after + 1))
    if one is None or other is None or abs(one - other) - 1 != gap.missing:
        return False
    return not any(number in used for number in range(min(one, other) + 1, max(one, other)))


def _room(stack: Stack, room: Gap, name: str) -> SeriesProblem:
    planes = (*planes_at(stack, room.after), *planes_at(stack, room.after + 1))
    apart = stack.positions[room.after + 1] - stack.positions[room.after]
    return SeriesProblem(
        f"{name}two runs of slices, {number(apart)} mm apart between {_between(stack, room.after)}, "
        f"step {distance(room.step)} mm",
        case="slabs" if stack.sop_class_uid in PLANNED else "runs",
        stack=stack.number,
        tags=_POSITION,
        instances=named(stack, planes),
        expected=round(room.step, 4),
        found=round(apart, 4),
    )


def _hole(stack: Stack, gap: Gap, name: str, case: str) -> SeriesProblem:
    planes = (*planes_at(stack, gap.after), *planes_at(stack, gap.after + 1))
    return SeriesProblem(
        f"{name}{count(gap.missing, 'slice')} missing between {_between(stack, gap.after)}, "
        f"step {distance(gap.step)} mm",
        case=case,
        stack=stack.number,
        tags=_POSITION,
        instances=named(stack, planes),
        expected=round(gap.step, 4),
        found=round(stack.positions[gap.after + 1] - stack.positions[gap.after], 4),
    )


def _is_filled(stack: Stack, gap: Gap, view: SeriesView) -> bool:
    """Whether parallel images of the same SOP Class fill a gap, with one near each empty position."""
    begin, end = stack.positions[gap.after], stack.positions[gap.after + 1]
    others = sorted(
        position for one in view.stacks
        if one is not stack and one.group == stack.group and one.sop_class_uid == stack.sop_class_uid
        and not (one.is_slab and stack.is_slab)
        for position in one.positions
    )  # fmt: skip
    if gap.missing > len(others):  # a gap may have more places than there is memory for
        return False
    places = begin + (end - begin) * np.arange(1, gap.missing + 1) / (gap.missing + 1)
    beside = np.array([-np.inf, *others, np.inf])
    after = np.searchsorted(beside, places)
    near = np.minimum(places - beside[after - 1], beside[after] - places)
    return bool(np.all(near <= UNIFORM * _TOLD * gap.step))


RULES: Final = (spacing_not_uniform, slices_missing)
