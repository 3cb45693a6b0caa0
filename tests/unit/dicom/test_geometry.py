"""What the ledger keeps of an instance for the series audit says where its images lie, and nothing personal."""

from typing import Any

import orjson
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import EnhancedCTImageStorage, NuclearMedicineImageStorage, RTDoseStorage, SegmentationStorage

from scp.dicom import frames
from scp.dicom.frames import NO_PLANES
from scp.dicom.geometry import Geometry, geometry_of, read_geometry
from tests.rules.builders import image, mr_image, raw, subject


def kept(ds: Dataset) -> Geometry:
    return read_geometry(geometry_of(subject(ds).facts, "stack", "variant"))


def item(**values: Any) -> Dataset:
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def plane(z: float | None = None, orientation: list[int] | None = None) -> Dataset:
    """A functional group of one frame."""
    group = Dataset()
    if z is not None:
        group.PlanePositionSequence = Items([item(ImagePositionPatient=[0, 0, z])])
    if orientation:
        group.PlaneOrientationSequence = Items([item(ImageOrientationPatient=orientation)])
    return group


def volume(per_frame: list[Dataset], shared: Dataset | None = None, **changes: Any) -> Dataset:
    ds = image(SOPClassUID=EnhancedCTImageStorage, NumberOfFrames=len(per_frame) or 1,
               ImagePositionPatient=None, ImageOrientationPatient=None, PixelSpacing=None, **changes)  # fmt: skip
    ds.PerFrameFunctionalGroupsSequence = Items(per_frame)
    if shared is not None:
        ds.SharedFunctionalGroupsSequence = Items([shared])
    return ds


AXIAL = [1, 0, 0, 0, 1, 0]


def test_a_slice_keeps_its_plane_and_what_it_announces() -> None:
    ds = image(ImagesInAcquisition="120", GantryDetectorTilt="-5", SpacingBetweenSlices="2", InstanceNumber="4")
    found = kept(ds)
    assert found.stack == "stack"
    assert found.variant == "variant"
    assert found.position == [0, 0, 10]
    assert found.orientation == AXIAL
    assert found.spacing == [0.5, 0.5]
    assert (found.rows, found.columns, found.frame_count) == (4, 4, 1)
    assert (found.thickness, found.between, found.location, found.tilt) == (2.5, 2, 10, -5)
    assert found.acquisition == "1.0"
    assert found.acquisition_images == 120
    assert found.scout is False
    assert list(found.frames) == []
    assert found.moment == ""
    assert read_geometry(geometry_of(subject(ds).facts, "stack", "variant", "moment")).moment == "moment"


def test_what_is_absent_or_malformed_is_none() -> None:
    found = kept(raw(image(PixelSpacing=["1"], SliceLocation=None), ImagePositionPatient=b"a\\b\\c "))
    assert found.position is None
    assert found.spacing is None
    assert found.location is None


@pytest.mark.parametrize(("value", "marks"), [("LOCALIZER", (True, False)), ("MOSAIC", (False, True))])
def test_what_has_no_place_of_a_slice_is_marked(value: str, marks: tuple[bool, bool]) -> None:
    found = kept(image(ImageType=["ORIGINAL", "PRIMARY", value]))
    assert (found.scout, found.mosaic) == marks


def test_the_scale_of_ct_is_kept_unless_it_is_derived() -> None:
    scale: dict[str, Any] = {"RescaleSlope": "1", "RescaleIntercept": "-1024"}
    assert kept(image(**scale)).rescale == [1, -1024]
    assert kept(image()).rescale == [None, None]
    assert kept(image(ImageType=["DERIVED", "PRIMARY"], **scale)).rescale is None
    assert kept(mr_image(**scale)).rescale is None


def test_what_should_be_a_number_and_is_a_name_is_not_kept() -> None:
    written = geometry_of(subject(raw(image(), AcquisitionNumber=b"Doe^John")).facts, "", "")
    assert b"Doe" not in written


def test_it_is_compact_json() -> None:
    written = geometry_of(subject(image()).facts, "0123456789abcdef", "0123456789abcdef")
    assert len(written) < 250
    assert isinstance(orjson.loads(written), list)


def test_frames_have_the_planes_of_their_functional_groups() -> None:
    shared = plane(orientation=AXIAL)
    shared.PixelMeasuresSequence = Items([item(PixelSpacing=[0.7, 0.7], SpacingBetweenSlices="3")])
    found = kept(volume([plane(0), plane(3), plane(6)], shared))
    assert found.frames == [[0, 0, 0, 0], [0, 0, 3, 0], [0, 0, 6, 0]]
    assert found.orientations == [AXIAL]
    assert found.orientation == AXIAL
    assert found.spacing == [0.7, 0.7]
    assert found.between == 3


def test_frames_may_have_orientations_of_their_own_and_share_a_position() -> None:
    coronal = [1, 0, 0, 0, 0, -1]
    found = kept(volume([plane(orientation=AXIAL), plane(orientation=coronal), plane(orientation=AXIAL)], plane(5)))
    assert found.frames == [[0, 0, 5, 0], [0, 0, 5, 1], [0, 0, 5, 0]]
    assert found.orientations == [AXIAL, coronal]


def test_a_frame_without_a_plane_is_none() -> None:
    found = kept(volume([plane(0, AXIAL), plane(3), Dataset()]))
    assert found.frames == [[0, 0, 0, 0], None, None]


def test_a_position_that_cannot_be_read_is_none() -> None:
    odd = plane(0, AXIAL)
    raw(odd.PlanePositionSequence[0], ImagePositionPatient=b"1\\x\\3 ")
    two = plane(0, AXIAL)
    two.PlanePositionSequence[0].ImagePositionPatient = [1, 2]
    nothing = plane(0, AXIAL)
    nothing.PlanePositionSequence = Items([])
    assert kept(volume([odd, two, nothing, plane(1, AXIAL)])).frames == [None, None, None, [0, 0, 1, 0]]


def test_without_functional_groups_there_are_no_planes() -> None:
    for ds in (volume([]), volume([Dataset(), Dataset()])):
        found = kept(ds)
        assert found.frames == []
        assert found.orientation is None


def in_stack(z: float, stack: str | None, **changes: Any) -> Dataset:
    group = plane(z, AXIAL)
    group.FrameContentSequence = Items([item(**changes)] if stack is None else [item(StackID=stack, **changes)])
    return group


def test_frames_of_several_stacks_say_which_is_theirs_and_never_how_it_is_called() -> None:
    ds = volume([in_stack(z, stack) for z, stack in enumerate(("Left^Doe", "Left^Doe ", "R"))])
    first, second, third = kept(ds).frame_stacks
    assert first == second != third
    assert b"Doe" not in geometry_of(subject(ds).facts, "", "")


def test_frames_of_one_stack_or_of_none_say_nothing() -> None:
    for stacks in (("1", "1"), ("1", None), (None, None), ("1", "")):
        assert kept(volume([in_stack(z, stack) for z, stack in enumerate(stacks)])).frame_stacks == []
    assert kept(volume([plane(0, AXIAL), plane(1, AXIAL)])).frame_stacks == []


def test_more_frames_than_a_volume_has_are_not_kept(monkeypatch: Any) -> None:
    monkeypatch.setattr(frames, "MOST_FRAMES", 2)
    assert kept(volume([plane(z, AXIAL) for z in range(3)])).frames == []
    assert kept(dose(0, 1, 2)).frames == []


def nuclear(*slices: int, **changes: Any) -> Dataset:
    ds = image(SOPClassUID=NuclearMedicineImageStorage, NumberOfFrames=len(slices), SpacingBetweenSlices="-4",
               ImagePositionPatient=None, ImageOrientationPatient=None)  # fmt: skip
    ds.SliceVector = list(slices)
    ds.DetectorInformationSequence = Items([item(ImagePositionPatient=[1, 2, 100], ImageOrientationPatient=AXIAL)])
    for keyword, value in changes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def test_nm_slices_are_counted_along_the_normal_in_the_direction_that_the_sign_says() -> None:
    assert kept(nuclear(1, 2, 4)).frames == [[1, 2, 100, 0], [1, 2, 96, 0], [1, 2, 88, 0]]


def test_nm_without_slices_spacing_or_detector_has_no_planes() -> None:
    for changes in ({"SliceVector": None}, {"SpacingBetweenSlices": None}, {"DetectorInformationSequence": None}):
        assert kept(nuclear(1, 2, **changes)).frames == []
    assert kept(raw(nuclear(1, 2), SliceVector=b"\1\0\2")).frames == []


def dose(*offsets: float, **changes: Any) -> Dataset:
    ds = image(SOPClassUID=RTDoseStorage, Modality="RTDOSE", NumberOfFrames=len(offsets) or 1, **changes)
    if offsets:
        ds.GridFrameOffsetVector = list(offsets)
    return ds


def test_dose_planes_lie_at_their_offsets_in_either_form() -> None:
    for offsets in ((0, 2.5, 5), (10, 12.5, 15)):
        assert kept(dose(*offsets)).frames == [[0, 0, 10, 0], [0, 0, 12.5, 0], [0, 0, 15, 0]]


def test_a_dose_without_offsets_or_plane_has_no_planes_of_its_frames() -> None:
    for ds in (dose(), dose(0, 1, ImagePositionPatient=None), dose(0, 1, ImageOrientationPatient=["1", "0", "0"])):
        assert kept(ds).frames == []


def test_a_segmentation_and_a_single_frame_have_none() -> None:
    ds = volume([plane(0, AXIAL)])
    ds.SOPClassUID = SegmentationStorage
    assert subject(ds).facts.frame_planes is NO_PLANES
    assert subject(image()).facts.frame_planes is NO_PLANES
