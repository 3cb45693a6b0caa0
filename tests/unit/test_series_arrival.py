"""Whole series through the intake, in any order and over any association: good ones stay good, defects are found."""

import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import PositronEmissionTomographyImageStorage

from scp.audit.catalogue import RULES
from scp.audit.finding import Severity
from scp.audit.policy import make_policy
from scp.audit.series.result import SeriesAudit, SeriesVerdict
from scp.series import Auditor, opener
from tests.rules.builders import SERIES, encoded, image, mr_image
from tests.unit.nodes import LIMITS, Scratch, association

STANDARD = make_policy(RULES)
SAGITTAL = ["0", "1", "0", "0", "0", "-1"]
PLANES = [["1", "0", "0", "0", "1", "0"], ["1", "0", "0", "0", "0", "-1"], SAGITTAL]
ZEROS: dict[str, Any] = {
    "ImageType": ["DERIVED", "SECONDARY"], "ImagePositionPatient": ["0"] * 3, "ImageOrientationPatient": ["0"] * 6,
    "PixelSpacing": ["0", "0"], "FrameOfReferenceUID": "",
}  # fmt: skip


def sliced(make: Callable[..., Dataset], number: int, place: Sequence[float], **changes: Any) -> Dataset:
    """A slice somewhere, with its own Instance Number and SOP Instance UID."""
    given = {
        "SOPInstanceUID": f"1.2.3.{number}", "InstanceNumber": str(number), "SliceLocation": str(place[2]),
        "ImagePositionPatient": [f"{one:g}" for one in place],
    }  # fmt: skip
    return make(**(given | changes))


def ct(number: int, z: float, **changes: Any) -> Dataset:
    return sliced(image, number, (-120, -110, z), RescaleSlope="1", RescaleIntercept="-1024", **changes)


def mr(number: int, place: Sequence[float], **changes: Any) -> Dataset:
    return sliced(mr_image, number, place, **changes)


def head() -> list[Dataset]:
    return [ct(n, 2.5 * n) for n in range(1, 13)]


def head_in_two_fields() -> list[Dataset]:
    narrow = [ct(n, 2.5 * n, ReconstructionDiameter="2") for n in range(1, 9)]
    wide: dict[str, Any] = {"PixelSpacing": ["0.6", "0.6"], "ReconstructionDiameter": "2.4"}
    return [*narrow, *(ct(n, 2.5 * n, **wide) for n in range(9, 17))]


def slices_repeated() -> list[Dataset]:
    return [*head(), *(ct(20 + n, 2.5 * n, AcquisitionNumber="2") for n in (5, 6, 7))]


def report_and_head() -> list[Dataset]:
    return [ct(90, 0, **ZEROS), ct(91, 0, **ZEROS | {"Rows": 2, "Columns": 8}), *head()]


def both_breasts() -> list[Dataset]:
    return [
        mr(16 * time + 8 * side + n, (-120 + 180 * side + 3 * n, -100, 80), ImageOrientationPatient=SAGITTAL,
           TemporalPositionIdentifier=str(time + 1), SliceThickness="3", SliceLocation="0")
        for time in range(2) for side in range(2) for n in range(1, 9)
    ]  # fmt: skip


def creeping() -> list[Dataset]:
    return [
        mr(10 * time + n, (-120, -110, 4 * n + 0.02 * time), TemporalPositionIdentifier=str(time + 1))
        for time in range(5) for n in range(1, 11)
    ]  # fmt: skip


def mosaics() -> list[Dataset]:
    kind = ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    return [mr(n, (-600 + 0.1 * n, -500 - 0.2 * n * n, 30 + 0.3 * n), ImageType=kind) for n in range(1, 9)]


def pet() -> list[Dataset]:
    kind = PositronEmissionTomographyImageStorage
    return [
        sliced(image, n, (-350, -350, 3.27 * n), SOPClassUID=kind, Modality="PT", ImageIndex=n,
               RescaleSlope=f"{0.5 + 0.01 * n:g}", RescaleIntercept="0")
        for n in range(1, 13)
    ]  # fmt: skip


def reformats() -> list[Dataset]:
    """Axial, coronal and sagittal slices, numbered on; each plane has a matrix of its own."""
    kind = ["DERIVED", "SECONDARY", "MPR"]
    sizes = [{}, {"Rows": 2, "Columns": 8}, {"Rows": 8, "Columns": 2}]
    return [
        sliced(image, 10 * plane + n, along(plane, 2 * n), ImageType=kind, ImageOrientationPatient=PLANES[plane],
               **size)
        for plane, size in enumerate(sizes) for n in range(1, 9)
    ]  # fmt: skip


def along(plane: int, far: float) -> Sequence[float]:
    return [far if axis == 2 - plane else 0 for axis in range(3)]


def anew(times: int, change: Callable[[int], dict[str, Any]]) -> list[Dataset]:
    """A volume several times, numbered anew each time, and told apart by an attribute."""
    return [
        ct(n, 2.5 * n, **change(time) | {"SOPInstanceUID": f"1.2.3.{time}.{n}"})
        for time in range(times) for n in range(1, 9)
    ]  # fmt: skip


def breathing() -> list[Dataset]:
    return anew(4, lambda time: {"NominalPercentageOfRespiratoryPhase": 25.0 * time, "AcquisitionTime": "101112"})


def one_after_the_other() -> list[Dataset]:
    return anew(4, lambda time: {"AcquisitionDate": "20260102", "AcquisitionTime": f"10111{time}.5"})


def beating(**changes: Any) -> list[Dataset]:
    """A cine at each of four places, numbered anew."""
    return [
        mr(n, (-120, -110, 8 * place), TriggerTime=f"{31.5 * n:g}", SOPInstanceUID=f"1.2.3.{place}.{n}", **changes)
        for place in range(4) for n in range(1, 11)
    ]  # fmt: skip


def beating_so_often() -> list[Dataset]:
    return beating(CardiacNumberOfImages="10")


def localizers(begin: Callable[[int], int] = lambda _: 1) -> list[Dataset]:
    """Five slices in each of three planes, which are numbered from 1 each."""
    return [
        mr(begin(plane) + n, along(plane, 15 * n), ImageOrientationPatient=PLANES[plane], SliceLocation="0",
           SOPInstanceUID=f"1.2.3.{plane}.{n}")
        for plane in range(3) for n in range(5)
    ]  # fmt: skip


def legs() -> list[Dataset]:
    """Three stations of a table, numbered anew."""
    return [
        mr(n, (-120, 3 * n, -4 * station), ImageOrientationPatient=PLANES[1], SliceLocation="0",
           SOPInstanceUID=f"1.2.3.{station}.{n}")
        for station in range(3) for n in range(1, 9)
    ]  # fmt: skip


def most_repeated() -> list[Dataset]:
    return [*head(), *(ct(9 + n, 2.5 * n, AcquisitionNumber="2") for n in range(4, 13))]


def rounded() -> list[Dataset]:
    return [ct(n, round(0.75 * n, 1)) for n in range(1, 21)]


GOOD = [
    head, head_in_two_fields, slices_repeated, report_and_head, both_breasts, creeping, mosaics, pet, reformats,
    breathing, one_after_the_other, beating, beating_so_often, localizers, legs, most_repeated, rounded,
]  # fmt: skip


def audit(node: Scratch) -> SeriesAudit:
    auditor = Auditor(STANDARD, LIMITS, opener(node.folder))
    found = node.ledger.transact(lambda db: auditor.audit(db, SERIES))
    assert found is not None
    return found.audit


def send(node: Scratch, images: Sequence[Dataset], associations: int = 1) -> list[str]:
    """Send images, by turns over some associations, and return the codes that refused."""
    senders = [association() for _ in range(associations)]
    answers = [node.send(encoded(one), senders[n % associations]) for n, one in enumerate(images)]
    return [one.code for answer in answers for one in answer.verdict.findings if one.severity is Severity.REFUSE]


@pytest.mark.parametrize("order", ["forwards", "backwards", "shuffled"])
@pytest.mark.parametrize("made", GOOD)
def test_a_good_series_is_consistent_however_it_comes(
    node: Scratch, made: Callable[[], list[Dataset]], order: str
) -> None:
    images = made()
    sent = {
        "forwards": images, "backwards": images[::-1], "shuffled": random.Random(7).sample(images, len(images)),
    }[order]  # fmt: skip

    refused = send(node, sent, associations=3 if order == "shuffled" else 1)

    found = audit(node)
    assert refused == []
    assert (found.verdict, found.instances) == (SeriesVerdict.CONSISTENT, len(images))
    assert all(one.severity is Severity.INFO for one in found.findings)


@pytest.mark.parametrize("order", [1, -1])
def test_a_reformat_that_is_cut_off_is_refused_whichever_plane_it_is_of(node: Scratch, order: int) -> None:
    images = reformats()
    for one in (images[4], images[12], images[20]):
        one.Rows = 1
        one.PixelData = one.PixelData[: 2 * one.Columns]
    assert send(node, images[::order]) == ["STK-251"] * 3


@pytest.mark.parametrize("order", [1, -1])
def test_a_slice_that_has_the_number_of_another_of_its_volume_is_refused(node: Scratch, order: int) -> None:
    images = one_after_the_other()
    images[3].InstanceNumber = "2"
    assert send(node, images[::order]) == ["NUM-004"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_slice_that_has_the_number_of_one_in_another_plane_is_told(node: Scratch, order: int) -> None:
    images = localizers(lambda plane: 1 + 5 * plane)
    images[-3].InstanceNumber = "2"
    assert send(node, images[::order]) == []
    warned = [one for one in audit(node).findings if one.severity is Severity.WARN]
    assert [(one.code, one.instances) for one in warned] == [("NUM-007", ("1.2.3.0.1", "1.2.3.2.2"))]


def test_a_series_goes_on_where_a_lost_association_ended_and_may_begin_anew(node: Scratch) -> None:
    assert send(node, head()[:7]) == []
    assert set(send(node, head())) == {"DUP-001"}
    assert (audit(node).verdict, audit(node).instances) == (SeriesVerdict.CONSISTENT, 12)


@pytest.mark.parametrize("wrong", [{"PatientID": "P2"}, {"PixelData": bytes(10)}, {"PixelSpacing": ["0.7", "0.7"]}])
def test_a_refused_slice_that_comes_again_as_it_should_leaves_nothing_behind(
    node: Scratch, wrong: dict[str, Any]
) -> None:
    bad = head()
    for keyword, value in wrong.items():
        setattr(bad[5], keyword, value)
    assert len(send(node, bad)) == 1
    assert audit(node).verdict is SeriesVerdict.CONTRADICTORY

    assert send(node, [head()[5]]) == []

    assert (audit(node).verdict, audit(node).instances) == (SeriesVerdict.CONSISTENT, 12)


def test_slices_without_a_frame_of_reference_hide_no_second_one(node: Scratch) -> None:
    images = head()
    images[0].FrameOfReferenceUID = ""
    for one in images[6:]:
        one.FrameOfReferenceUID = "1.2.55"
    assert send(node, images) == ["ENT-204"] * 6


def test_a_slice_without_pixels_of_a_size_hides_no_second_size(node: Scratch) -> None:
    images = head()
    del images[0].PixelSpacing
    images[6].PixelSpacing = ["0.7", "0.7"]
    assert send(node, images) == ["STK-252"]


def test_two_reconstructions_of_one_place_are_stored_and_told(node: Scratch) -> None:
    wide: dict[str, Any] = {"PixelSpacing": ["0.6", "0.6"], "ReconstructionDiameter": "2.4"}
    assert send(node, [*head(), *(ct(20 + n, 2.5 * n, **wide) for n in range(1, 13))]) == []
    assert {one.code for one in audit(node).findings if one.severity is Severity.WARN} == {"SER-313"}


def test_half_of_a_volume_again_is_told(node: Scratch) -> None:
    assert send(node, [*head(), *(ct(12 + n, 2.5 * n) for n in range(1, 7))]) == []
    assert audit(node).verdict is SeriesVerdict.ATTENTION
    assert {one.code for one in audit(node).findings} == {"SER-306"}


def test_slices_that_lost_their_scale_are_told(node: Scratch) -> None:
    images = head()
    for one in images[4:6]:
        del one.RescaleIntercept
    assert send(node, images) == []
    (found,) = audit(node).findings
    assert (found.code, found.instances) == ("SER-312", ("1.2.3.5", "1.2.3.6"))
