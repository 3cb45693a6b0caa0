"""Constants are what their names say."""

from typing import Final

import pytest
from pydicom.datadict import dictionary_VR, keyword_for_tag

from scp.dicom import tags as t

CONSTANTS: Final = {name: tag for name, tag in vars(t).items() if name.isupper() and isinstance(tag, int)}


@pytest.mark.parametrize("name", CONSTANTS)
def test_every_constant_is_named_by_the_keyword_of_its_tag(name: str) -> None:
    assert name.replace("_", "") == keyword_for_tag(CONSTANTS[name]).upper()


def test_no_tag_has_two_names() -> None:
    assert len(set(CONSTANTS.values())) == len(CONSTANTS) > 70


def test_frame_vectors_are_short_integers_and_vectors_by_name() -> None:
    for tag in t.NM_FRAME_VECTORS:
        assert keyword_for_tag(tag).endswith("Vector")
        assert dictionary_VR(tag) == "US"


def test_ui_tags_are_those_of_the_dictionary() -> None:
    assert {t.SOP_CLASS_UID, t.FRAME_OF_REFERENCE_UID, t.AFFECTED_SOP_INSTANCE_UID} <= t.UI_TAGS
    assert all(dictionary_VR(tag) == "UI" for tag in t.UI_TAGS)
    assert t.MODALITY not in t.UI_TAGS


@pytest.mark.parametrize(
    ("tag", "name"),
    [
        (t.SOP_INSTANCE_UID, "(0008,0018) SOPInstanceUID"),
        (t.PIXEL_DATA, "(7FE0,0010) PixelData"),
        (0x0009100A, "(0009,100A)"),
        (0x50020005, "(5002,0005) CurveDimensions"),
        (0xFFFF0001, "(FFFF,0001)"),
    ],
)
def test_a_tag_is_written_in_hexadecimal_digits_and_with_its_keyword(tag: int, name: str) -> None:
    assert t.name_of(tag) == name
