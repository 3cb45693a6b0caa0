"""Defects that only the whole series shows: holes, places that do not fit, acquisitions that were merged."""

from collections.abc import Sequence
from math import isclose
from random import Random
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from scp.dicom.sop_classes import Kind
from tests.accuracy.copies import Change, copy_of, decimals, setting
from tests.accuracy.defect import Defect, Plant, Sent, both, has, in_one, of_kind
from tests.accuracy.pairwise_defects import new_uid
from tests.accuracy.sources import Series

UNEVEN: Final = ("SER-304", "SER-304.pitch")
MISSING: Final = ("SER-305", "SER-306")


def has_volume(series: Series) -> bool:
    return bool(series.volume)


def is_single(series: Series) -> bool:
    return bool(series.volume) and series.is_single


def _is_repeated(series: Series) -> bool:
    return bool(series.volume) and not series.is_single


def inside(series: Series, rng: Random) -> Sequence[int]:
    """Places in the volume with two slices on either side where there are so many."""
    last = len(series.volume) - 1
    least = min(2, last - 2)
    return sorted({least, last // 2, max(least, last - 2), rng.randint(least, max(least, last - 2))})


def at_ends(series: Series, rng: Random) -> Sequence[int]:
    return 0, len(series.volume) - 1


def _all_along(series: Series, rng: Random) -> Sequence[int]:
    return sorted({*inside(series, rng), *at_ends(series, rng)})


def once(series: Series, rng: Random) -> Sequence[int]:
    return (0,)


def _without(count: int) -> Plant:
    """Return the planting of a hole of some slices, from a place in the volume on."""

    def plant(series: Series, place: int, rng: Random) -> Sequence[Sent] | None:
        gone = series.volume[place : place + count]
        if place + count > len(series.volume):
            return None
        return [one.path for index, one in enumerate(series.sources) if index not in gone]

    return plant


def _without_position(count: int) -> Plant:
    """Return the planting of a hole at which no image of any time or echo is left."""

    def plant(series: Series, place: int, rng: Random) -> Sequence[Sent] | None:
        if place + count > len(series.volume):
            return None
        gone = [series.sources[index] for index in series.volume[place : place + count]]
        kept = [one for one in series.sources if not any(_same_place(one.position, other.position) for other in gone)]
        return [one.path for one in kept]

    return plant


def _same_place(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    return one is not None and other is not None and isclose(float(np.linalg.norm(one - other)), 0, abs_tol=0.02)


def _shifted(by: np.ndarray) -> Change:
    def change(ds: Dataset) -> None:
        ds.ImagePositionPatient = decimals(np.array(ds.ImagePositionPatient, float) + by)

    return change


def _moved_along(share: float) -> Plant:
    """Return the planting of one slice that lies a share of the step away from its place, either way."""

    def plant(series: Series, place: int, rng: Random) -> Sequence[Sent]:
        return _moved(series, place, share * series.step * rng.choice((-1, 1)))

    return plant


def _moved_sideways(millimetres: float) -> Plant:
    """Return the planting of one slice that lies beside the line of the others: along its rows or its columns."""

    def plant(series: Series, place: int, rng: Random) -> Sequence[Sent]:
        cosines = np.array(series.sources[series.volume[place]].header.ImageOrientationPatient, float)
        direction = rng.choice((cosines[:3], cosines[3:]))
        return _moved(series, place, millimetres * direction * rng.choice((-1, 1)))

    return plant


def _moved(series: Series, place: int, by: np.ndarray) -> Sequence[Sent]:
    chosen = series.volume[place]
    return [
        copy_of(one.path, _shifted(by)) if index == chosen else one.path for index, one in enumerate(series.sources)
    ]


def _new(series: Series, number: int, rng: Random, by: np.ndarray, acquisition: str = "") -> Change:
    """Return the change into another image: a new UID, a number that is not taken, and a place beside the old."""
    taken = [int(one.header.get("InstanceNumber") or 0) for one in series.sources]

    def change(ds: Dataset) -> None:
        ds.SOPInstanceUID = new_uid(rng)
        ds.InstanceNumber = str(max(taken) + number)
        if acquisition:
            ds.AcquisitionNumber = acquisition
        _shifted(by)(ds)

    return change


def _repeated(series: Series, place: int, rng: Random) -> Sequence[Sent]:
    """One image a second time, under a new UID and with the next free number."""
    path = series.sources[series.volume[place]].path
    return [*(one.path for one in series.sources), copy_of(path, _new(series, 1, rng, np.zeros(3)))]


def _merged(shift: float, share: float, acquisition: str = "") -> Plant:
    """Return the planting of a second acquisition of a share of the volume, shifted by a part of the step."""

    def plant(series: Series, place: int, rng: Random) -> Sequence[Sent]:
        count = round(share * len(series.volume))
        more = [
            copy_of(series.sources[index].path, _new(series, number, rng, shift * series.step, acquisition))
            for number, index in enumerate(series.volume[:count], 1)
        ]
        return [*(one.path for one in series.sources), *more]

    return plant


_ENDS: Final = "nothing says how far the body was to be scanned"
_HALF: Final = "together they are one volume of half the step"
_STEP: Final = "A slice moved along the normal"
_ONE: Final = "One of several images at a position moved"
_SECOND: Final = "A second acquisition merged in"

DEFECTS: Final[Sequence[Defect]] = (
    Defect("Slices removed", "one", _without(1), MISSING, has_volume, inside),
    Defect("Slices removed", "two neighbours", _without(2), MISSING, has_volume, inside),
    Defect("Positions removed", "one", _without_position(1), ("SER-305",), has_volume, inside),
    Defect("Positions removed", "two neighbours", _without_position(2), ("SER-305",), has_volume, inside),
    Defect("Positions removed", "first or last", _without_position(1), (), has_volume, at_ends, _ENDS),
    Defect(_STEP, "by 0.4 % of the step", _moved_along(0.004), (), is_single, inside),
    Defect(_STEP, "by 5 %", _moved_along(0.05), ("SER-304.slight",), is_single, _all_along),
    Defect(_STEP, "by 30 %", _moved_along(0.3), UNEVEN, is_single, _all_along),
    Defect(_STEP, "by 100 %", _moved_along(1), MISSING, is_single, _all_along),
    Defect(_ONE, "by 0.05 %", _moved_along(0.0005), (), _is_repeated, inside),
    Defect(_ONE, "by 5 %", _moved_along(0.05), (*UNEVEN, "SER-306"), _is_repeated, _all_along),
    Defect(_ONE, "by 30 %", _moved_along(0.3), (*UNEVEN, "SER-306"), _is_repeated, _all_along),
    Defect(_ONE, "by 100 %", _moved_along(1), MISSING, _is_repeated, _all_along),
    Defect("A slice moved sideways", "by 0.05 mm", _moved_sideways(0.05), (), has_volume, _all_along),
    Defect("A slice moved sideways", "by 2 mm", _moved_sideways(2), ("SER-302",), has_volume, _all_along),
    Defect("A position repeated", "under a new UID", _repeated, ("SER-306",), has_volume, _all_along),
    Defect(_SECOND, "all of it, 0.4 steps away", _merged(0.4, 1), UNEVEN, has_volume, once),
    Defect(_SECOND, "the same, another number", _merged(0.4, 1, "9"), UNEVEN, has_volume, once),
    Defect(_SECOND, "a third of it, same places", _merged(0, 0.34), ("SER-306",), has_volume, once),
    Defect(_SECOND, "half of it, same places", _merged(0, 0.5), ("SER-306",), has_volume, once),
    Defect(
        "One slice of another scale",
        "Rescale Intercept 7",
        in_one(setting(RescaleIntercept="7")),
        ("SER-312",),
        both(has_volume, of_kind(Kind.CT), has("RescaleIntercept")),
        _all_along,
    ),
    Defect(_SECOND, "all of it, half-way between", _merged(0.5, 1), (), is_single, once, _HALF),
    Defect(_SECOND, "one of several times, half-way between", _merged(0.5, 1), ("SER-306",), _is_repeated, once),
)
