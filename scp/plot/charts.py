"""The three charts of a stack: positions, steps and drift, side by side with one vertical axis.

That axis, ``up``, is the place of a slice along the normal of the stack, in mm.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from scp.audit.series.result import Gap, Stack
from scp.plot.axis import Axis, axis_over, short
from scp.plot.scene import Box, Dots, Ink, Line, Point, Ring, Shape, Text
from scp.printable import count

UNEVEN_STEP: Final = 0.1
"""A step that differs from the usual one by at most this share of it is drawn as even."""
ON_LINE: Final = 0.1
"""Millimetres from the fitted line up to which an image is drawn as on the line."""

_WIDEST: Final = 2.4
"""Range of the chart of steps, in usual steps; a longer step is written at the right edge."""
_APART, _APART_IF_SAME = 12.0, 60.0
"""Least vertical distance of two labels in pixels, and of two with the same text."""
_LETTER: Final = 6.5
"""About the width of a letter of a label, in pixels."""
_COMPARED: Final = 20
"""A new label is compared with this many before it: a chart has room for fewer side by side."""
_NUMBERLESS: Final = 30.0
"""Width of the column for images without a number, at the left of the chart, in pixels."""
_BESIDE, _SPREAD = 4.0, 12.0
"""Most distance in pixels between two images with the same number and place, and between the outermost of them."""
_AXES: Final = {
    "x": ("x of Image Position (mm)", "← right  ·  left →"),
    "y": ("y of Image Position (mm)", "← front  ·  back →"),
    "z": ("z of Image Position (mm)", "← feet  ·  head →"),
}


@dataclass(frozen=True, slots=True)
class Frame:
    """The rectangle of a chart, in pixels; labels of ticks and titles lie outside it."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height


def place_axis(stack: Stack, frame: Frame) -> Axis:
    """Return the vertical axis that the charts of a stack share."""
    return axis_over(stack.coordinates, frame.bottom, frame.y, least=1, margin=0.06)


def positions(stack: Stack, frame: Frame, up: Axis) -> Iterator[Shape]:
    """Draw each image plane at its number and its place, with a band for each gap.

    Positions with more or fewer images than usual, and planes that are turned, get rings.
    """
    numbers, title = _numbers(stack)
    known = [number for number in numbers if number is not None]
    left = frame.x + (_NUMBERLESS if len(known) < len(numbers) else 0)
    across = axis_over(known, left, frame.right, least=1, margin=0.03)
    yield from _gaps(stack, frame, up)
    yield from _grid(frame, across, up, title, whole=True)
    yield from _gap_labels(stack, frame, up)
    yield from _place_title(stack, frame)
    if len(known) < len(numbers):
        yield Text(frame.x + _NUMBERLESS / 2, frame.bottom + 17, "none", Ink.SOFT, 10, "middle")
    places = _side_by_side(
        [
            (frame.x + _NUMBERLESS / 2 if number is None else across(number), up(stack.coordinates[position]))
            for number, position in zip(numbers, stack.position_of, strict=True)
        ]
    )
    yield Dots(tuple(places), _radius(len(places), frame), Ink.MARK)
    uneven = set(stack.uneven)
    labelled: dict[int, tuple[float, float]] = {}
    for place, position in zip(places, stack.position_of, strict=True):
        if position in uneven:
            yield Ring(place, 6, Ink.TROUBLE, f"{stack.counts[position]} images here, {stack.usual_count} elsewhere")
            labelled[position] = max(place, labelled.get(position, place))
    labels = [
        _beside(x, y, f"{stack.counts[position]} here, not {stack.usual_count}", frame)
        for position, (x, y) in labelled.items()
    ]
    for plane in stack.turned:
        yield Ring(places[plane], 6, Ink.TROUBLE, "turned a little, against the others")
        labels.append(_beside(*places[plane], "turned", frame))
    yield from _apart(labels)


def repeats_numbers(stack: Stack) -> bool:
    """Whether images at one position have the same number, so that they are drawn side by side."""
    shown = list(zip(_numbers(stack)[0], stack.position_of, strict=True))
    return len(set(shown)) < len(shown)


def _side_by_side(places: Sequence[Point]) -> Sequence[Point]:
    """Return the points with those that coincide moved apart horizontally."""
    total, seen = Counter(places), Counter[Point]()
    moved = []
    for x, y in places:
        more = total[x, y] - 1
        apart = min(_BESIDE, _SPREAD / more) if more else 0.0
        moved.append((x + apart * (seen[x, y] - more / 2), y))
        seen[x, y] += 1
    return moved


def steps(stack: Stack, frame: Frame, up: Axis) -> Iterator[Shape]:
    """Draw the distance from each position to the next, in mm; the usual one is a dashed line."""
    step = stack.step or 0.0
    across = Axis(0, _WIDEST * step or 1, frame.x, frame.right)
    calm = across(step * (1 - UNEVEN_STEP)), across(step * (1 + UNEVEN_STEP))
    yield Box(calm[0], frame.y, calm[1] - calm[0], frame.height, Ink.CALM)
    yield from _gaps(stack, frame, up)
    yield from _grid(frame, across, up, "Step to the next slice (mm)", numbers_up=False)
    yield Line((across(step), frame.y), (across(step), frame.bottom), Ink.MARK, dashed=True)
    even: list[Point] = []
    odd: list[Point] = []
    far: list[Point] = []
    for index, (below, above) in enumerate(pairwise(stack.positions)):
        size = above - below
        y = (up(stack.coordinates[index]) + up(stack.coordinates[index + 1])) / 2
        if size > across.high:
            far.append((y, size))
        else:
            (even if abs(size - step) <= UNEVEN_STEP * step else odd).append((across(size), y))
    radius = _radius(len(stack.positions), frame)
    yield Dots(tuple(even), radius, Ink.MARK)
    if odd:
        yield Dots(tuple(odd), max(radius, 2.6), Ink.TROUBLE)
    labels = [
        _beside(x, y, short((x - frame.x) / frame.width * across.high), frame, leftwards=x < across(step))
        for x, y in odd
    ]
    yield from _apart(labels)
    yield from _apart(
        [Text(frame.right - 4, y + 4, f"{short(size)} →", Ink.TROUBLE, 11, "end", bold=True) for y, size in far]
    )


def drift(stack: Stack, frame: Frame, up: Axis) -> Iterator[Shape]:
    """Draw how far each plane lies off the straight line through all, in mm: along its rows and along its columns."""
    values = [value for pair in stack.drift for value in pair]
    largest = max([2 * ON_LINE, *(abs(value) * 1.1 for value in values)])
    across = Axis(-largest, largest, frame.x, frame.right)
    calm = across(-ON_LINE), across(ON_LINE)
    yield Box(calm[0], frame.y, calm[1] - calm[0], frame.height, Ink.CALM)
    yield from _grid(frame, across, up, "Off the straight line (mm)", numbers_up=False)
    yield Line((across(0), frame.y), (across(0), frame.bottom), Ink.FRAME)
    radius = _radius(len(stack.drift), frame)
    heights = [up(stack.coordinates[position]) for position in stack.position_of]
    for which, ink in ((1, Ink.SECOND), (0, Ink.MARK)):
        pairs = zip(stack.drift, heights, strict=True)
        yield Dots(tuple((across(pair[which]), y) for pair, y in pairs), radius, ink)
    labels = []
    for index in stack.off_line:
        furthest = max(stack.drift[index], key=abs)
        x, y = across(furthest), heights[index]
        yield Ring((x, y), 6, Ink.TROUBLE, f"Instance Number {stack.numbers[index]}, {short(furthest)} mm off")
        labels.append(_beside(x, y, f"{short(abs(furthest))} mm", frame))
    yield from _apart(labels)


def _numbers(stack: Stack) -> tuple[Sequence[int | None], str]:
    """Return the number by which each plane is placed on the horizontal axis, and the title of that axis."""
    if not any(stack.frames):
        return stack.numbers, "Instance Number"
    if stack.instances == 1:
        return stack.frames, "Frame"
    keys = [
        (number or 0, frame, member)
        for number, frame, member in zip(stack.numbers, stack.frames, stack.members, strict=True)
    ]
    order = {key: index for index, key in enumerate(sorted(keys), 1)}
    return [order[key] for key in keys], "Frames of all instances, in order"


def _holes(stack: Stack, up: Axis) -> Iterator[tuple[Gap, float, float]]:
    """Yield each gap with the upper and lower edge of its band, which begins half a step from the slices beside it."""
    for gap in stack.gaps:
        ends = stack.coordinates[gap.after], stack.coordinates[gap.after + 1]
        half = (ends[1] - ends[0]) / (gap.missing + 1) / 2
        above, below = sorted((up(ends[0] + half), up(ends[1] - half)))
        yield gap, above, below


def _gaps(stack: Stack, frame: Frame, up: Axis) -> Iterator[Shape]:
    for gap, above, below in _holes(stack, up):
        yield Box(frame.x, above, frame.width, max(below - above, 2), Ink.NOTICE, _missing(gap))


def _gap_labels(stack: Stack, frame: Frame, up: Axis) -> Iterator[Shape]:
    yield from _apart(
        [
            Text(frame.right - 6, (above + below) / 2 + 4, _missing(gap), Ink.TROUBLE, 11, "end", bold=True)
            for gap, above, below in _holes(stack, up)
        ]
    )


def _missing(gap: Gap) -> str:
    return f"{count(gap.missing, 'slice')} missing"


def _grid(
    frame: Frame, across: Axis, up: Axis, title: str, *, whole: bool = False, numbers_up: bool = True
) -> Iterator[Shape]:
    """Draw frame, grid and ticks; ``title`` stands below, and ``numbers_up`` labels the vertical axis."""
    for value, text in up.ticks(round(frame.height / 45)):
        y = up(value)
        yield Line((frame.x, y), (frame.right, y), Ink.GRID)
        if numbers_up:
            yield Text(frame.x - 8, y + 4, text, Ink.SOFT, 11, "end")
    for value, text in across.ticks(round(frame.width / 60), whole=whole):
        x = across(value)
        yield Line((x, frame.bottom), (x, frame.bottom + 4), Ink.FRAME)
        yield Text(x, frame.bottom + 17, text, Ink.SOFT, 11, "middle")
    yield Line((frame.x, frame.bottom), (frame.right, frame.bottom), Ink.FRAME)
    yield Line((frame.x, frame.y), (frame.x, frame.bottom), Ink.FRAME)
    yield Text(frame.x + frame.width / 2, frame.bottom + 34, title, Ink.SOFT, 11.5, "middle")


def _place_title(stack: Stack, frame: Frame) -> Iterator[Shape]:
    """Write what the vertical axis is, and its direction in the body (PS3.3 C.7.6.2.1.1)."""
    title, directions = _AXES.get(stack.axis, ("Place along the normal (mm)", ""))
    middle = frame.y + frame.height / 2
    yield Text(frame.x - 60, middle, title, Ink.SOFT, 11.5, "middle", upwards=True)
    if directions:
        yield Text(frame.x - 46, middle, directions, Ink.SOFT, 10, "middle", upwards=True)


def _beside(x: float, y: float, text: str, frame: Frame, *, leftwards: bool = False) -> Text:
    """Return a label beside a mark, on the side where there is space."""
    width = 12 + _LETTER * len(text)
    if x + width < frame.right and not (leftwards and x - width > frame.x):
        return Text(x + 10, y + 4, text, Ink.TROUBLE, 11, bold=True)
    return Text(x - 10, y + 4, text, Ink.TROUBLE, 11, "end", bold=True)


def _apart(labels: Sequence[Text]) -> Iterator[Text]:
    """Yield labels, without those that would overlap one already written: what they label has a mark in any case."""
    written: list[Text] = []
    for label in sorted(labels, key=lambda one: (-one.y, one.x)):
        if not any(_are_close(label, other) for other in written[-_COMPARED:]):
            written.append(label)
            yield label


def _are_close(one: Text, other: Text) -> bool:
    space = _APART_IF_SAME if one.text == other.text else _APART
    (left, right), (begin, end) = _extent(one), _extent(other)
    return abs(one.y - other.y) < space and left < end and begin < right


def _extent(label: Text) -> tuple[float, float]:
    """Return about where a label begins and ends horizontally."""
    width = _LETTER * len(label.text)
    return (label.x - width, label.x) if label.anchor == "end" else (label.x, label.x + width)


def _radius(dots: int, frame: Frame) -> float:
    """Return a radius at which this many dots can still be told apart."""
    return max(1.2, min(3.2, 0.4 * frame.height / max(dots, 1) + 1.4))
