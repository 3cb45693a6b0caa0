"""GEO-104, 105, 106: how large pixels and slices are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    NuclearMedicineImageStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from scp.audit.finding import Answer
from scp.audit.rule import Subject
from scp.audit.rules import geo_spacing
from scp.dicom import tags as t
from tests.rules.builders import Case, fires, image, quiet, raw, subject
from tests.rules.tables import Maker, beside, by_code, check, outcome, problem

RULES = by_code(geo_spacing.RULES)
CR, SC, NM = ComputedRadiographyImageStorage, SecondaryCaptureImageStorage, NuclearMedicineImageStorage
CALIBRATED = {"PixelSpacing": ["0.130", "0.130"], "ImagerPixelSpacing": ["0.143", "0.143"]}


def spaced(*spacing: str, **changes: object) -> Subject:
    """A CT slice with this Pixel Spacing."""
    return subject(image(PixelSpacing=list(spacing), **changes))


def film(**changes: object) -> Subject:
    """A CR image; it has a Pixel Spacing only if it is given one."""
    return subject(image(**{"SOPClassUID": CR, "PixelSpacing": None} | changes))


CASES = [
    fires("GEO-104", "zero-between-rows", lambda: spaced("0", "0.5")),
    fires("GEO-104", "zero-between-columns", lambda: spaced("0.5", "0.0")),
    fires("GEO-104", "negative", lambda: spaced("-0.5", "0.5")),
    fires("GEO-104", "zero-between-rows-of-one-column", lambda: spaced("0", "0.5", Columns=1)),
    fires("GEO-104", "zero-between-columns-of-one-row", lambda: spaced("0.5", "0", Rows=1)),
    fires("GEO-104", "negative-of-one-row", lambda: spaced("-1", "0.5", Rows=1)),
    quiet("GEO-104", "tiny", lambda: spaced("1e-9", "1e-9")),
    quiet("GEO-104", "zero-between-the-only-row", lambda: spaced("0", "0.5", Rows=1)),
    quiet("GEO-104", "zero-between-the-only-column", lambda: spaced("0.5", "0", Columns=1)),
    fires("GEO-104", "zero-at-the-detector", lambda: film(ImagerPixelSpacing=["0", "0"]), "other"),
    fires(
        "GEO-104",
        "zero-on-one-side-of-a-page-sent-as-a-slice",
        lambda: spaced("0", "1", ImagePositionPatient=None, ImageOrientationPatient=None),
        "other",
    ),
    fires("GEO-104", "zero-without-orientation", lambda: spaced("0", "0", ImageOrientationPatient=None)),
    fires("GEO-104", "zero-on-film", lambda: film(NominalScannedPixelSpacing=["0.1", "0"]), "other"),
    fires("GEO-104", "zero-in-a-projection", lambda: film(PixelSpacing=["0", "0"]), "other"),
    fires(
        "GEO-104", "zero-at-the-detector-of-a-slice", lambda: spaced("1", "1", ImagerPixelSpacing=["0", "0"]), "other"
    ),
    fires("GEO-104", "one-number-in-a-projection", lambda: film(PixelSpacing="0.1"), "other"),
    fires(
        "GEO-104",
        "unreadable-at-the-detector",
        lambda: subject(raw(image(), ImagerPixelSpacing=b"0,1\\0,1 ")),
        "other",
    ),
    quiet("GEO-104", "positive-at-the-detector", lambda: film(ImagerPixelSpacing=["0.1", "0.1"]), "other"),
    fires("GEO-105", "calibrated-nobody-says-how", lambda: film(**CALIBRATED)),
    fires("GEO-105", "0.11-percent", lambda: film(PixelSpacing=["1.0011", "1"], ImagerPixelSpacing=["1", "1"])),
    fires(
        "GEO-105",
        "scanned-film",
        lambda: film(SOPClassUID=SC, PixelSpacing=["1", "2"], NominalScannedPixelSpacing=["1", "1"]),
    ),
    quiet("GEO-105", "0.09-percent", lambda: film(PixelSpacing=["1", "0.9991"], ImagerPixelSpacing=["1", "1"])),
    quiet("GEO-105", "calibrated-with-a-fiducial", lambda: film(PixelSpacingCalibrationType="FIDUCIAL", **CALIBRATED)),
    fires("GEO-106", "negative", lambda: subject(image(SliceThickness="-2.5"))),
    fires("GEO-106", "negative-in-NM", lambda: subject(image(SOPClassUID=NM, SliceThickness="-0.001"))),
    quiet("GEO-106", "zero", lambda: subject(image(SliceThickness="0"))),
    quiet("GEO-106", "negative-spacing-in-NM", lambda: subject(image(SOPClassUID=NM, SpacingBetweenSlices="-4"))),
]
NOT_APPLICABLE = [
    beside("GEO-104", "no-spacing", lambda: subject(image(SOPClassUID=SegmentationStorage, PixelSpacing=None))),
    beside(
        "GEO-104",
        "zeros-on-a-page",
        lambda: spaced(
            "0",
            "0",
            ImageType=["DERIVED", "SECONDARY"],
            ImagePositionPatient=["0"] * 3,
            ImageOrientationPatient=["0"] * 6,
        ),
    ),
    beside("GEO-104", "no-spacing-of-a-slice", lambda: subject(image(PixelSpacing=None))),
    beside("GEO-104", "one-number-in-a-slice", lambda: subject(image(PixelSpacing="0.5"))),
    beside("GEO-104", "unreadable-in-a-slice", lambda: subject(raw(image(), PixelSpacing=b"a\\b "))),
    beside("GEO-105", "detector-only", lambda: film(ImagerPixelSpacing=["0.143", "0.143"])),
    beside("GEO-105", "Pixel-Spacing-only", lambda: film(PixelSpacing=["0.13", "0.13"])),
    beside("GEO-106", "absent", lambda: subject(image(SliceThickness=None))),
    beside("GEO-106", "empty", lambda: subject(image(SliceThickness=""))),
    beside("GEO-106", "unreadable", lambda: subject(raw(image(), SliceThickness=b"2,5 "))),
]


@pytest.mark.parametrize("row", CASES)
def test_says_what_the_table_says(row: Case) -> None:
    check(RULES[row.code], row)


@pytest.mark.parametrize(("code", "make"), NOT_APPLICABLE)
def test_does_not_judge_what_it_cannot_know(code: str, make: Maker) -> None:
    assert outcome(RULES[code], make()) is Answer.NOT_APPLICABLE


def test_the_spacing_that_is_wrong_is_named_with_both_its_numbers() -> None:
    found = problem(RULES["GEO-104"], spaced("0.5", "0.5", NominalScannedPixelSpacing=["0.25", "-0.25"]))
    assert found.message == "Nominal Scanned Pixel Spacing not two positive numbers"
    assert found.tags == (t.NOMINAL_SCANNED_PIXEL_SPACING,)
    assert found.found == (0.25, -0.25)


def test_both_spacings_of_an_uncalibrated_projection_are_told() -> None:
    found = problem(RULES["GEO-105"], film(**CALIBRATED))
    assert found.message == "Imager Pixel Spacing differs, no calibration"
    assert (found.expected, found.found) == ((0.143, 0.143), (0.13, 0.13))
    assert t.PIXEL_SPACING_CALIBRATION_TYPE in found.tags


positive = st.floats(1e-6, 1e4)


@given(positive, positive, st.sampled_from([(1, 1), (-1, 1), (1, -1), (-1, -1)]))
def test_the_sign_alone_decides(between_rows: float, between_columns: float, signs: tuple[int, int]) -> None:
    spacing = f"{between_rows * signs[0]:.9e}\\{between_columns * signs[1]:.9e}".encode()
    made = subject(raw(image(), PixelSpacing=spacing + b" " * (len(spacing) % 2)))
    assert (outcome(RULES["GEO-104"], made) is Answer.PASS) is (signs == (1, 1))
