"""PNG: the same picture in pixels."""

import sys
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from scp.plot.picture import picture
from scp.plot.png import PngNotAvailable, png
from scp.plot.scene import LIGHT, Box, Dots, Ink, Line, Ring, Scene, Text
from tests.rules.series import slices, without
from tests.unit.plot.audits import audited


def colours(content: bytes, box: tuple[int, int, int, int] | None = None) -> set[str]:
    """Return the colours in a part of a PNG, or in all of it."""
    image = Image.open(BytesIO(content)).convert("RGB")
    found: Any = (image.crop(box) if box else image).getcolors(1 << 24)
    return {"#{:02x}{:02x}{:02x}".format(*colour) for _, colour in found}


def test_what_a_peer_said_in_two_lines_is_written_in_one() -> None:
    assert png(Scene(60, 20, (Text(5, 10, "C\nT"), Text(5, 10, "C\nT", upwards=True)), "", "")) == png(
        Scene(60, 20, (Text(5, 10, r"C\nT"), Text(5, 10, r"C\nT", upwards=True)), "", "")
    )


def test_a_picture_has_twice_its_size_in_pixels() -> None:
    scene = picture(audited(without(slices(12), 5)))
    image = Image.open(BytesIO(png(scene)))
    assert image.size == (round(scene.width * 2), round(scene.height * 2))
    assert LIGHT[Ink.NOTICE] in colours(png(scene))


@pytest.mark.parametrize(
    "shape",
    [
        Box(10, 10, 20, 20, Ink.TROUBLE),
        Dots(((20, 20),), 8, Ink.TROUBLE),
        Line((5, 20), (35, 20), Ink.TROUBLE, 4),
        Ring((20, 20), 10, Ink.TROUBLE),
    ],
    ids=lambda shape: type(shape).__name__,
)
def test_each_sort_of_shape_is_drawn_where_it_belongs(shape: Box | Dots | Line | Ring) -> None:
    content = png(Scene(40, 40, (shape,), "", ""))
    assert LIGHT[Ink.TROUBLE] in colours(content)
    assert colours(content, (0, 0, 8, 8)) == {LIGHT[Ink.PAPER]}


def test_a_dashed_line_has_spaces() -> None:
    content = png(Scene(40, 40, (Line((0, 20), (40, 20), Ink.TROUBLE, 4, dashed=True),), "", ""))
    assert {LIGHT[Ink.TROUBLE], LIGHT[Ink.PAPER]} <= colours(content, (0, 40, 80, 41))


@pytest.mark.parametrize("upwards", [False, True])
def test_text_is_drawn_along_its_direction(upwards: bool) -> None:
    shape = Text(50, 50, "mm − × →", size=14, anchor="middle", upwards=upwards, bold=not upwards)
    content = png(Scene(100, 100, (shape,), "", ""))
    along, across = (90, 60, 110, 140), (60, 80, 140, 110)
    inside, outside = (along, (40, 90, 70, 110)) if upwards else (across, (90, 40, 110, 70))
    assert len(colours(content, inside)) > 1
    assert colours(content, outside) == {LIGHT[Ink.PAPER]}


def test_without_pillow_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(PngNotAvailable, match=r"needs Pillow \(pip install pillow\)"):
        png(Scene(10, 10, (), "", ""))
