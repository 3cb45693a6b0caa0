"""Defects that can be seen in an instance alone, or in its encoding."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID

from scp.dicom.sop_classes import Kind
from tests.accuracy.copies import Change, copy_of, decimals, in_bytes, setting
from tests.accuracy.defect import Defect, Plant, Sent, both, in_one, is_plane, of_kind, replaced
from tests.accuracy.sources import Series

_TYPE_1: Final = frozenset(
    {Kind.ENHANCED, Kind.SEGMENTATION, Kind.STRUCTURED_REPORT, Kind.KEY_OBJECT, Kind.ENCAPSULATED, Kind.WAVEFORM}
)
"""Kinds in which Instance Number must have a value: PS3.3 C.7.6.16, C.10.8, C.17.2, C.17.6.2, C.24.2."""


def _native(series: Series) -> bool:
    return is_plane(series) and not UID(series.sources[0].transfer_syntax).is_compressed


def _unusual_uid(keyword: str, make: Callable[[str], str]) -> Change:
    """Return the change of a UID into what ``make`` makes of it."""
    return lambda ds: in_bytes(**{keyword: make(str(ds[keyword].value)).encode()})(ds)


def _long(length: int) -> Callable[[str], str]:
    """Return what makes a UID of this length of one."""
    return lambda uid: (uid[:20].rstrip(".") + "." + "7" * length)[:length]


_UIDS: Final[Sequence[tuple[str, Callable[[str], str], bool]]] = (
    ("a letter in it", lambda uid: uid[:-1] + "A", True),
    ("a leading zero", lambda uid: uid.rpartition(".")[0] + ".012", True),
    ("an empty component", lambda uid: uid.replace(".", "..", 1), True),
    ("65 characters", _long(65), True),
    ("64 characters", _long(64), False),
    ("a component 0", lambda uid: uid[:50].rstrip(".") + ".0.3", False),
)


def _uids() -> Sequence[Defect]:
    return [
        Defect("SOP Instance UID malformed", size, in_one(_unusual_uid("SOPInstanceUID", make)), ("UID-001",) * beyond)
        for size, make, beyond in _UIDS
    ] + [
        Defect(f"{name} malformed", size, in_one(_unusual_uid(keyword, make)), ("UID-002",))
        for name, keyword in (("Study Instance UID", "StudyInstanceUID"), ("Series Instance UID", "SeriesInstanceUID"))
        for size, make, beyond in _UIDS
        if beyond
    ]


def _identity() -> Sequence[Defect]:
    return [
        Defect("Identity missing", f"{keyword} {how}", in_one(setting(**{keyword: value})), ("REQ-001",))
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "Modality")
        for how, value in (("absent", None), ("empty", ""))
    ]


def _skewed(size: float) -> Change:
    """Return the change of an orientation whose two directions are no longer perpendicular, by the cosine ``size``."""

    def change(ds: Dataset) -> None:
        cosines = np.array(ds.ImageOrientationPatient, float)
        row, column = cosines[:3], cosines[3:]
        turned = column + size * row
        ds.ImageOrientationPatient = decimals([*row, *(turned / np.linalg.norm(turned))])

    return change


def _scaled(factor: float) -> Change:
    def change(ds: Dataset) -> None:
        ds.ImageOrientationPatient = decimals(factor * np.array(ds.ImageOrientationPatient, float))

    return change


def _parallel(ds: Dataset) -> None:
    ds.ImageOrientationPatient = decimals([*ds.ImageOrientationPatient[:3]] * 2)


def _orientation() -> Sequence[Defect]:
    name = "Orientation not orthonormal"
    sizes: Sequence[tuple[str, Change, tuple[str, ...]]] = (
        ("skewed by 5e-5", _skewed(5e-5), ()),
        ("skewed by 5e-4", _skewed(5e-4), ("GEO-103.rounded",)),
        ("skewed by 0.002", _skewed(0.002), ("GEO-103",)),
        ("skewed by 0.1", _skewed(0.1), ("GEO-103",)),
        ("1 % too long", _scaled(1.01), ("GEO-103",)),
        ("row and column parallel", _parallel, ("GEO-103.unusable",)),
        ("all zero", _scaled(0), ("GEO-103.unusable",)),
        ("text in it", in_bytes(ImageOrientationPatient=b"1\\0\\0\\0\\one\\0"), ("GEO-103.unusable",)),
    )
    return [Defect(name, size, in_one(change), found_by, is_plane) for size, change, found_by in sizes]


def _position() -> Sequence[Defect]:
    values = {
        "text": b"0\\left\\12.5", "comma": b"0,5\\1\\12.5", "nan": b"0\\nan\\12.5", "infinite": b"inf\\0\\0",
        "two values": b"0\\12.5", "four values": b"0\\1\\2\\3", "empty": b"", "empty value": b"0\\\\12.5",
    }  # fmt: skip
    return [
        Defect("Position not a number", size, in_one(in_bytes(ImagePositionPatient=value)), ("GEO-101",), is_plane)
        for size, value in values.items()
    ]


def _spacing() -> Sequence[Defect]:
    values = {"0": b"0\\0", "one value 0": b"0\\0.5", "negative": b"-0.5\\-0.5", "-0.0001": b"0.5\\-0.0001"}
    return [
        Defect("Pixel Spacing not positive", size, in_one(in_bytes(PixelSpacing=value)), ("GEO-104",), is_plane)
        for size, value in values.items()
    ]


def _number() -> Sequence[Defect]:
    def odd(ds: Dataset, form: str) -> Any:
        return in_bytes(InstanceNumber=form.format(int(ds.InstanceNumber)).encode())(ds)

    def change(form: str) -> Change:
        return lambda ds: odd(ds, form)

    forms: Sequence[tuple[str, str, tuple[str, ...]]] = (
        ("letters", "A{}", ("NUM-001",)),
        ("with decimals", "{}.0", ("NUM-001",)),
        ("two values", "{0}\\{0}", ("NUM-001",)),
        ("above 32 bits", "2147483648", ("NUM-001",)),
        ("a sign and spaces", " +{} ", ()),
        ("leading zeros", "000{}", ()),
    )
    numbered = lambda series: all(str(one.header.get("InstanceNumber", "")).isdigit() for one in series.sources)  # noqa: E731 - a condition, used twice
    return [
        *(Defect("Instance Number text", size, in_one(change(form)), found, numbered) for size, form, found in forms),
        *(
            Defect("Instance Number missing", size, in_one(change), (key,), both(numbered, fits))
            for name, key, fits in (
                ("Type 1", "NUM-002", of_kind(*_TYPE_1)),
                ("Type 2 or 3", "NUM-002.optional", lambda one: one.kind not in _TYPE_1),
            )
            for size, change in (
                (f"absent, {name}", setting(InstanceNumber=None)),
                (f"empty, {name}", in_bytes(InstanceNumber=b"")),
            )
        ),
    ]  # fmt: skip


def _longer(by: Callable[[Dataset], int]) -> Change:
    """Return the change of the length of Pixel Data by some bytes, an even number."""

    def change(ds: Dataset) -> None:
        pixels, more = ds.PixelData, by(ds)
        ds.PixelData = pixels + bytes(more) if more > 0 else pixels[:more]

    return change


def _pixels() -> Sequence[Defect]:
    def row(ds: Dataset) -> int:
        return int(ds.Columns * ds.SamplesPerPixel * ds.BitsAllocated // 8)

    def half(ds: Dataset) -> int:
        return len(ds.PixelData) // 4 * 2

    sizes: Sequence[tuple[str, str, Callable[[Dataset], int], str]] = (
        ("short", "by 2 bytes", lambda ds: -2, "GEO-107"),
        ("short", "by a row", lambda ds: -row(ds), "GEO-107"),
        ("short", "by half", lambda ds: -half(ds), "GEO-107"),
        ("long", "by 2 bytes", lambda ds: 2, "GEO-107.long"),
        ("long", "by a row", row, "GEO-107.long"),
    )
    return [Defect(f"Pixel Data {how}", size, in_one(_longer(by)), (key,), _native) for how, size, by, key in sizes]


def _cut_by(count: Callable[[bytes], int]) -> Plant:
    """Return the planting of a file whose last bytes are lost."""

    def plant(series: Series, place: int, rng: Random) -> Sequence[Sent]:
        data = copy_of(series.sources[place].path, lambda ds: None)
        return replaced(series, place, data[: -count(data)])

    return plant


DEFECTS: Final[Sequence[Defect]] = (
    Defect("Nothing", "one instance written anew", in_one(lambda ds: None), ()),
    *_uids(),
    *_identity(),
    *_orientation(),
    *_position(),
    *_spacing(),
    *_number(),
    *_pixels(),
    Defect("Data Set cut", "1 byte", _cut_by(lambda data: 1), ("ENC-001",), _native),
    Defect("Data Set cut", "100 bytes", _cut_by(lambda data: 101), ("ENC-001",), _native),
    Defect("Data Set cut", "in the middle", _cut_by(lambda data: len(data) // 2), ("ENC-001",), _native),
)
