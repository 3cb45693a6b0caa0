"""What a picture is made of, whatever its file format: shapes in pixels, counted from the upper left corner."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]


class Ink(StrEnum):
    """What a shape means; :data:`LIGHT` and :data:`DARK` say how that looks."""

    PAPER = "paper"
    TEXT = "text"
    SOFT = "soft"  # text that is not read first: units, numbers on axes
    GRID = "grid"
    FRAME = "frame"
    MARK = "mark"  # an image with which nothing is wrong
    SECOND = "second"  # the other of two quantities in one chart
    TROUBLE = "trouble"  # what somebody should look at
    NOTICE = "notice"  # an area in which something is missing
    CALM = "calm"  # the range of usual values
    GOOD = "good"


LIGHT = {
    Ink.PAPER: "#ffffff", Ink.TEXT: "#1c2430", Ink.SOFT: "#5b6675", Ink.GRID: "#e6e9ee", Ink.FRAME: "#aab2bd",
    Ink.MARK: "#1f6fb2", Ink.SECOND: "#7b4fa6", Ink.TROUBLE: "#c2410c", Ink.NOTICE: "#fde3cf", Ink.CALM: "#eaf2f8",
    Ink.GOOD: "#2f7d4f",
}  # fmt: skip
DARK = {
    Ink.PAPER: "#12161c", Ink.TEXT: "#e8ebef", Ink.SOFT: "#98a3b1", Ink.GRID: "#262d36", Ink.FRAME: "#4a5462",
    Ink.MARK: "#6cb2f0", Ink.SECOND: "#c3a1ea", Ink.TROUBLE: "#ff9a5c", Ink.NOTICE: "#4a2c18", Ink.CALM: "#1a2733",
    Ink.GOOD: "#72c795",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Text:
    """One line of text; ``y`` is its baseline. ``upwards`` turns it by 90 degrees, to be read from the bottom up."""

    x: float
    y: float
    text: str
    ink: Ink = Ink.TEXT
    size: float = 12
    anchor: Anchor = "start"
    bold: bool = False
    upwards: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line."""

    start: Point
    end: Point
    ink: Ink
    width: float = 1
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle. ``title`` is shown when the pointer is over it, if the file format can do that."""

    x: float
    y: float
    width: float
    height: float
    ink: Ink
    title: str = ""


@dataclass(frozen=True, slots=True)
class Dots:
    """Filled circles of one size; as there may be thousands, they are one shape."""

    centres: tuple[Point, ...]
    radius: float
    ink: Ink


@dataclass(frozen=True, slots=True)
class Ring:
    """A circle around something to look at; ``title`` as for :class:`Box`."""

    centre: Point
    radius: float
    ink: Ink
    title: str = ""


Shape = Text | Line | Box | Dots | Ring


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture: its shapes, from back to front. ``title`` and ``summary`` are for readers who cannot see it."""

    width: float
    height: float
    shapes: tuple[Shape, ...]
    title: str
    summary: str
