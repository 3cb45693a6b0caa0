"""How planes lie to each other, from direction cosines: six numbers, of rows and of columns (PS3.3 C.7.6.2.1.1)."""

from math import hypot, inf, isnan
from typing import Final

from scp.dicom.facts import Decimals, Facts

Directions = tuple[float, ...]

_PLANE: Final = 9e-3
"""0.5 degrees: above it, planes are not parallel; below it, SER-301 calls the difference jitter."""
_RIGHT: Final = 0.0175
"""Cosine of 89 degrees."""
_STATION: Final = 0.5
"""Part of the field of view by which two stations of a moving table are apart at least."""


def directions(values: Decimals) -> Directions:
    """Return six direction cosines; an empty tuple if there are none, or if all of them are zero."""
    cosines = numbers(values, 6)
    return cosines if any(cosines) else ()


def numbers(values: Decimals, count: int) -> tuple[float, ...]:
    """Return the values if there are exactly ``count`` of them, else an empty tuple."""
    return values if isinstance(values, tuple) and len(values) == count else ()


def farthest(mine: Directions, theirs: Directions) -> float:
    """Return the largest difference between the cosines of two directions."""
    return max(abs(one - other) for one, other in zip(mine, theirs, strict=True))


def is_another_plane(mine: Decimals, theirs: Decimals) -> bool:
    """Whether the planes of two images are not parallel; False if either has no orientation."""
    one, other = directions(mine), directions(theirs)
    return bool(one and other) and farthest(one, other) > _PLANE


def are_perpendicular(mine: Directions, theirs: Directions) -> bool:
    """Whether two planes are at right angles, within a degree, as axial, coronal and sagittal ones are."""
    (ax, ay, az), (bx, by, bz) = normal_of(mine), normal_of(theirs)
    return abs(ax * bx + ay * by + az * bz) <= _RIGHT * hypot(ax, ay, az) * hypot(bx, by, bz)


def normal_of(cosines: Directions) -> tuple[float, float, float]:
    """Return row × column."""
    rx, ry, rz, cx, cy, cz = cosines
    return ry * cz - rz * cy, rz * cx - rx * cz, rx * cy - ry * cx


def skew_of(cosines: Directions) -> float:
    """Return how far two directions are from perpendicular unit vectors: the largest of |r·c|, ||r| − 1| and ||c| − 1|.

    Infinite if the numbers are too large to compute with.
    """
    rows, columns = cosines[:3], cosines[3:]
    dot = abs(sum(one * other for one, other in zip(rows, columns, strict=True)))
    lengths = hypot(*rows), hypot(*columns)
    return inf if isnan(dot) else max(dot, *(abs(length - 1) for length in lengths))


def is_beside(facts: Facts, position: Decimals) -> bool:
    """Whether a slice lies at least half a field of view beside a parallel one, in its plane (as at another station).

    Distance is measured along rows or along columns; ``position`` is Image Position (Patient) of the other slice, in
    mm.
    """
    mine, theirs = numbers(facts.image_position, 3), numbers(position, 3)
    cosines, spacing = directions(facts.image_orientation), numbers(facts.pixel_spacing, 2)
    matrix = facts.columns, facts.rows
    if not (mine and theirs and cosines and spacing and min(spacing) > 0):
        return False
    between = [one - other for one, other in zip(mine, theirs, strict=True)]
    for pixels, pixel, along in zip(matrix, reversed(spacing), (cosines[:3], cosines[3:]), strict=True):
        far = abs(sum(cosine * one for cosine, one in zip(along, between, strict=True)))
        if isinstance(pixels, int) and far >= _STATION * pixels * pixel > 0:
            return True
    return False
