"""Series made on the spot."""

from pathlib import Path

from pydicom import dcmread

from benchmark.series import Series


def test_a_series_is_clean_and_every_instance_is_another(tmp_path: Path) -> None:
    files = Series("MR", 8).write(tmp_path, range(1, 4))

    images = [dcmread(file) for file in files]
    assert len({image.SOPInstanceUID for image in images}) == 3
    assert len({image.SeriesInstanceUID for image in images}) == 1
    assert [image.InstanceNumber for image in images] == [1, 2, 3]
    assert all(len(image.PixelData) == 8 * 8 * 2 for image in images)


def test_sop_instance_uids_are_counted_unless_they_are_random(tmp_path: Path) -> None:
    counted = Series("MR", 8)
    assert [counted.slice(number).SOPInstanceUID for number in (1, 20_000)] == [
        f"{counted.stem}.1", f"{counted.stem}.20000",
    ]  # fmt: skip
    assert all(counted.slice(number).SOPInstanceUID.is_valid for number in (1, 20_000))
    assert Series("MR", 8).stem != counted.stem

    random = Series("MR", 8, random_uids=True)
    assert random.slice(1).SOPInstanceUID != random.slice(1).SOPInstanceUID


def test_a_large_image_takes_no_room_until_it_is_received(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    Series("CT", 4096).write_sparse(path, 1)

    assert path.stat().st_size > 2 * 4096**2
    assert path.stat().st_blocks * 512 < 100_000
    assert len(dcmread(path).PixelData) == 2 * 4096**2
