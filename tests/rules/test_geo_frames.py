"""GEO-120, 121, 122: whether what describes the frames matches their number."""

from itertools import accumulate

import hypothesis
import pytest
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import (
    EnhancedMRImageStorage,
    NuclearMedicineImageStorage,
    OphthalmicTomographyImageStorage,
    RTDoseStorage,
)

from scp.audit.finding import Answer
from scp.audit.rule import Subject
from scp.audit.rules import geo_frames
from scp.dicom import tags as t
from tests.rules.builders import Case, fires, image, quiet, raw, subject
from tests.rules.tables import Maker, beside, by_code, check, cut, outcome, problem

RULES = by_code(geo_frames.RULES)
POSITION, MEASURES = "PlanePositionSequence", "PixelMeasuresSequence"
DETECTOR, SLICE, FRAME_TIME, OFFSETS = 0x00540020, 0x00540080, 0x00181063, t.GRID_FRAME_OFFSET_VECTOR
BOTH = [DETECTOR, SLICE]
AXIAL = ["1", "0", "0", "0", "1", "0"]


def group(*macros: str) -> Dataset:
    """An item of functional groups; each holds one empty item."""
    ds = Dataset()
    for macro in macros:
        setattr(ds, macro, [Dataset()])
    return ds


def given(**values: object) -> dict[str, object]:
    """Leave out what is None."""
    return {keyword: value for keyword, value in values.items() if value is not None}


def enhanced(items: int, frames: int | None, **changes: object) -> Dataset:
    """An enhanced MR image: positions for each of its items, one pixel size for all."""
    described = {
        "SOPClassUID": EnhancedMRImageStorage,
        "SharedFunctionalGroupsSequence": [group(MEASURES)],
        "PerFrameFunctionalGroupsSequence": [group(POSITION) for _ in range(items)],
    }
    return image(**given(NumberOfFrames=frames, **described | changes))


def twice(macro: str, in_frame: int) -> Dataset:
    """An enhanced image of four frames with a group that is shared, and in one frame too."""
    ds = enhanced(4, 4, SharedFunctionalGroupsSequence=[group(MEASURES, macro)])
    setattr(ds.PerFrameFunctionalGroupsSequence[in_frame], macro, [Dataset()])
    return ds


def private_twice() -> Dataset:
    """An enhanced image whose private groups, and their creator, are both shared and per frame."""
    ds = enhanced(2, 2)
    for item in (*ds.SharedFunctionalGroupsSequence, *ds.PerFrameFunctionalGroupsSequence):
        item.private_block(0x2005, "MAKER", create=True).add_new(0x0E, "SQ", [Dataset()])
    return ds


def lying(*orientations: list[str], spacing: list[str] | None = None, **changes: object) -> Subject:
    """An enhanced MR image with a frame in each of these orientations."""
    frames = []
    for number, cosines in enumerate(orientations):
        frame, position, orientation = Dataset(), Dataset(), Dataset()
        position.ImagePositionPatient, orientation.ImageOrientationPatient = ["0", "0", str(number)], cosines
        frame.PlanePositionSequence, frame.PlaneOrientationSequence = [position], [orientation]
        frames.append(frame)
    shared, measures = Dataset(), Dataset()
    measures.PixelSpacing = spacing or ["0.5", "0.5"]
    shared.PixelMeasuresSequence = [measures]
    groups = {"SharedFunctionalGroupsSequence": [shared], "PerFrameFunctionalGroupsSequence": frames}
    return subject(enhanced(0, len(frames), **groups | changes))


def nuclear(pointer: list[int], frames: int | None = 3, **vectors: object) -> Dataset:
    """An NM image whose frames are indexed by the vectors that the pointer names."""
    named = given(NumberOfFrames=frames, FrameIncrementPointer=pointer)
    return image(SOPClassUID=NuclearMedicineImageStorage, **named, **vectors)


def dose(offsets: list[float] | None, frames: int | None = 3, **changes: object) -> Dataset:
    """An RT Dose with this Grid Frame Offset Vector."""
    described = given(NumberOfFrames=frames, GridFrameOffsetVector=offsets)
    return image(SOPClassUID=RTDoseStorage, **described, **changes)


CASES = [
    fires("GEO-120", "an-item-short", lambda: subject(enhanced(3, 4))),
    fires("GEO-120", "an-item-over", lambda: subject(enhanced(5, 4))),
    fires("GEO-120", "items-without-Number-of-Frames", lambda: subject(enhanced(2, None))),
    fires("GEO-120", "no-items", lambda: subject(enhanced(0, 1))),
    fires("GEO-120", "no-sequence", lambda: subject(enhanced(1, 1, PerFrameFunctionalGroupsSequence=None))),
    fires("GEO-120", "shared-and-in-the-last-frame", lambda: subject(twice("FrameVOILUTSequence", in_frame=-1))),
    fires("GEO-124", "one-frame-of-zeros", lambda: lying(AXIAL, ["0"] * 6)),
    fires("GEO-124", "sheared", lambda: lying(["1", "0", "0", "0.00101", "1", "0"])),
    fires("GEO-124", "row-too-long", lambda: lying(AXIAL, ["1.00101", "0", "0", "0", "1", "0"], AXIAL)),
    fires("GEO-124", "huge", lambda: lying(["1e300", "1e300", "0", "1e300", "-1e300", "0"])),
    fires("GEO-124", "pixels-of-no-width", lambda: lying(AXIAL, spacing=["0.5", "0"])),
    fires(
        "GEO-124",
        "sheared-dose",
        lambda: subject(dose([0, 1], 2, ImageOrientationPatient=["1", "0", "0", "0", "2", "0"])),
    ),
    quiet("GEO-124", "two-directions", lambda: lying(AXIAL, ["1", "0", "0", "0", "0", "-1"])),
    quiet("GEO-124", "rounded", lambda: lying(["1", "0", "0", "0.00099", "1", "0"])),
    quiet("GEO-124", "a-page-in-zeros", lambda: lying(["0"] * 6, ImageType=["DERIVED", "SECONDARY"])),
    quiet("GEO-124", "no-spacing", lambda: lying(AXIAL, SharedFunctionalGroupsSequence=[Dataset()])),
    quiet("GEO-120", "an-item-for-each-frame", lambda: subject(enhanced(4, 4))),
    quiet("GEO-120", "one-frame-without-Number-of-Frames", lambda: subject(enhanced(1, None))),
    quiet("GEO-120", "nothing-shared", lambda: subject(enhanced(2, 2, SharedFunctionalGroupsSequence=None))),
    quiet("GEO-120", "private-groups-in-both", lambda: subject(private_twice())),
    fires("GEO-121", "vector-short", lambda: subject(nuclear([DETECTOR], DetectorVector=[1, 2]))),
    fires("GEO-121", "vector-long", lambda: subject(nuclear([DETECTOR], DetectorVector=[1, 1, 2, 2]))),
    fires("GEO-121", "vector-missing", lambda: subject(nuclear([DETECTOR]))),
    fires("GEO-121", "second-short", lambda: subject(nuclear(BOTH, DetectorVector=[1, 1, 1], SliceVector=1))),
    fires("GEO-121", "many-without-Number-of-Frames", lambda: subject(nuclear([SLICE], None, SliceVector=[1, 2]))),
    fires("GEO-121", "pointer-cut", lambda: subject(raw(nuclear([SLICE]), FrameIncrementPointer=b"\x54\0"))),
    quiet(
        "GEO-121",
        "vectors-as-long-as-the-frames",
        lambda: subject(nuclear(BOTH, DetectorVector=[1, 1, 1], SliceVector=[1, 2, 3])),
    ),
    quiet("GEO-121", "one-frame", lambda: subject(nuclear([SLICE], 1, SliceVector=1))),
    quiet(
        "GEO-121",
        "a-vector-that-nothing-names",
        lambda: subject(nuclear([SLICE], SliceVector=[1, 2, 3], DetectorVector=1)),
    ),
    fires("GEO-122", "an-offset-short", lambda: subject(dose([0, 2.5]))),
    fires("GEO-122", "an-offset-over", lambda: subject(dose([0, 2.5, 5, 7.5]))),
    fires("GEO-122", "many-without-Number-of-Frames", lambda: subject(dose([0, 2.5], None))),
    fires("GEO-122", "turns-back", lambda: subject(dose([0, 2.5, 2.4]))),
    fires("GEO-122", "turns-forth", lambda: subject(dose([0, -2.5, -2.4]))),
    fires("GEO-122", "repeats", lambda: subject(dose([0, 2.5, 2.5]))),
    fires("GEO-122", "stands-still", lambda: subject(dose([0, 0, 0]))),
    fires("GEO-122", "repeats-the-first", lambda: subject(dose([0, 0, 2.5]))),
    fires("GEO-122", "unreadable", lambda: subject(raw(dose([0]), GridFrameOffsetVector=b"0\\2,5\\5 "))),
    fires("GEO-122", "named-and-missing", lambda: subject(dose(None, FrameIncrementPointer=OFFSETS))),
    quiet("GEO-122", "rising", lambda: subject(dose([0, 2.5, 2.6]))),
    quiet("GEO-122", "falling", lambda: subject(dose([10, 7.5, -100]))),
    quiet("GEO-122", "one-plane", lambda: subject(dose([0], 1))),
]
NOT_APPLICABLE = [
    beside("GEO-124", "frames-without-a-place", lambda: subject(enhanced(2, 2))),
    beside("GEO-124", "eye", lambda: lying(["0"] * 6, SOPClassUID=OphthalmicTomographyImageStorage)),
    beside("GEO-120", "tiled-fully", lambda: subject(enhanced(0, 9, DimensionOrganizationType="TILED_FULL"))),
    beside("GEO-120", "frames-unreadable", lambda: subject(raw(enhanced(2, 2), NumberOfFrames=b"2.0 "))),
    beside("GEO-120", "no-frames", lambda: subject(enhanced(2, 0))),
    beside("GEO-120", "not-read-to-its-end", lambda: cut(enhanced(2, 2), t.PIXEL_DATA)),
    beside("GEO-121", "no-pointer", lambda: subject(image(SOPClassUID=NuclearMedicineImageStorage))),
    beside("GEO-121", "pointer-to-time", lambda: subject(nuclear([FRAME_TIME]))),
    beside("GEO-121", "no-frames", lambda: subject(nuclear([SLICE], 0, SliceVector=[1, 2]))),
    beside("GEO-121", "not-read-to-its-end", lambda: cut(nuclear([SLICE], SliceVector=[1, 2, 3]), SLICE)),
    beside("GEO-122", "one-plane-no-vector", lambda: subject(dose(None, None))),
    beside(
        "GEO-122",
        "one-plane-that-names-no-vector-but-the-pointer",
        lambda: subject(dose(None, 1, FrameIncrementPointer=OFFSETS)),
    ),
    beside("GEO-122", "pointer-to-time", lambda: subject(dose(None, FrameIncrementPointer=FRAME_TIME))),
    beside("GEO-122", "frames-unreadable", lambda: subject(raw(dose([0, 1]), NumberOfFrames=b"x "))),
    beside(
        "GEO-122",
        "not-read-to-its-end",
        lambda: cut(dose([0, 1], 2, FrameIncrementPointer=OFFSETS), t.GRID_FRAME_OFFSET_VECTOR),
    ),
]


@pytest.mark.parametrize("row", CASES)
def test_says_what_the_table_says(row: Case) -> None:
    check(RULES[row.code], row)


@pytest.mark.parametrize(("code", "make"), NOT_APPLICABLE)
def test_does_not_judge_what_it_cannot_know(code: str, make: Maker) -> None:
    assert outcome(RULES[code], make()) is Answer.NOT_APPLICABLE


def test_both_counts_are_told() -> None:
    found = problem(RULES["GEO-120"], subject(enhanced(3, 4)))
    assert found.message == "3 per-frame items for 4 frames"
    assert (found.expected, found.found) == (4, 3)
    assert problem(RULES["GEO-120"], subject(enhanced(1, 2))).message == "1 per-frame item for 2 frames"


def test_the_group_that_is_in_both_comes_last_as_its_name_may_be_cut() -> None:
    found = problem(RULES["GEO-120"], subject(twice("RealWorldValueMappingSequence", in_frame=2)))
    assert found.message == "shared and per-frame: (0040,9096) RealWorldValueMappingSequence"


def test_the_group_that_is_in_both_is_named() -> None:
    found = problem(RULES["GEO-120"], subject(twice("FrameVOILUTSequence", in_frame=2)))
    assert found.found == ("(0028,9132) FrameVOILUTSequence",)


def test_the_vector_that_does_not_match_is_named() -> None:
    short = problem(RULES["GEO-121"], subject(nuclear([DETECTOR], DetectorVector=[1, 2])))
    missing = problem(RULES["GEO-121"], subject(nuclear([SLICE])))
    assert short.message == "(0054,0020) DetectorVector: 2 values, 3 frames"
    assert missing.message == "(0054,0080) SliceVector: no values, 3 frames"


def test_the_first_offset_that_breaks_the_order_is_told() -> None:
    found = problem(RULES["GEO-122"], subject(dose([0, 2, 4, 3, 5], 5)))
    assert found.message == "grid frame offset 4 breaks the order"
    assert found.found == (0.0, 2.0, 4.0, 3.0)


steps = st.lists(st.integers(1, 10**6), min_size=1, max_size=40)


@hypothesis.given(st.integers(-(10**6), 10**6), steps, st.sampled_from([1, -1]))
def test_any_steps_of_one_sign_pass(start: int, sizes: list[int], sign: int) -> None:
    offsets = list(accumulate((sign * size for size in sizes), initial=start))
    assert outcome(RULES["GEO-122"], subject(dose([float(x) for x in offsets], len(offsets)))) is Answer.PASS


@hypothesis.given(steps.filter(lambda sizes: len(sizes) > 1), st.data(), st.sampled_from([1, -1]))
def test_one_step_of_the_other_sign_is_found(sizes: list[int], data: st.DataObject, sign: int) -> None:
    at = data.draw(st.integers(0, len(sizes) - 1))
    turned = [sign * size * (-1 if index == at else 1) for index, size in enumerate(sizes)]
    offsets = list(accumulate(turned, initial=0))
    assert problem(RULES["GEO-122"], subject(dose([float(x) for x in offsets], len(offsets)))).case == ""
