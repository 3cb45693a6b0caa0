"""A scene as SVG: without scripts and without anything to load; in dark colours where the reader prefers these."""

from collections.abc import Iterator, Mapping
from typing import Final
from xml.sax import saxutils

from scp.plot.scene import DARK, LIGHT, Box, Dots, Ink, Line, Ring, Scene, Shape, Text
from scp.printable import printable

_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def svg(scene: Scene) -> str:
    """Return a scene as one SVG document."""
    width, height = _number(scene.width), _number(scene.height)
    body = "\n".join(line for shape in scene.shapes for line in _shape(shape))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<title>{_escaped(scene.title)}</title>
<desc>{_escaped(scene.summary)}</desc>
<style>
text {{ font-family: {_FONT}; }}
.ring {{ fill: none; stroke-width: 1.6; }}
.dots {{ stroke-linecap: round; fill: none; }}
{_colours(LIGHT)}
@media (prefers-color-scheme: dark) {{
{_colours(DARK)}
}}
</style>
<rect class="f-paper" width="{width}" height="{height}"/>
{body}
</svg>
"""


def _colours(theme: Mapping[Ink, str]) -> str:
    return "\n".join(
        f".f-{ink} {{ fill: {colour}; }} .s-{ink} {{ stroke: {colour}; }}" for ink, colour in theme.items()
    )


def _shape(shape: Shape) -> Iterator[str]:
    match shape:
        case Text():
            yield _text(shape)
        case Line():
            (x1, y1), (x2, y2) = shape.start, shape.end
            dashes = ' stroke-dasharray="4 3"' if shape.dashed else ""
            yield (
                f'<line class="s-{shape.ink}" x1="{_number(x1)}" y1="{_number(y1)}" x2="{_number(x2)}"'
                f' y2="{_number(y2)}" stroke-width="{_number(shape.width)}"{dashes}/>'
            )
        case Box():
            yield _titled(
                "rect",
                f'class="f-{shape.ink}" x="{_number(shape.x)}" y="{_number(shape.y)}"'
                f' width="{_number(shape.width)}" height="{_number(shape.height)}"',
                shape.title,
            )
        case Ring():
            x, y = shape.centre
            attributes = f'class="ring s-{shape.ink}" cx="{_number(x)}" cy="{_number(y)}" r="{_number(shape.radius)}"'
            yield _titled("circle", attributes, shape.title)
        case Dots():
            # Strokes of no length with round ends, each once, in one path: a tenth of the size of circles.
            points = "".join(dict.fromkeys(f"M{_number(x)} {_number(y)}h0" for x, y in shape.centres))
            yield f'<path class="dots s-{shape.ink}" stroke-width="{_number(2 * shape.radius)}" d="{points}"/>'


def _text(text: Text) -> str:
    x, y = _number(text.x), _number(text.y)
    more = f' text-anchor="{text.anchor}"' if text.anchor != "start" else ""
    more += ' font-weight="600"' if text.bold else ""
    more += f' transform="rotate(-90 {x} {y})"' if text.upwards else ""
    attributes = f'class="f-{text.ink}" x="{x}" y="{y}" font-size="{_number(text.size)}"{more}'
    return f"<text {attributes}>{_escaped(text.text)}</text>"


def _titled(name: str, attributes: str, title: str) -> str:
    return f"<{name} {attributes}><title>{_escaped(title)}</title></{name}>" if title else f"<{name} {attributes}/>"


def _escaped(text: str) -> str:
    """Return a text as XML can hold it: XML 1.0 §2.2 allows hardly any control characters, escaped or not."""
    return saxutils.escape(printable(text))


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
