"""Data Sets for hypothesis, of all VRs, with public and private elements and nested Sequences."""

import string
import struct

from hypothesis import strategies as st
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

_WORDS = st.text(string.ascii_letters + string.digits + " ^-", max_size=12).map(str.strip)
_UIDS = st.lists(st.integers(0, 10**9), min_size=2, max_size=6).map(lambda parts: ".".join(map(str, parts)))
_EVEN = st.binary(max_size=40).map(lambda raw: raw + b"\0" * (len(raw) % 2))
_EIGHTS = st.binary(max_size=40).map(lambda raw: raw[: len(raw) // 8 * 8])
_DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
_SINGLES = st.integers(-(2**20), 2**20).map(lambda number: struct.unpack("f", struct.pack("f", number))[0])


def _some(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(st.none(), values, st.lists(values, min_size=2, max_size=5))


# One public element for each VR, in ascending order of the tag.
_LEAVES: dict[int, tuple[str, st.SearchStrategy[object]]] = {
    0x00080005: ("CS", st.just("ISO_IR 100")),
    0x00080018: ("UI", _UIDS),
    0x00080020: ("DA", st.dates().map(lambda day: f"{day:%Y%m%d}".zfill(8))),
    0x00080030: ("TM", st.times().map(lambda time: f"{time:%H%M%S}")),
    0x0008002A: ("DT", st.just("20240229123456.123456+0100")),
    0x00080040: ("US", _some(st.integers(0, 2**16 - 1))),
    0x00080054: ("AE", _some(_WORDS)),
    0x00080081: ("ST", _WORDS),
    0x00080119: ("UC", _some(_WORDS)),
    0x00080120: ("UR", st.just("https://example.org/a")),
    0x00080302: ("OB", _EVEN),
    0x00081080: ("LO", _some(_WORDS)),
    0x00100010: ("PN", _some(_WORDS)),
    0x00101010: ("AS", st.just("042Y")),
    0x001021B0: ("LT", _WORDS),
    0x00181271: ("FD", _some(_DOUBLES)),
    0x00186020: ("SL", _some(st.integers(-(2**31), 2**31 - 1))),
    0x00189219: ("SS", _some(st.integers(-(2**15), 2**15 - 1))),
    0x00200010: ("SH", _some(_WORDS)),
    0x00200013: ("IS", _some(st.integers(-(2**31), 2**31 - 1).map(str))),
    0x00200032: ("DS", _some(st.integers(-(10**6), 10**6).map(lambda number: str(number / 100)))),
    0x00280009: ("AT", _some(st.integers(0, 2**32 - 1))),
    0x00281221: ("OW", _EVEN),
    0x00660016: ("OF", _EIGHTS),
    0x00660040: ("OL", _EIGHTS),
    0x00686346: ("FL", _some(_SINGLES)),
    0x00720083: ("UV", _some(st.integers(0, 2**64 - 1))),
    0x00720082: ("SV", _some(st.integers(-(2**63), 2**63 - 1))),
    0x00880904: ("UT", _WORDS),
    0x54000110: ("OW", _EVEN),
    0x60000050: ("SS", _some(st.integers(-(2**15), 2**15 - 1))),
    0x7FE00001: ("OV", _EIGHTS),
    0x7FE00009: ("OD", _EIGHTS),
}
_SEQUENCES = [0x00081140, 0x00400260, 0x52009229]

_PRIVATE: dict[int, tuple[str, st.SearchStrategy[object]]] = {
    0x00091001: ("LO", _some(_WORDS)),
    0x00091002: ("OB", _EVEN),
    0x00091003: ("UN", _EVEN),
    0x00091004: ("US", _some(st.integers(0, 2**16 - 1))),
}
_PRIVATE_SEQUENCE = 0x00091010


@st.composite
def data_sets(draw: st.DrawFn, depth: int = 3) -> Dataset:
    """A Data Set whose Sequences and Items are of defined or undefined length, each as it happens."""
    dataset = Dataset()
    for table in (_LEAVES, _PRIVATE):
        for tag in draw(st.lists(st.sampled_from(list(table)), unique=True, max_size=6)):
            vr, values = table[tag]
            dataset[tag] = DataElement(tag, vr, draw(values))
    if depth:
        for tag in draw(st.lists(st.sampled_from([*_SEQUENCES, _PRIVATE_SEQUENCE]), unique=True, max_size=2)):
            items = draw(st.lists(data_sets(depth - 1), max_size=3))
            for item in items:
                item.is_undefined_length_sequence_item = draw(st.booleans())
            element = DataElement(tag, "SQ", Sequence(items))
            element.is_undefined_length = draw(st.booleans())
            dataset[tag] = element
    if dataset.group_dataset(0x0009):
        dataset[0x00090010] = DataElement(0x00090010, "LO", "A PRIVATE CREATOR")
    return dataset
