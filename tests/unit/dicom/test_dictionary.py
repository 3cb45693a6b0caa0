import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import DicomDictionary, dictionary_VR

from scp.dicom.dictionary import STANDARD_VRS, implied_vr
from scp.dicom.element import LONG_VRS, SHORT_VRS


def of_pydicom(tag: int) -> str | None:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return None


@given(st.one_of(st.sampled_from(list(DicomDictionary)), st.integers(0, 0xFFFDFFFF)))
def test_the_vr_of_a_standard_element_is_one_that_pydicom_has(tag: int) -> None:
    vr, expected = implied_vr(tag), of_pydicom(tag)
    if not tag & 0xFFFF:
        assert vr == "UL"  # a group length, while pydicom takes that of (1000,0000) for an element (1000,xxx0)
    elif expected and not tag & 0x10000:
        assert vr in expected.split(" or ")
    else:
        assert vr == ("LO" if tag & 0x10000 and 0x10 <= tag & 0xFFFF <= 0xFF else "UN")


def test_every_vr_of_the_dictionary_is_one_that_can_be_encoded() -> None:
    assert set(STANDARD_VRS.values()) <= SHORT_VRS | LONG_VRS
    assert {0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD}.isdisjoint(STANDARD_VRS)


@pytest.mark.parametrize(
    ("tag", "vr"),
    [
        (0x00080018, "UI"),
        (0x00280106, "US"),  # US or SS
        (0x00283006, "OW"),  # US or OW
        (0x00281200, "OW"),  # US or SS or OW
        (0x7FE00010, "OW"),  # OB or OW
        (0x50023000, "OW"),  # repeating: OB or OW
        (0x601E0010, "US"),
        (0x60FF0010, "LO"),  # an odd group is never a repeating one
        (0x00203142, "CS"),
        (0x10005673, "US"),
        (0x00190010, "LO"),
        (0x001900FF, "LO"),
        (0x00190100, "UN"),
        (0x0019000F, "UN"),
        (0x00190000, "UL"),
        (0x00680000, "UL"),
        (0x00080099, "UN"),
    ],
)
def test_implied_vrs(tag: int, vr: str) -> None:
    assert implied_vr(tag) == vr
