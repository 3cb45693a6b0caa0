"""The axes of charts: their range, and where their ticks are and how they are labelled."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values to pixels: ``low`` lies at ``start``, ``high`` at ``end``; on an upward axis ``end`` is smaller."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the position of a value, in pixels."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, about: int, *, whole: bool = False) -> Sequence[tuple[float, str]]:
        """Return round values on the axis, ``about`` this many, each with its label; ``whole`` allows only integers."""
        step = _round_step((self.high - self.low) / max(about, 1))
        if whole:
            step = max(1.0, step)
        digits = max(0, -floor(log10(step) + 1e-9))
        first, last = ceil(self.low / step - 1e-9), floor(self.high / step + 1e-9)
        return [(n * step, signed(n * step, digits)) for n in range(first, last + 1)]


def axis_over(values: Iterable[float], start: float, end: float, *, least: float = 0, margin: float = 0.05) -> Axis:
    """Return an axis that shows all ``values`` and spans at least ``least``; ``margin`` is its share on either side."""
    known = list(values) or [0.0]
    low, high = min(known), max(known)
    missing = max(0.0, least - (high - low)) / 2
    wide = (high - low + 2 * missing) * margin
    return Axis(low - missing - wide, high + missing + wide, start, end)


def signed(value: float, digits: int) -> str:
    """Write a number with a true minus sign, and no minus before zero."""
    text = f"{value:.{digits}f}"
    return f"−{text[1:]}" if text.startswith("-") and text.strip("-0.") else text.lstrip("-")


def short(value: float) -> str:
    """Write a length in mm with at most three decimals and no trailing zeros."""
    text = signed(value, 3)
    return text.rstrip("0").rstrip(".")


def _round_step(least: float) -> float:
    """Return 1, 2 or 5 times a power of ten, not below ``least``."""
    power = 10.0 ** floor(log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))
