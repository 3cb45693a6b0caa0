"""Positions along a line: which are the same, what their usual step is, and where there are gaps. All in mm."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from scp.audit.series.planes import Bools, Floats, Ints
from scp.audit.series.result import Gap

SAME_POSITION: Final = 0.01
"""Positions nearer than this, in mm, count as one; with pixels smaller than 0.1 mm, nearer than a tenth of a pixel."""
_CREEP: Final = 0.05
"""So do positions of thick slices nearer than this: from one time to the next, a table or a correction may drift."""
_THICK: Final = 0.03
"""Part of Slice Thickness: slices are never reconstructed nearer to each other than this."""
_PIXELS: Final = 0.1
"""Part of a pixel: positions nearer than this count as one."""
_NEAREST: Final = 1e-9
"""Positions nearer than this, in mm, count as one, however small the Pixel Spacing."""
OFF_LINE: Final = 0.1
"""A plane farther than this from the line of its stack, in mm, is off it (SER-302)."""
LINE: Final = 3
"""Positions that a line needs at least: two are always on one."""
UNIFORM: Final = 0.01
"""Steps that differ by less than 1 % are the same."""
_ROUNDED: Final = 0.01 + 1e-6
"""So are steps that differ by less than 0.01 mm, as positions are often rounded to that; but not by more than 5 %."""
_COARSE: Final = 0.05
_RUN: Final = 3
"""This many equal steps in a row are a pitch of their own rather than gaps."""
_WHOLE: Final = 0.2
"""How far a gap may be from a whole number of steps, in steps."""
_LONG: Final = 5
"""From this many steps on, a gap need not be a whole number of steps: there may be two runs beside it."""


def same_position(spacing: Sequence[float] | None, thickness: float | None) -> float:
    """Return how near positions count as one, in mm: from Pixel Spacing and Slice Thickness, if known."""
    pixel = min(spacing) if spacing else 0.0
    if pixel <= 0:
        return SAME_POSITION
    fine = _PIXELS * pixel
    return max(min(SAME_POSITION, fine), min(_CREEP, _THICK * (thickness or 0.0), fine), _NEAREST)


def clusters(ascending: Floats, tolerance: float) -> Ints:
    """Return for each number the index of its cluster: a new one begins after a distance of more than ``tolerance``."""
    if not len(ascending):
        return np.zeros(0, np.int64)
    return np.concatenate(([0], np.cumsum(np.diff(ascending) > tolerance)))


def usual_step(steps: Floats) -> float:
    """Return the step that at least half of the steps have, or else their lower median."""
    ascending = np.sort(steps)
    index = clusters(ascending, float(_tolerance(np.median(ascending))))
    counts = np.bincount(index)
    most = int(np.argmax(counts))  # the smallest of several that are as frequent
    if 2 * counts[most] >= len(steps):
        return float(np.median(ascending[index == most]))
    return float(ascending[(len(steps) - 1) // 2])


def are_same(steps: Floats, step: float | Floats) -> Bools:
    """Whether steps are equal to another one, except for rounding."""
    return np.abs(steps - step) <= _tolerance(step)


def _tolerance(step: float | Floats | np.floating[Any]) -> Floats:
    return np.maximum(UNIFORM * np.abs(step), np.minimum(_ROUNDED, _COARSE * np.abs(step)))


def pitches(steps: Floats) -> Ints:
    """Return for each step the index of its run of at least three equal steps; -1 if it is in none."""
    run = np.concatenate(([0], np.cumsum(~are_same(steps[1:], steps[:-1])))) if len(steps) else np.zeros(0, np.int64)
    long = np.bincount(run) >= _RUN
    number = np.where(long, np.cumsum(long) - 1, -1)
    return number[run]


def gaps(steps: Floats, step: float) -> tuple[Gap, ...]:
    """Return the gaps: single steps that are a multiple of the pitch on one of their sides.

    If most steps are of no size that repeats, there are none, because it is unknown where slices should be.
    """
    pitch = pitches(steps)
    if 2 * int(((pitch >= 0) | are_same(steps, step)).sum()) < len(steps):
        return ()
    found = []
    for index in np.flatnonzero((pitch < 0) & (steps > (2 - _WHOLE) * _least(steps, pitch, step))):
        for local in _beside(steps, pitch, int(index), step):
            times = float(steps[index]) / local
            whole = round(times)
            if whole >= 2 and (abs(times - whole) <= _WHOLE or whole >= _LONG):
                found.append(Gap(int(index), whole - 1, local))
                break
    return tuple(found)


def _least(steps: Floats, pitch: Ints, step: float) -> float:
    """Return the smallest pitch: no gap is smaller than twice that."""
    regular = steps[pitch >= 0]
    return min(step, float(regular.min())) if len(regular) else step


def _beside(steps: Floats, pitch: Ints, index: int, step: float) -> list[float]:
    """Return the pitch before and after a step, the nearer size first; the usual step if there is none."""
    before = np.flatnonzero(pitch[:index] >= 0)
    after = np.flatnonzero(pitch[index + 1 :] >= 0)
    sides = [float(steps[before[-1]])] if len(before) else []
    if len(after):
        sides.append(float(steps[index + 1 + after[0]]))
    return sorted(set(sides), reverse=True) or [step]


def fit_line(at: Floats, values: Floats) -> tuple[Floats, Floats]:
    """Fit values = slope · at + intercept so that a few outliers do not bend the line.

    Args:
        at: ascending, n of them, no two the same.
        values: n × k: k values at each.

    Returns:
        Slopes and intercepts, k each: the median of the slopes between each point and the one half the line away.
    """
    half = max(len(at) // 2, 1)
    slopes = np.median((values[half:] - values[:-half]) / (at[half:] - at[:-half])[:, None], axis=0)
    return slopes, np.median(values - slopes * at[:, None], axis=0)
