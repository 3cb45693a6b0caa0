"""GEO-101, 102, 103, 108, 109: where an image lies in space."""

from math import cos, sin, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import (
    EnhancedCTImageStorage,
    EnhancedXAImageStorage,
    IntravascularOpticalCoherenceTomographyImageStorageForPresentation,
    NuclearMedicineImageStorage,
    OphthalmicTomographyImageStorage,
    ParametricMapStorage,
    PositronEmissionTomographyImageStorage,
    RTDoseStorage,
)

from scp.audit.finding import Answer
from scp.audit.rule import Subject
from scp.audit.rules import geo_plane
from scp.dicom import tags as t
from tests.rules.builders import Case, fires, image, mr_image, quiet, raw, subject
from tests.rules.tables import Maker, beside, by_code, check, cut, outcome, problem

RULES = by_code(geo_plane.RULES)
PAGE = ["DERIVED", "SECONDARY", "OTHER"]
NO_PLANE = {"ImagePositionPatient": None, "ImageOrientationPatient": None, "PixelSpacing": None}
ZEROS = {"ImagePositionPatient": ["0"] * 3, "ImageOrientationPatient": ["0"] * 6, "PixelSpacing": ["0", "0"]}
PET, NM, DOSE = PositronEmissionTomographyImageStorage, NuclearMedicineImageStorage, RTDoseStorage
PULLBACK = IntravascularOpticalCoherenceTomographyImageStorageForPresentation
EYE = OphthalmicTomographyImageStorage


def with_text(keyword: str, text: str) -> Subject:
    """A CT slice with one Decimal String as it stands, right or wrong."""
    return subject(raw(image(), **{keyword: text.encode() + b" " * (len(text) % 2)}))


def oriented(*cosines: float) -> Subject:
    """A CT slice with these direction cosines, written with all the digits that they need."""
    return with_text("ImageOrientationPatient", "\\".join(repr(float(value)) for value in cosines))


CASES = [
    fires("GEO-101", "no-position", lambda: subject(image(ImagePositionPatient=None))),
    fires("GEO-101", "empty-orientation", lambda: subject(image(ImageOrientationPatient=[]))),
    fires("GEO-101", "original-slice-without-any-plane", lambda: subject(mr_image(**NO_PLANE))),
    fires("GEO-101", "secondary-image-with-half-a-plane", lambda: subject(image(ImageType=PAGE, PixelSpacing=None))),
    fires("GEO-101", "two-coordinates", lambda: with_text("ImagePositionPatient", "0\\0")),
    fires("GEO-101", "infinite-coordinate", lambda: with_text("ImagePositionPatient", "0\\0\\inf")),
    fires("GEO-101", "beyond-all-places", lambda: with_text("ImagePositionPatient", "0\\-1000001\\0")),
    fires("GEO-101", "largest-coordinate", lambda: with_text("ImagePositionPatient", "0\\0\\1e308")),
    quiet("GEO-101", "a-kilometre-away", lambda: with_text("ImagePositionPatient", "0\\-1e6\\0")),
    fires("GEO-101", "decimal-comma", lambda: with_text("PixelSpacing", "0,5\\0,5")),
    quiet("GEO-101", "whole-plane", lambda: subject(image())),
    quiet("GEO-101", "whole-plane-without-Image-Type", lambda: subject(image(ImageType=None))),
    fires("GEO-101", "dose-report", lambda: subject(image(ImageType=PAGE, **NO_PLANE)), "page"),
    quiet("GEO-101", "secondary-image-with-a-plane", lambda: subject(image(ImageType=PAGE)), "page"),
    fires("GEO-101", "dose-report-in-zeros", lambda: subject(image(ImageType=PAGE, **ZEROS)), "page"),
    fires(
        "GEO-101",
        "dose-report-with-a-zero-orientation",
        lambda: subject(image(ImageType=PAGE, **NO_PLANE | {"ImageOrientationPatient": ["0"] * 6})),
        "page",
    ),
    quiet(
        "GEO-101",
        "slice-at-the-origin-without-direction",
        lambda: subject(image(**ZEROS | {"PixelSpacing": ["1", "1"]})),
        "page",
    ),
    fires(
        "GEO-101",
        "capture-in-zeros-with-pixels",
        lambda: subject(image(ImageType=PAGE, **ZEROS | {"PixelSpacing": ["1", "1"]})),
    ),
    quiet("GEO-101", "slice-at-the-origin", lambda: subject(image(ImagePositionPatient=["0"] * 3)), "page"),
    fires("GEO-102", "position-only", lambda: subject(image(ImageOrientationPatient=None))),
    fires("GEO-102", "orientation-only", lambda: subject(image(SOPClassUID=NM, ImagePositionPatient=None))),
    quiet("GEO-102", "both", lambda: subject(image())),
    quiet("GEO-102", "both-one-unreadable", lambda: with_text("ImagePositionPatient", "0\\0\\nan")),
    quiet("GEO-103", "oblique", lambda: oriented(0.6, 0.8, 0, 0, 0, -1)),
    quiet("GEO-103", "noise-in-angle", lambda: oriented(1, 0, 0, 9.9e-5, 1, 0), "rounded"),
    quiet("GEO-103", "noise-in-length", lambda: oriented(1.000099, 0, 0, 0, 0.999901, 0), "rounded"),
    fires("GEO-103", "over-noise-in-angle", lambda: oriented(1, 0, 0, 1.01e-4, 1, 0), "rounded"),
    fires("GEO-103", "over-noise-in-row-length", lambda: oriented(1.000101, 0, 0, 0, 1, 0), "rounded"),
    fires("GEO-103", "over-noise-in-column-length", lambda: oriented(1, 0, 0, 0, 0.999899, 0), "rounded"),
    fires("GEO-103", "under-skew", lambda: oriented(1, 0, 0, 9.9e-4, 1, 0), "rounded"),
    fires("GEO-103", "sheared", lambda: oriented(1, 0, 0, 1.01e-3, 1, 0)),
    fires("GEO-103", "row-too-long", lambda: oriented(1.00101, 0, 0, 0, 1, 0)),
    fires("GEO-103", "column-just-long-enough-for-a-plane", lambda: oriented(1, 0, 0, 0, 0.501, 0)),
    fires("GEO-103", "row-just-not-too-long-for-a-cosine", lambda: oriented(1.999, 0, 0, 0, 1, 0)),
    fires("GEO-103", "row-too-long-for-a-cosine", lambda: oriented(2.001, 0, 0, 0, 1, 0), "unusable"),
    fires("GEO-103", "column-too-long-for-a-cosine", lambda: oriented(1, 0, 0, 0, -2.001, 0), "unusable"),
    fires("GEO-103", "huge", lambda: oriented(1e200, 0, 0, 0, 1e200, 0), "unusable"),
    fires("GEO-103", "largest", lambda: oriented(1e308, 0, 0, 0, 1, 0), "unusable"),
    fires("GEO-103", "largest-downwards", lambda: oriented(1, 0, 0, 0, -1e308, 0), "unusable"),
    fires("GEO-103", "longer-than-any-number", lambda: oriented(1.7e308, 1.7e308, 0, 0, 1, 0), "unusable"),
    fires("GEO-103", "least", lambda: oriented(1e-320, 0, 0, 0, 1, 0), "unusable"),
    fires(
        "GEO-103",
        "too-large-for-a-number",
        lambda: with_text("ImageOrientationPatient", "1e309\\0\\0\\0\\1\\0"),
        "unusable",
    ),
    fires("GEO-103", "infinite", lambda: with_text("ImageOrientationPatient", "1\\0\\0\\0\\-inf\\0"), "unusable"),
    quiet("GEO-103", "with-the-least-noise", lambda: oriented(1, 1e-320, 0, -1e-320, 1, 0), "unusable"),
    fires("GEO-103", "column-too-short-for-a-plane", lambda: oriented(1, 0, 0, 0, 0.499, 0), "unusable"),
    fires("GEO-103", "zeros-of-a-slice-at-the-origin", lambda: subject(image(**ZEROS)), "unusable"),
    fires("GEO-103", "zeros", lambda: oriented(0, 0, 0, 0, 0, 0), "unusable"),
    fires("GEO-103", "parallel", lambda: oriented(0, 1, 0, 0, 1, 0), "unusable"),
    fires("GEO-103", "overflow", lambda: oriented(*[1e200] * 6), "unusable"),
    fires("GEO-103", "nan", lambda: with_text("ImageOrientationPatient", "nan\\0\\0\\0\\1\\0"), "unusable"),
    quiet("GEO-103", "sagittal", lambda: oriented(0, 1, 0, 0, 0, -1), "unusable"),
    fires("GEO-108", "CT-without", lambda: subject(image(FrameOfReferenceUID=None))),
    fires("GEO-108", "PET-with-an-empty-one", lambda: subject(image(SOPClassUID=PET, FrameOfReferenceUID=""))),
    fires("GEO-108", "dose-without", lambda: subject(image(SOPClassUID=DOSE, FrameOfReferenceUID=None))),
    fires(
        "GEO-108",
        "enhanced-CT-without",
        lambda: subject(image(SOPClassUID=EnhancedCTImageStorage, FrameOfReferenceUID=None)),
    ),
    fires("GEO-108", "map-without", lambda: subject(image(SOPClassUID=ParametricMapStorage, FrameOfReferenceUID=None))),
    fires("GEO-108", "pullback-without", lambda: subject(image(SOPClassUID=PULLBACK, FrameOfReferenceUID=None))),
    quiet("GEO-108", "present", lambda: subject(image())),
    fires("GEO-109", "decimal-comma", lambda: with_text("SliceLocation", "12,5")),
    fires("GEO-109", "two-values", lambda: with_text("SliceLocation", "1\\2")),
    fires("GEO-109", "too-large", lambda: with_text("SliceLocation", "1e999")),
    quiet("GEO-109", "exponent", lambda: with_text("SliceLocation", "-1.25e1")),
]
NOT_APPLICABLE = [
    beside("GEO-101", "not-read-to-its-end", lambda: cut(image(), t.PIXEL_SPACING)),
    beside("GEO-102", "neither", lambda: subject(image(**NO_PLANE))),
    beside("GEO-102", "not-read-to-its-end", lambda: cut(image(), t.IMAGE_ORIENTATION_PATIENT)),
    beside(
        "GEO-102",
        "an-orientation-of-zeros-only",
        lambda: subject(image(ImageType=PAGE, **NO_PLANE | {"ImageOrientationPatient": ["0"] * 6})),
    ),
    beside("GEO-103", "zeros-of-a-page", lambda: subject(image(ImageType=PAGE, **ZEROS))),
    beside("GEO-103", "absent", lambda: subject(image(ImageOrientationPatient=None))),
    beside("GEO-103", "five-numbers", lambda: oriented(1, 0, 0, 0, 1)),
    beside("GEO-108", "page", lambda: subject(image(ImageType=PAGE, FrameOfReferenceUID=None, **NO_PLANE))),
    beside(
        "GEO-108",
        "enhanced-XA",
        lambda: subject(image(SOPClassUID=EnhancedXAImageStorage, FrameOfReferenceUID=None)),
    ),
    beside("GEO-108", "eye", lambda: subject(image(SOPClassUID=EYE, FrameOfReferenceUID=None))),
    beside("GEO-108", "not-read-to-its-end", lambda: cut(image(), t.FRAME_OF_REFERENCE_UID)),
    beside("GEO-109", "absent", lambda: subject(image(SliceLocation=None))),
]


@pytest.mark.parametrize("row", CASES)
def test_says_what_the_table_says(row: Case) -> None:
    check(RULES[row.code], row)


@pytest.mark.parametrize(("code", "make"), NOT_APPLICABLE)
def test_does_not_judge_what_it_cannot_know(code: str, make: Maker) -> None:
    assert outcome(RULES[code], make()) is Answer.NOT_APPLICABLE


def test_all_that_is_missing_of_a_plane_is_one_finding() -> None:
    found = problem(RULES["GEO-101"], subject(image(**NO_PLANE)))
    assert found.message == "Image Position, Image Orientation, Pixel Spacing missing"
    assert found.tags == (t.IMAGE_POSITION_PATIENT, t.IMAGE_ORIENTATION_PATIENT, t.PIXEL_SPACING)
    assert found.found == {"Image Position": None, "Image Orientation": None, "Pixel Spacing": None}


def test_a_malformed_value_is_described_and_never_quoted() -> None:
    found = problem(RULES["GEO-101"], with_text("ImagePositionPatient", "1\\2\\Doe^Jane"))
    assert found.message == "Image Position is not 3 numbers"
    assert found.found == {"Image Position": "value 3 of 3 is not a decimal string"}


def test_what_is_just_too_far_is_not_said_to_be_as_far_as_it_may() -> None:
    found = problem(RULES["GEO-101"], with_text("ImagePositionPatient", "0\\-1000001\\0"))
    assert found.message == "Image Position is 1e+06 mm from the origin, over 1 km"
    assert (found.expected, found.found) == ("at most 1000000 mm", (0, -1000001, 0))
    farthest = problem(RULES["GEO-101"], with_text("ImagePositionPatient", "0\\0\\1.7e308"))
    assert len(f"GEO-101 {farthest.message}") <= 64


def test_one_number_is_not_called_numbers() -> None:
    found = problem(RULES["GEO-101"], with_text("PixelSpacing", "0.5"))
    assert found.found == {"Pixel Spacing": "1 number"}


def test_the_missing_half_of_the_pair_is_the_offending_element() -> None:
    position_only = problem(RULES["GEO-102"], subject(image(ImageOrientationPatient=None)))
    orientation_only = problem(RULES["GEO-102"], subject(image(ImagePositionPatient=None)))
    assert position_only.tags == (t.IMAGE_ORIENTATION_PATIENT,)
    assert orientation_only.tags == (t.IMAGE_POSITION_PATIENT,)


def test_the_deviation_is_told() -> None:
    found = problem(RULES["GEO-103"], oriented(1.02, 0, 0, 0, 1, 0))
    assert found.message == "direction cosines 2.0e-02 off orthonormal"
    assert found.found == (1.02, 0.0, 0.0, 0.0, 1.0, 0.0)


Vector = tuple[float, float, float]
numbers = st.floats(-1, 1)
quaternions = st.tuples(numbers, numbers, numbers, numbers).filter(lambda q: sum(x * x for x in q) > 0.01)


@st.composite
def rotations(draw: st.DrawFn) -> tuple[Vector, Vector]:
    """Row and column direction of any orientation, from a unit quaternion."""
    drawn = draw(quaternions)
    length = sqrt(sum(x * x for x in drawn))
    w, x, y, z = (value / length for value in drawn)
    row = (1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w))
    column = (2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w))
    return row, column


@given(rotations(), st.integers(6, 16))
def test_any_rotation_passes_with_six_to_sixteen_digits(plane: tuple[Vector, Vector], digits: int) -> None:
    text = "\\".join(f"{value:.{digits}g}" for direction in plane for value in direction)
    assert outcome(RULES["GEO-103"], with_text("ImageOrientationPatient", text)) is Answer.PASS


@given(rotations(), st.floats(2e-3, 0.9) | st.floats(-0.4, -2e-3))
def test_scaling_of_one_direction_is_found(plane: tuple[Vector, Vector], off: float) -> None:
    row, column = plane
    assert problem(RULES["GEO-103"], oriented(*row, *(value * (1 + off) for value in column))).case == ""


@given(rotations(), st.floats(2e-3, 1) | st.floats(-1, -2e-3))
def test_shear_is_found(plane: tuple[Vector, Vector], angle: float) -> None:
    row, column = plane
    tilted = (c * cos(angle) + r * sin(angle) for r, c in zip(row, column, strict=True))
    assert problem(RULES["GEO-103"], oriented(*row, *tilted)).case == ""


@given(rotations(), st.floats(2e-4, 9e-4))
def test_rounding_is_told_from_shear(plane: tuple[Vector, Vector], angle: float) -> None:
    row, column = plane
    tilted = (c * cos(angle) + r * sin(angle) for r, c in zip(row, column, strict=True))
    assert problem(RULES["GEO-103"], oriented(*row, *tilted)).case == "rounded"


@given(rotations(), st.floats(-0.99, 0.99))
def test_directions_within_thirty_degrees_of_parallel_are_unusable(plane: tuple[Vector, Vector], at: float) -> None:
    row, column = plane
    angle = at * 0.5235987755982988
    nearly = (r * cos(angle) + c * sin(angle) for r, c in zip(row, column, strict=True))
    assert problem(RULES["GEO-103"], oriented(*row, *nearly)).case == "unusable"


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=6, max_size=6))
def test_any_six_numbers_are_judged(cosines: list[float]) -> None:
    assert outcome(RULES["GEO-103"], oriented(*cosines)) is not Answer.NOT_APPLICABLE
