"""The picture of a series: a heading, the findings, a panel for each stack, and a legend."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Final

from scp.audit.finding import Severity
from scp.audit.series.result import SeriesAudit, SeriesFinding, SeriesVerdict, Stack
from scp.plot import charts
from scp.plot.axis import short
from scp.plot.charts import Frame
from scp.plot.scene import Box, Dots, Ink, Line, Ring, Scene, Shape, Text

WIDTH: Final = 980.0
_MARGIN: Final = 28.0
_CHART: Final = 250.0
_PANEL: Final = _CHART + 100
_LEFT: Final = _MARGIN + 68
_POSITIONS, _STEPS, _DRIFT, _SPACE = 436.0, 168.0, 184.0, 34.0
"""Widths of the three charts, and of the space between them, in pixels."""
_LINE: Final = 17.0
_CHARACTERS: Final = 140
"""Of text that fit in a line of the findings."""
MOST_PANELS: Final = 12
_MOST_FINDINGS: Final = 8

_VERDICTS: Final = {
    SeriesVerdict.CONSISTENT: Ink.GOOD,
    SeriesVerdict.ATTENTION: Ink.TROUBLE,
    SeriesVerdict.CONTRADICTORY: Ink.TROUBLE,
}


def picture(audit: SeriesAudit, *, is_recorded: bool = True) -> Scene:
    """Return the picture of a series. It shows UIDs, numbers and codes, but nothing that identifies a person.

    The verdict is marked with "now:" unless it ``is_recorded``, that is, unless the ledger has the same one.
    """
    verdict = audit.verdict.value if is_recorded else f"now: {audit.verdict.value}"
    drawn = [stack for stack in audit.stacks if len(stack.positions) > 1][:MOST_PANELS]
    shapes = list(_heading(audit, verdict))
    y = max(_lowest(shapes), _MARGIN) + 14
    for stack in drawn:
        shapes += _panel(stack, y, len(audit.stacks))
        y += _PANEL
    for text in _not_drawn(audit, drawn):
        shapes.append(Text(_MARGIN, y + 14, text, Ink.SOFT))
        y += 20
    if drawn:
        shapes += _legend(drawn, y + 16)
        y += 62
    title = f"{audit.modality or 'Series'}, {_counted(audit.instances, 'instance')}: {verdict}"
    told = [finding.message for finding in audit.findings if finding.severity >= Severity.WARN]
    return Scene(WIDTH, y + 12, tuple(shapes), title, "; ".join(told) or "Nothing to report.")


def _lowest(shapes: Sequence[Shape]) -> float:
    return max(shape.y for shape in shapes if isinstance(shape, Text))


def _heading(audit: SeriesAudit, verdict: str) -> Iterator[Shape]:
    """Write which series this is, and what was found."""
    ink = _VERDICTS[audit.verdict]
    yield Text(_MARGIN, 40, f"{audit.modality} series".strip(), size=19, bold=True)
    yield Text(WIDTH - _MARGIN, 40, verdict, ink, 16, "end", bold=True)
    yield Text(_MARGIN, 60, f"Series Instance UID {audit.series_instance_uid}", Ink.SOFT)
    yield Text(_MARGIN, 78, _contents(audit), Ink.SOFT)
    y = 102.0
    told = [one for one in audit.findings if one.severity >= Severity.WARN]
    noted = [one for one in audit.findings if one.severity < Severity.WARN]
    for finding in (told + noted)[:_MOST_FINDINGS]:
        for line, text in enumerate(_lines(finding)):
            severe = finding.severity >= Severity.WARN
            if line == 0:
                yield Dots(((_MARGIN + 4, y - 4),), 3, Ink.TROUBLE if severe else Ink.FRAME)
                yield Text(_MARGIN + 14, y, finding.code, Ink.TROUBLE if severe else Ink.SOFT, bold=True)
            yield Text(_MARGIN + 86, y, text, Ink.TEXT if severe else Ink.SOFT)
            y += _LINE
    if len(told) + len(noted) > _MOST_FINDINGS:
        yield Text(_MARGIN + 86, y, f"and {len(told) + len(noted) - _MOST_FINDINGS} more findings", Ink.SOFT)


def _contents(audit: SeriesAudit) -> str:
    parts = [_counted(audit.instances, "instance")]
    if audit.images != audit.instances:
        parts.append(f"{audit.images} of them in stacks")
    parts.append(_counted(len(audit.stacks), "stack"))
    if audit.refused:
        refusals = ", ".join(f"{count} × {code}" for code, count in sorted(audit.refused.items()))
        parts.append(f"refused and not here: {refusals}")
    return " · ".join(parts)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _lines(finding: SeriesFinding) -> Sequence[str]:
    return wrap(finding.message, _CHARACTERS) or [""]


def _panel(stack: Stack, y: float, stacks: int) -> Iterator[Shape]:
    """Draw one stack."""
    yield Line((_MARGIN, y), (WIDTH - _MARGIN, y), Ink.GRID)
    yield Text(_MARGIN, y + 24, f"Stack {stack.number}" if stacks > 1 else "Stack", size=14, bold=True)
    yield Text(_MARGIN + (68 if stacks > 1 else 52), y + 24, _described(stack), Ink.SOFT)
    first = Frame(_LEFT, y + 44, _POSITIONS, _CHART)
    second = Frame(first.right + _SPACE, first.y, _STEPS, _CHART)
    third = Frame(second.right + _SPACE, first.y, _DRIFT, _CHART)
    up = charts.place_axis(stack, first)
    yield from charts.positions(stack, first, up)
    yield from charts.steps(stack, second, up)
    yield from charts.drift(stack, third, up)


def _described(stack: Stack) -> str:
    """Describe a stack in one line."""
    counts = set(stack.counts)
    places = f"{len(stack.positions)} positions"
    repeats = f"{places} × {stack.usual_count} images" if stack.usual_count > 1 else places
    parts = [stack.plane, repeats if len(counts) == 1 else f"{len(stack.offsets)} images at {places}"]
    if stack.rows and stack.columns:
        parts.append(f"{stack.columns} × {stack.rows} pixels")
    if len(stack.pixel_spacing) == 2:
        parts.append(f"of {' × '.join(dict.fromkeys(short(size) for size in stack.pixel_spacing))} mm")
    if stack.step is not None and stack.spacing is not None:
        even = stack.spacing.maximum - stack.spacing.minimum <= max(0.01, 0.01 * stack.step)
        span = "" if even else f" ({short(stack.spacing.minimum)} to {short(stack.spacing.maximum)})"
        parts.append(f"step {short(stack.step)} mm{span}")
    if stack.tilt is not None and stack.tilt >= 0.1:
        parts.append(f"tilted by {short(round(stack.tilt, 1))}°")
    return " · ".join(parts)


def _not_drawn(audit: SeriesAudit, drawn: Sequence[Stack]) -> Iterator[str]:
    """Yield a line for all that has no panel: stacks of one position, those beyond the most, images without a place."""
    single = [stack for stack in audit.stacks if len(stack.positions) < 2]
    if single:
        images = sum(len(stack.offsets) for stack in single)
        yield f"Not drawn: {_counted(len(single), 'stack')} at a single position, with {_counted(images, 'image')}."
    more = len(audit.stacks) - len(single) - len(drawn)
    if more:
        yield f"Not drawn: {_counted(more, 'more stack')}."
    if audit.images < audit.instances:
        others = _counted(audit.instances - audit.images, "instance")
        yield f"Not drawn: {others} without a place: pages, scouts, mosaics, reports."


def _legend(drawn: Sequence[Stack], y: float) -> Iterator[Shape]:
    """Draw the legend; it explains only the signs that occur."""
    yield Line((_MARGIN, y - 14), (WIDTH - _MARGIN, y - 14), Ink.GRID)
    x = _MARGIN
    entries: list[tuple[Shape, str]] = [
        (Dots(((0, 0),), 3.2, Ink.MARK), "an image; a whole series is an unbroken line, or several alike"),
    ]
    if any(charts.repeats_numbers(stack) for stack in drawn):
        entries.append((Dots(((-3, 0), (3, 0)), 3.2, Ink.MARK), "of the same number"))
    if any(stack.gaps for stack in drawn):
        entries.append((Box(0, -6, 16, 11, Ink.NOTICE), "slices missing here"))
    if any(stack.uneven or stack.off_line or stack.turned for stack in drawn):
        entries.append((Ring((0, 0), 6, Ink.TROUBLE), "look at this one"))
    for shape, text in entries:
        yield _moved(shape, x + 6, y + 4)
        yield Text(x + 20, y + 8, text, Ink.SOFT, 11.5)
        x += 46 + 5.6 * len(text)
    x = _MARGIN
    for ink, text in (
        (Ink.CALM, "usual: steps within 10 %, places within 0.1 mm of a straight line"),
        (Ink.MARK, "off the line, along its rows"),
        (Ink.SECOND, "along its columns"),
    ):
        shape = Box(-6, -6, 16, 11, ink) if ink is Ink.CALM else Dots(((0, 0),), 3.2, ink)
        yield _moved(shape, x + 6, y + 26)
        yield Text(x + 20, y + 30, text, Ink.SOFT, 11.5)
        x += 46 + 5.6 * len(text)


def _moved(shape: Shape, x: float, y: float) -> Shape:
    """Return a sign of the legend, drawn around (0, 0), moved to its place."""
    match shape:
        case Box():
            return Box(x - 8, y + shape.y, shape.width, shape.height, shape.ink)
        case Ring():
            return Ring((x, y), shape.radius, shape.ink)
        case Dots():
            return Dots(tuple((x + left, y) for left, _ in shape.centres), shape.radius, shape.ink)
    return shape
