"""Defects of slices that got what belongs to others: places, numbers, directions."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random
from typing import Final

import numpy as np
from pydicom.dataset import Dataset

from scp.dicom.sop_classes import Kind
from tests.accuracy.copies import copy_of, setting
from tests.accuracy.defect import Defect, Plant, Sent, both, has, in_one, of_kind
from tests.accuracy.pairwise_defects import is_oriented_once, turned
from tests.accuracy.series_defects import at_ends, has_volume, inside, once
from tests.accuracy.sources import Series, Source

_LEAST: Final = 5
"""Slices of which two are certainly few."""
_NEAR: Final = 0.05
"""How far Slice Locations are from the positions where they follow them, in mm."""


def _exchanged(series: Series, one: int, other: int, *keywords: str) -> Sequence[Sent]:
    """Return the series, where two instances have each other's values."""
    headers = [series.sources[index].header for index in (one, other)]
    values = [{keyword: header[keyword].value for keyword in keywords} for header in headers]
    change = {one: setting(**values[1]), other: setting(**values[0])}
    return [
        copy_of(source.path, change[index]) if index in change else source.path
        for index, source in enumerate(series.sources)
    ]


def _places_exchanged(series: Series, place: int, rng: Random) -> Sequence[Sent]:
    """Two slices of the volume with each other's Image Position."""
    other = rng.choice([index for index in range(len(series.volume)) if index != place])
    return _exchanged(series, series.volume[place], series.volume[other], "ImagePositionPatient")


def _sorts_exchanged(series: Series, place: int, rng: Random) -> Sequence[Sent] | None:
    """Two images of different echoes, times or b-values, at different places, with each other's place."""
    mine = series.volume[place]
    there = series.sources[mine]
    others = [
        index for index, one in enumerate(series.sources)
        if one.slot != there.slot and _where(one) != _where(there)
    ]  # fmt: skip
    return _exchanged(series, mine, rng.choice(others), "ImagePositionPatient", "SliceLocation") if others else None


def _where(source: Source) -> tuple[float, ...]:
    return () if source.position is None else tuple(source.position.round(2).tolist())


def _is_located(series: Series) -> bool:
    """Whether Slice Location follows the positions of all slices, which lie in one volume."""
    if len(series.volume) <= _LEAST or not both(is_oriented_once, has("SliceLocation"))(series):
        return False
    normals = [one.normal for one in series.sources]
    places = [one.position for one in series.sources]
    along = np.array([p @ n for p, n in zip(places, normals, strict=True) if p is not None and n is not None])
    stated = np.array([float(one.header.SliceLocation) for one in series.sources])
    return min(float(np.ptp(stated - along)), float(np.ptp(stated + along))) < _NEAR


def _has_sorts(series: Series) -> bool:
    """Whether each place has one image of each sort, and there are several sorts, and many places."""
    if not has_volume(series) or not has("SliceLocation")(series):
        return False
    sorts, places = {one.slot for one in series.sources}, {_where(one) for one in series.sources}
    found = {(one.slot, _where(one)) for one in series.sources}
    return len(sorts) > 1 and len(places) >= _LEAST and len(found) == len(series.sources) == len(sorts) * len(places)


def _number_of_another_sort(series: Series, place: int, rng: Random) -> Sequence[Sent]:
    """One image with the number of another echo, time or b-value."""
    mine = series.sources[place]
    number = rng.choice([one.header.InstanceNumber for one in series.sources if one.slot != mine.slot])
    return [
        copy_of(one.path, setting(InstanceNumber=number)) if one is mine else one.path for one in series.sources
    ]  # fmt: skip


def _is_numbered_on(series: Series) -> bool:
    """Whether images of several sorts lie in one volume, and are numbered without a gap or a repeat."""
    if not has_volume(series) or not has("InstanceNumber")(series) or len(series.sources) < _LEAST:
        return False
    numbers = sorted(int(one.header.InstanceNumber) for one in series.sources)
    apart = all(other - one == 1 for one, other in pairwise(numbers))
    return apart and len({one.slot for one in series.sources}) > 1


def _inside_numbers(series: Series, rng: Random) -> Sequence[int]:
    """Instances that have neither the first nor the last number: without those, there are fewer numbers."""
    ordered = sorted(range(len(series.sources)), key=lambda one: int(series.sources[one].header.InstanceNumber))
    return sorted(rng.sample(ordered[1:-1], min(4, len(ordered) - 2)))


def _over(axis: slice) -> Callable[[Dataset], None]:
    """Return the change of directions into the opposite ones."""

    def change(ds: Dataset) -> None:
        cosines = list(ds.ImageOrientationPatient)
        cosines[axis] = [-one for one in cosines[axis]]
        ds.ImageOrientationPatient = cosines

    return change


def _in_volume(plant: Plant) -> Plant:
    """Return the planting at a place in the volume of what is planted in one instance."""
    return lambda series, place, rng: plant(series, series.volume[place], rng)


def _first_to_come(series: Series, place: int, rng: Random) -> Sequence[Sent]:
    """One slice that is turned by five degrees arrives before all others."""
    odd = series.volume[place]
    others = [one.path for index, one in enumerate(series.sources) if index != odd]
    return [copy_of(series.sources[odd].path, turned(5, about_normal=False)), *others]


def _states_its_tilt(series: Series) -> bool:
    """Whether original slices say that the gantry was upright, and lie so."""
    return all(
        one.header.get("GantryDetectorTilt") == 0 and "DERIVED" not in one.header.ImageType
        and one.normal is not None and abs(abs(one.normal[2]) - 1) < 1e-6
        for one in series.sources
    )  # fmt: skip


_ONE: Final = "One slice turned over"
_LARGE: Final = both(is_oriented_once, lambda series: len(series.volume) >= _LEAST)

DEFECTS: Final[Sequence[Defect]] = (
    Defect("Slices exchanged", "their positions", _places_exchanged, ("SER-307.exchanged",), _is_located, inside),
    Defect("Slices exchanged", "of two echoes or times", _sorts_exchanged, ("SER-306.exchanged",), _has_sorts, inside),
    Defect(
        "Instance Number repeated", "of another echo or time", _number_of_another_sort, ("NUM-007",), _is_numbered_on,
        _inside_numbers,
    ),
    Defect(
        _ONE, "left to right, MR", _in_volume(in_one(_over(slice(0, 3)))), ("SER-301.rotated",),
        both(_LARGE, of_kind(Kind.MR)), at_ends,
    ),
    Defect(
        _ONE, "upside down, CT and PET", _in_volume(in_one(_over(slice(3, 6)))), ("STK-253",),
        both(_LARGE, of_kind(Kind.CT, Kind.PET)), at_ends,
    ),
    Defect(
        "One instance of another orientation", "by 5°, the first to come", _first_to_come,
        ("STK-253", "SER-301.untilted"), both(_LARGE, of_kind(Kind.CT), _states_its_tilt), once,
    ),
)  # fmt: skip
