"""A scene as PNG, in the light colours.

Drawn with Pillow (the extra ``pictures``), because it needs no library of the system and brings its own font. Programs
that turn SVG into PNG need the fonts of the system, and a server often has none.
"""

from io import BytesIO
from math import hypot
from typing import TYPE_CHECKING, Final

from scp.plot.scene import LIGHT, Box, Dots, Ink, Line, Point, Ring, Scene, Shape, Text
from scp.printable import printable

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

    Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_SCALE: Final = 2
"""Pixels of the file for each one of the scene, for screens of high resolution and for print."""
_FINE: Final = 2
"""The picture is drawn larger by this factor and then scaled down: Pillow's own lines have hard edges."""
_DASH, _SPACE = 4.0, 3.0
_WRITTEN: Final = str.maketrans({"−": "-", "–": "-", "×": "x", "→": ">", "←": "<", "≤": "<=", "≥": ">=", "²": "2"})
"""What is written for characters that Pillow's font does not have."""
_ANCHORS: Final = {"start": "ls", "middle": "ms", "end": "rs"}


class PngNotAvailable(Exception):
    """Pillow is not installed."""


def png(scene: Scene) -> bytes:
    """Return a scene as the contents of a PNG file. Raises PngNotAvailable without Pillow."""
    try:
        from PIL import Image, ImageDraw
    except ImportError as error:
        raise PngNotAvailable("PNG needs Pillow (pip install pillow); SVG needs nothing") from error
    size = round(scene.width * _SCALE), round(scene.height * _SCALE)
    large = Image.new("RGB", (size[0] * _FINE, size[1] * _FINE), LIGHT[Ink.PAPER])
    pen = _Pen(large, ImageDraw.Draw(large))
    for shape in scene.shapes:
        pen.draw(shape)
    file = BytesIO()
    small = large.resize(size, Image.Resampling.LANCZOS)
    small.save(file, "PNG", optimize=True, dpi=(96 * _SCALE, 96 * _SCALE))
    return file.getvalue()


class _Pen:
    """Draws the shapes of a scene on an image that is larger than the scene by a factor."""

    def __init__(self, image: "Image.Image", draw: "ImageDraw.ImageDraw") -> None:
        self._image = image
        self._draw = draw
        self._by = _SCALE * _FINE
        self._fonts: dict[float, Font] = {}

    def draw(self, shape: Shape) -> None:
        """Draw one shape."""
        colour = LIGHT[shape.ink]
        match shape:
            case Text():
                self._text(shape, colour)
            case Line():
                self._line(shape, colour)
            case Box():
                box = (shape.x, shape.y, shape.x + shape.width, shape.y + shape.height)
                self._draw.rectangle([side * self._by for side in box], fill=colour)
            case Ring():
                self._draw.ellipse(
                    self._around(shape.centre, shape.radius), outline=colour, width=round(1.6 * self._by)
                )
            case Dots():
                for centre in shape.centres:
                    self._draw.ellipse(self._around(centre, shape.radius), fill=colour)

    def _around(self, centre: Point, radius: float) -> list[float]:
        x, y = centre
        return [side * self._by for side in (x - radius, y - radius, x + radius, y + radius)]

    def _line(self, line: Line, colour: str) -> None:
        (x1, y1), (x2, y2) = line.start, line.end
        length = hypot(x2 - x1, y2 - y1)
        period, dash = (_DASH + _SPACE, _DASH) if line.dashed else (length, length)
        width = max(1, round(line.width * self._by))
        at = 0.0
        while at < length:
            until = min(at + dash, length)
            ends = [(x1 + (x2 - x1) * share, y1 + (y2 - y1) * share) for share in (at / length, until / length)]
            self._draw.line([(x * self._by, y * self._by) for x, y in ends], fill=colour, width=width)
            at += period

    def _text(self, text: Text, colour: str) -> None:
        font, written = self._font(text.size), printable(text.text).translate(_WRITTEN)
        thick = round(0.03 * text.size * self._by) if text.bold else 0
        where = (text.x * self._by, text.y * self._by)
        if not text.upwards:
            self._draw.text(where, written, colour, font, _ANCHORS[text.anchor], stroke_width=thick)
            return
        from PIL import Image, ImageDraw

        left, top, right, bottom = (round(side) for side in font.getbbox(written, anchor="ls"))
        width, height = right - left, bottom - top
        mask = Image.new("L", (width, height))
        ImageDraw.Draw(mask).text((-left, -top), written, 255, font, "ls")
        turned = mask.rotate(90, expand=True)
        before = {"start": width, "middle": width / 2, "end": 0}[text.anchor]
        corner = round(where[0] + top), round(where[1] - before)
        self._image.paste(colour, (*corner, corner[0] + turned.width, corner[1] + turned.height), turned)

    def _font(self, size: float) -> "Font":
        from PIL import ImageFont

        if size not in self._fonts:
            self._fonts[size] = ImageFont.load_default(size * self._by)
        return self._fonts[size]
