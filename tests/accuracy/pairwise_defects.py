"""Defects that only another instance shows: what is sent again, and what contradicts its series."""

from collections.abc import Callable, Sequence
from math import cos, radians, sin
from random import Random
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from scp.dicom.sop_classes import Kind
from tests.accuracy.copies import Change, copy_of, decimals, reencoded, setting
from tests.accuracy.defect import (
    Defect,
    Fits,
    Plant,
    Sent,
    again_with,
    both,
    has,
    in_one,
    is_plane,
    of_kind,
    replaced,
    sent_again,
    several,
)
from tests.accuracy.sources import Series, Source

_PLANE: Final = both(is_plane, several)
_PARALLEL: Final = 0.01
_MANY: Final = 6
"""Images from which on one repeated number is certainly the exception."""


def new_uid(rng: Random) -> str:
    """Return a UID that nobody has used."""
    return f"2.25.{rng.getrandbits(120)}"


def _shared(keyword: str) -> Fits:
    """Return whether all instances have one and the same value."""
    return lambda series: has(keyword)(series) and len({str(one.header[keyword].value) for one in series.sources}) == 1


def _native(series: Series) -> bool:
    header = series.sources[0].header
    return not UID(series.sources[0].transfer_syntax).is_compressed and header.get("BitsAllocated", 0) in (8, 16)


def _by_pixel(series: Series) -> bool:
    """Whether the samples of a pixel are together: pydicom's encoder for RLE mixes them up if they are by plane."""
    return _native(series) and all(one.header.get("PlanarConfiguration", 0) == 0 for one in series.sources)


def _one_pixel(bit: int) -> Change:
    """Return the change of one bit of one pixel in the middle of the image."""

    def change(ds: Dataset) -> None:
        pixels = bytearray(ds.PixelData)
        pixels[len(pixels) // 4 * 2] ^= bit
        ds.PixelData = bytes(pixels)

    return change


def _again() -> Sequence[Defect]:
    name = "Sent again"
    coded = {
        "re-encoded: deflated": DeflatedExplicitVRLittleEndian,
        "re-encoded: big endian": ExplicitVRBigEndian, "re-encoded: implicit VR": ImplicitVRLittleEndian,
    }  # fmt: skip
    corrected = {
        "name corrected": setting(PatientName="CORRECTED^NAME"),
        "birth date corrected": setting(PatientBirthDate="19010203"),
        "Patient ID corrected": setting(PatientID="CORRECTED"),
        "Accession Number corrected": setting(AccessionNumber="CORRECTED"),
    }
    changed = {
        "another Slice Thickness": setting(SliceThickness="0.123"),
        "another Series Description": setting(SeriesDescription="Another"),
        "an attribute more": setting(ImageComments="More"),
        "another Instance Number": setting(InstanceNumber="98765"),
    }
    moved = {
        "under another series": ("SeriesInstanceUID",),
        "under another study": ("StudyInstanceUID",),
        "under another series and study": ("SeriesInstanceUID", "StudyInstanceUID"),
    }
    return [
        Defect(name, "the same bytes", sent_again(lambda source: source.path), ("DUP-001",)),
        *(
            Defect(name, size, sent_again(_coded(syntax)), ("DUP-002",), _native, _two_places)
            for size, syntax in coded.items()
        ),
        *(Defect(name, size, again_with(change), ("DUP-003",)) for size, change in corrected.items()),
        *(Defect(name, size, again_with(change), ("DUP-004",)) for size, change in changed.items()),
        Defect(name, "re-encoded: RLE", _as_rle(), ("DUP-002",), _by_pixel, _two_places),
        Defect(name, "lowest bit of a pixel", again_with(_one_pixel(1)), ("DUP-005",), _native),
        Defect(name, "a pixel", again_with(_one_pixel(0x40)), ("DUP-005",), _native),
        Defect(name, "a pixel, as RLE", _as_rle(_one_pixel(1)), ("DUP-005",), _by_pixel, _two_places),
        *(Defect(name, size, _again_under(*uids), ("DUP-006",)) for size, uids in moved.items()),
    ]  # fmt: skip


def _again_under(*keywords: str) -> Plant:
    """Return the planting of an instance that is sent a second time with other UIDs."""

    def plant(series: Series, place: int, rng: Random) -> Sequence[Sent] | None:
        return again_with(setting(**{keyword: new_uid(rng) for keyword in keywords}))(series, place, rng)

    return plant


def _in_one_other(keyword: str) -> Plant:
    """Return the planting of another UID in one instance."""

    def plant(series: Series, place: int, rng: Random) -> Sequence[Sent] | None:
        return in_one(setting(**{keyword: new_uid(rng)}))(series, place, rng)

    return plant


def _coded(syntax: str, change: Change | None = None) -> Callable[[Any], Sent | None]:
    return lambda source: None if source.transfer_syntax == syntax else reencoded(source.path, syntax, change)


def _as_rle(change: Change | None = None) -> Plant:
    return sent_again(_coded(RLELossless, change))


def _two_places(series: Series, rng: Random) -> Sequence[int]:
    """First, and one by chance: encoding takes its time."""
    return sorted({0, rng.randrange(len(series.sources))})


def _copy_under_new_uid(series: Series, place: int, rng: Random) -> Sequence[Sent]:
    sent: list[Sent] = [one.path for one in series.sources]
    copied = copy_of(series.sources[place].path, setting(SOPInstanceUID=new_uid(rng)))
    sent.insert(rng.randint(place + 1, len(sent)), copied)
    return sent


def _number_taken(*, in_plane: bool) -> Plant:
    """Return the planting of an image that takes the Instance Number of another one.

    They differ in nothing but position and number, or lie in two planes as well.
    """

    def plant(series: Series, place: int, rng: Random) -> Sequence[Sent] | None:
        mine = series.sources[place]
        others = [
            str(one.header.InstanceNumber)
            for one in series.sources
            if one is not mine and one.slot == mine.slot and one.header.get("InstanceNumber") is not None
            and _are_parallel(mine, one) is in_plane
        ]  # fmt: skip
        if not others:
            return None
        return replaced(series, place, copy_of(mine.path, setting(InstanceNumber=rng.choice(others))))

    return plant


def _are_parallel(one: Source, other: Source) -> bool:
    if one.normal is None or other.normal is None:
        return True
    return float(np.abs(one.normal - other.normal).max()) < _PARALLEL


def _many(series: Series) -> bool:
    """Whether there are so many images that one repeated number is no way of numbering."""
    return len(series.sources) >= _MANY


def _numbers_once(series: Series) -> bool:
    numbers = [(one.slot, one.header.get("InstanceNumber")) for one in series.sources]
    return _PLANE(series) and len(set(numbers)) == len(numbers)


def _fewer_rows(ds: Dataset) -> None:
    row = int(ds.Columns * ds.SamplesPerPixel * ds.BitsAllocated // 8)
    ds.Rows = ds.Rows - 2
    ds.PixelData = ds.PixelData[: -2 * row]


def _scaled_spacing(factor: float) -> Change:
    def change(ds: Dataset) -> None:
        ds.PixelSpacing = decimals(factor * float(one) for one in ds.PixelSpacing)

    return change


def turned(degrees: float, about_normal: bool) -> Change:
    """Return the change of an orientation: turned in its plane, or tilted about its row direction."""

    def change(ds: Dataset) -> None:
        cosines = np.array(ds.ImageOrientationPatient, float)
        row, column = cosines[:3], cosines[3:]
        normal = np.cross(row, column)
        c, s = cos(radians(degrees)), sin(radians(degrees))
        if about_normal:
            cosines = np.concatenate([c * row + s * column, c * column - s * row])
        else:
            cosines = np.concatenate([row, c * column + s * normal])
        ds.ImageOrientationPatient = decimals(cosines)

    return change


def _turned(degrees: float) -> Plant:
    def plant(series: Series, place: int, rng: Random) -> Sequence[Sent]:
        change = turned(degrees, about_normal=rng.random() < 0.5)
        return replaced(series, place, copy_of(series.sources[place].path, change))

    return plant


def is_oriented_once(series: Series) -> bool:
    """Whether all images are slices, and parallel, to rounding: a mosaic is no slice."""
    normals = [one.normal for one in series.sources]
    mosaics = any("MOSAIC" in one.header.get("ImageType", ()) for one in series.sources)
    return (
        not mosaics
        and _PLANE(series)
        and all(
            one is not None and normals[0] is not None and float(np.abs(one - normals[0]).max()) < 1e-5
            for one in normals
        )
    )


def _is_not_ot(series: Series) -> bool:
    """Whether Modality OT would be another one."""
    return all(one.header.get("Modality") != "OT" for one in series.sources)


def _one_matrix(series: Series) -> bool:
    """Whether all images are of one size, and have to be: localizers need not."""
    scouts = any("LOCALIZER" in one.header.get("ImageType", ()) for one in series.sources)
    return not scouts and _PLANE(series) and _shared("Rows")(series) and _shared("PixelSpacing")(series)


_CT_PET: Final = both(is_oriented_once, of_kind(Kind.CT, Kind.PET))
_MR: Final = both(is_oriented_once, of_kind(Kind.MR))
_ONE: Final = "One instance of another"
_MATRIX: Final = ("STK-251", "STK-251.planes")
_SPACING: Final = ("STK-252", "STK-252.planes")

DEFECTS: Final[Sequence[Defect]] = (
    *_again(),
    Defect("The same image under a new UID", "all else equal", _copy_under_new_uid, ("DUP-007",), _numbers_once),
    Defect("Instance Number repeated", "in its stack", _number_taken(in_plane=True), ("NUM-004",), _numbers_once),
    Defect(
        "Instance Number repeated", "in another plane", _number_taken(in_plane=False), ("NUM-007",),
        both(_numbers_once, _many),
    ),
    Defect(f"{_ONE} Modality", "OT", in_one(setting(Modality="OT")), ("ENT-203",), both(several, _is_not_ot)),
    Defect(f"{_ONE} study", "another Study Instance UID", _in_one_other("StudyInstanceUID"), ("ENT-201",), several),
    Defect(
        f"{_ONE} patient", "another Patient ID", in_one(setting(PatientID="ANOTHER")), ("ENT-202",),
        both(several, has("PatientID")),
    ),
    Defect(
        f"{_ONE} Frame of Reference", "another UID", _in_one_other("FrameOfReferenceUID"), ("ENT-204",),
        both(_PLANE, _shared("FrameOfReferenceUID")),
    ),
    Defect(f"{_ONE} matrix", "2 rows fewer", in_one(_fewer_rows), _MATRIX, both(_one_matrix, _native)),
    Defect(f"{_ONE} Pixel Spacing", "by 0.05 %", in_one(_scaled_spacing(1.0005)), (), _one_matrix),
    Defect(f"{_ONE} Pixel Spacing", "by 0.2 %", in_one(_scaled_spacing(1.002)), _SPACING, _one_matrix),
    Defect(f"{_ONE} Pixel Spacing", "by 2 %", in_one(_scaled_spacing(1.02)), _SPACING, _one_matrix),
    Defect(f"{_ONE} orientation", "by 0.003°", _turned(0.003), (), is_oriented_once),
    Defect(f"{_ONE} orientation", "by 0.02°", _turned(0.02), ("SER-301.jitter",), is_oriented_once),
    Defect(f"{_ONE} orientation", "by 0.2°, CT and PET", _turned(0.2), ("STK-253",), _CT_PET),
    Defect(f"{_ONE} orientation", "by 5°, CT and PET", _turned(5), ("STK-253",), _CT_PET),
    Defect(f"{_ONE} orientation", "by 0.2°, MR", _turned(0.2), ("SER-301.jitter",), _MR),
    Defect(f"{_ONE} orientation", "by 5°, MR", _turned(5), ("SER-301", "SER-301.rotated"), _MR),
)  # fmt: skip
