"""Thumbnails: what is uncompressed or RLE becomes a small picture, whatever its bits, colours and byte order."""

import resource
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders import RLELosslessEncoder
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, JPEG2000Lossless, RLELossless

from scp.console import decode
from scp.console.picture import SIDE, frame_of, native_samples, picture, rle_samples, source_of
from scp.console.png import png
from scp.console.thumbnails import NoPicture, Thumbnails
from scp.dicom.pages import read_long
from scp.dicom.pixel_source import Source
from scp.dicom.read import scan_of
from scp.dicom.syntax import EXPLICIT_LITTLE, encoding_of
from scp.dicom.walk import Limits
from scp.store.store import Store
from tests.rules.builders import encoded, image
from tests.wire.objects import instance_of, write_file

LIMITED = (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)


def source(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> Source:
    data, scan = scan_of(encoded(ds, syntax), syntax, Limits())
    encoding = encoding_of(syntax) or EXPLICIT_LITTLE
    found = source_of(data, scan.elements, syntax, little=encoding.little)
    assert found
    return found


def shown(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> NDArray[np.uint8]:
    one = source(ds, syntax)
    frame = frame_of(one)
    assert frame
    samples = native_samples(one, frame)
    assert samples is not None
    return picture(samples, frame)


def grey(values: list[int], kind: str = "<u2", **changes: Any) -> Dataset:
    side = int(len(values) ** 0.5)
    return image(Rows=side, Columns=side, PixelData=np.array(values, kind).tobytes(), **changes)


def test_a_window_maps_samples_to_grey() -> None:
    ds = grey([0, 100, 200, 4000], WindowCenter="100.5", WindowWidth="201")
    assert shown(ds).tolist() == [[0, 128], [255, 255]]


@pytest.mark.parametrize(
    ("attributes", "shape"),
    [
        ({"PixelSpacing": ["1", "1"]}, (2, 2)),
        ({"PixelSpacing": ["5", "1"]}, (10, 2)),
        ({"PixelSpacing": ["0.5", "1.5"]}, (2, 6)),
        ({"PixelSpacing": None, "ImagerPixelSpacing": ["2", "1"], "PixelAspectRatio": ["1", "2"]}, (4, 2)),
        ({"PixelSpacing": None, "PixelAspectRatio": ["1", "2"]}, (2, 4)),
        ({"PixelSpacing": None}, (2, 2)),
        ({"PixelSpacing": ["1", "0"]}, (2, 2)),
        ({"PixelSpacing": ["1", "1000"]}, (2, 2)),
        ({"PixelSpacing": ["1"]}, (2, 2)),
    ],
)
def test_pixels_that_are_not_square_are_shown_as_long_as_they_are(
    attributes: dict[str, Any], shape: tuple[int, int]
) -> None:
    made = shown(grey([0, 50, 150, 200], WindowCenter="100.5", WindowWidth="201", **attributes))
    assert made.shape == shape
    rows, columns = shape
    assert np.array_equal(made, np.repeat(np.repeat([[0, 64], [191, 255]], rows // 2, 0), columns // 2, 1))


def test_a_picture_of_long_pixels_is_no_larger_than_others() -> None:
    ds = image(Rows=40, Columns=200, PixelSpacing=["10", "1"], PixelData=bytes(16_000))
    assert shown(ds).shape == (SIDE, 128)


def test_rescaling_comes_before_the_window() -> None:
    ds = grey([0, 100, 200, 300], WindowCenter="0.5", WindowWidth="201", RescaleSlope="1", RescaleIntercept="-100")
    assert shown(ds).tolist() == [[0, 128], [255, 255]]


def test_without_a_window_nearly_all_samples_fit() -> None:
    assert shown(grey([0, 50, 100, 100])).tolist()[0][0] == 0
    assert shown(grey([7, 7, 7, 7])).tolist() == [[0, 0], [0, 0]]


def test_negative_samples_are_dark() -> None:
    ds = grey([-100, 0, 100, 100], "<i2", PixelRepresentation=1, WindowCenter="0.5", WindowWidth="201")
    assert shown(ds).tolist() == [[0, 128], [255, 255]]


def test_monochrome_1_is_turned_round() -> None:
    ds = grey([0, 100, 200, 200], PhotometricInterpretation="MONOCHROME1", WindowCenter="100.5", WindowWidth="201")
    assert shown(ds).tolist() == [[255, 128], [0, 0]]


def test_big_endian_looks_the_same() -> None:
    ds = grey([0, 100, 200, 200], ">u2", WindowCenter="100.5", WindowWidth="201")
    assert shown(ds, ExplicitVRBigEndian).tolist() == [[0, 128], [255, 255]]


def test_a_large_image_becomes_small() -> None:
    made = shown(image(Rows=1000, Columns=600, PixelData=bytes(1000 * 600 * 2)))
    assert max(made.shape) <= SIDE
    assert made.shape == (250, 150)


@pytest.mark.parametrize(
    ("samples", "planar", "bits"), [(1, 0, 1), (1, 0, 16), (1, 1, 8), (3, 0, 8), (3, 1, 8), (3, 1, 16)]
)
def test_of_a_large_image_only_what_is_shown_is_read(
    monkeypatch: pytest.MonkeyPatch, samples: int, planar: int, bits: int
) -> None:
    shape = (1023, 530, samples) if planar == 0 else (samples, 1023, 530)
    whole = np.random.default_rng(1).integers(0, 2**bits, shape, f"u{max(bits // 8, 1)}")
    raw = np.packbits(whole, bitorder="little").tobytes() if bits == 1 else whole.tobytes()
    one = source(
        image(
            Rows=1023, Columns=530, SamplesPerPixel=samples, PlanarConfiguration=planar, BitsAllocated=bits,
            BitsStored=bits, HighBit=bits - 1, PixelData=raw + bytes(len(raw) % 2),
        )
    )  # fmt: skip
    frame = frame_of(one)
    assert frame
    pieces: list[bytes] = []

    def noted(*where: Any) -> bytes:
        pieces.append(read_long(*where))
        return pieces[-1]

    monkeypatch.setattr("scp.console.picture.read_long", noted)
    found = native_samples(one, frame)
    assert found is not None
    wanted = whole if planar == 0 else whole.transpose(1, 2, 0)
    assert np.array_equal(found.reshape(256, 133, samples), wanted[::4, ::4])
    assert sum(map(len, pieces)) < len(raw) / 3


def test_the_frame_in_the_middle_is_shown() -> None:
    frames = np.repeat(np.array([0, 100, 200], "<u2"), 4).tobytes()
    ds = image(Rows=2, Columns=2, NumberOfFrames="3", PixelData=frames, WindowCenter="100.5", WindowWidth="201")
    assert shown(ds).tolist() == [[128, 128], [128, 128]]


def test_single_bits() -> None:
    ds = image(
        Rows=3, Columns=3, NumberOfFrames="2", BitsAllocated=1, BitsStored=1, HighBit=0,
        PixelData=bytes([0b0000_0000, 0b0010_1010, 0b0000_0001, 0]),
    )  # fmt: skip
    # The second frame begins at bit 9.
    assert shown(ds).tolist() == [[255, 0, 255], [0, 255, 0], [0, 255, 0]]


@pytest.mark.parametrize(
    ("planar", "data"), [(0, [255, 0, 0, 0, 255, 0] * 2), (1, [255, 0, 255, 0, 0, 255, 0, 255, 0, 0, 0, 0])]
)
def test_colours_by_pixel_and_by_plane(planar: int, data: list[int]) -> None:
    ds = image(
        Rows=2, Columns=2, SamplesPerPixel=3, PlanarConfiguration=planar, PhotometricInterpretation="RGB",
        BitsAllocated=8, BitsStored=8, HighBit=7, PixelData=bytes(data),
    )  # fmt: skip
    assert shown(ds).tolist() == [[[255, 0, 0], [0, 255, 0]], [[255, 0, 0], [0, 255, 0]]]


def test_ybr_becomes_rgb() -> None:
    ds = image(
        Rows=1, Columns=2, SamplesPerPixel=3, PlanarConfiguration=0, PhotometricInterpretation="YBR_FULL",
        BitsAllocated=8, BitsStored=8, HighBit=7, PixelData=bytes([76, 85, 255, 255, 128, 128]),
    )  # fmt: skip
    red, white = shown(ds).tolist()[0]
    assert white == [255, 255, 255]
    assert red[0] > 250
    assert max(red[1:]) < 5


def test_run_lengths() -> None:
    samples = np.array([[0, 100], [200, 200]], "<u2")
    ds = image(Rows=2, Columns=2, WindowCenter="100.5", WindowWidth="201")
    description: dict[str, Any] = {
        "rows": 2, "columns": 2, "samples_per_pixel": 1, "bits_allocated": 16, "bits_stored": 16, "number_of_frames": 1,
        "pixel_representation": 0, "photometric_interpretation": "MONOCHROME2",
    }  # fmt: skip
    ds.PixelData = encapsulate([RLELosslessEncoder.encode(samples, **description)])
    ds["PixelData"].is_undefined_length = True
    ds["PixelData"].VR = "OB"
    one = source(ds, RLELossless)
    frame = frame_of(one)
    assert frame
    decoded = rle_samples(one, frame)
    assert decoded is not None
    assert picture(decoded, frame).tolist() == [[0, 128], [255, 255]]
    assert rle_samples(one, frame._replace(frames=2)) is None
    assert rle_samples(one, frame._replace(bits_allocated=8)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"Rows": 0},
        {"SamplesPerPixel": 2},
        {"BitsAllocated": 12},
        {"Rows": 65535, "Columns": 65535},
        {"NumberOfFrames": "0"},
    ],
)
def test_what_is_no_picture_is_said_to_be_none(changes: dict[str, Any]) -> None:
    assert frame_of(source(image(**changes))) is None


@pytest.mark.parametrize(
    "changes", [{"Rows": 5}, {"NumberOfFrames": "3"}, {"BitsAllocated": 1, "Rows": 64, "Columns": 64}]
)
def test_pixels_that_are_not_all_there_make_none(changes: dict[str, Any]) -> None:
    one = source(image(**changes))
    frame = frame_of(one)
    assert frame
    assert native_samples(one, frame) is None


def test_a_png_is_what_the_standard_says() -> None:
    made = png(np.array([[0, 255], [7, 8]], np.uint8))
    assert made[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">IIBBBBB", made[16:29]) == (2, 2, 8, 0, 0, 0, 0)
    body = made.index(b"IDAT")
    length = struct.unpack(">I", made[body - 4 : body])[0]
    assert zlib.decompress(made[body + 4 : body + 4 + length]) == bytes([0, 0, 255, 0, 7, 8])
    assert (
        zlib.crc32(made[body : body + 4 + length])
        == struct.unpack(">I", made[body + 4 + length : body + 8 + length])[0]
    )
    colour = png(np.zeros((2, 3, 3), np.uint8))
    assert struct.unpack(">IIBB", colour[16:26]) == (3, 2, 8, 2)


# Thumbnails of files


@pytest.fixture
def thumbnails(tmp_path: Path) -> Thumbnails:
    return Thumbnails(Store(tmp_path / "data"), Limits(), seconds=300)  # to start a process takes some


def put(tmp_path: Path, ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> str:
    folder = tmp_path / "data" / "archive"
    return f"archive/{write_file(folder, instance_of(ds, syntax)).name}"


def test_a_stored_image_has_a_thumbnail_which_is_remembered(thumbnails: Thumbnails, tmp_path: Path) -> None:
    path = put(tmp_path, image())
    first = thumbnails.png(1, path)
    assert first.startswith(b"\x89PNG")
    (tmp_path / "data" / path).unlink()
    assert thumbnails.png(1, path) is first
    with pytest.raises(NoPicture, match="cannot be read"):
        thumbnails.png(2, path)


@pytest.mark.parametrize(
    ("changes", "why"),
    [({"PixelData": None}, "no pixels"), ({"Rows": 0}, "no picture"), ({"Rows": 5}, "incomplete")],
)
def test_what_has_no_picture_says_why(
    thumbnails: Thumbnails, tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    with pytest.raises(NoPicture, match=why):
        thumbnails.png(1, put(tmp_path, image(**changes)))


def test_a_codestream_without_a_decoder_or_that_is_none_costs_only_its_own_picture(
    thumbnails: Thumbnails, tmp_path: Path
) -> None:
    ds = image()
    ds.PixelData = encapsulate([b"no codestream at all"])
    ds["PixelData"].is_undefined_length = True
    ds["PixelData"].VR = "OB"
    with pytest.raises(NoPicture, match=r"no decoder|cannot be decoded"):
        thumbnails.png(1, put(tmp_path, ds, JPEG2000Lossless))


def run_length(**changes: Any) -> Dataset:
    """An image in run lengths, which pydicom decodes without plug-ins."""
    ds = image(Rows=2, Columns=2, WindowCenter="100.5", WindowWidth="201", **changes)
    samples = np.array([[0, 100], [200, 200]], "<u2")
    description: dict[str, Any] = {
        "rows": 2, "columns": 2, "samples_per_pixel": 1, "bits_allocated": 16, "bits_stored": 16, "number_of_frames": 1,
        "pixel_representation": 0, "photometric_interpretation": "MONOCHROME2",
    }  # fmt: skip
    ds.PixelData = encapsulate([RLELosslessEncoder.encode(samples, **description)])
    ds["PixelData"].is_undefined_length = True
    ds["PixelData"].VR = "OB"
    return ds


def test_another_process_decodes_the_same(
    thumbnails: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, run_length(), RLELossless)
    here = thumbnails.png(1, path)
    monkeypatch.setattr("scp.console.thumbnails._here", lambda _: None)
    assert thumbnails.png(2, path) == here


def test_large_frames_in_run_lengths_are_decoded_by_another_process(
    thumbnails: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("scp.console.thumbnails._MOST_DECODED", 7)
    monkeypatch.setattr("scp.console.thumbnails.rle_samples", fail)
    assert thumbnails.png(1, put(tmp_path, run_length(), RLELossless)).startswith(b"\x89PNG")


@pytest.mark.parametrize("broken", ["nothing", "no picture", "no pixels"])
def test_another_process_that_fails_says_nothing(
    thumbnails: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setattr("scp.console.thumbnails._here", lambda _: None)
    ds = run_length()
    if broken == "no picture":
        ds.Rows = 0
    path = put(tmp_path, ds, RLELossless)
    if broken == "nothing":
        (tmp_path / "data" / path).write_bytes((tmp_path / "data" / path).read_bytes()[:-60])
    if broken == "no pixels":
        monkeypatch.setattr("scp.console.thumbnails._MOST_BYTES", 1)
    with pytest.raises(NoPicture, match="cannot be decoded"):
        thumbnails.png(1, path)


def test_another_process_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    thumbnails = Thumbnails(Store(tmp_path / "data"), Limits(), seconds=0.01)
    monkeypatch.setattr("scp.console.thumbnails._here", lambda _: None)
    with pytest.raises(NoPicture, match="cannot be decoded"):
        thumbnails.png(1, put(tmp_path, run_length(), RLELossless))


def test_few_thumbnails_are_made_at_a_time_and_few_are_kept(
    thumbnails: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(tmp_path, image())
    monkeypatch.setattr("scp.console.thumbnails._WAIT", 0.01)
    with thumbnails._turns, pytest.raises(NoPicture, match="being made"):
        thumbnails.png(1, path)
    monkeypatch.setattr("scp.console.thumbnails._MOST_KEPT", 1)
    first = thumbnails.png(1, path)
    second = thumbnails.png(2, path)
    assert thumbnails.png(2, path) is second
    assert thumbnails.png(1, path) is not first


def test_an_image_that_takes_too_much_memory_has_no_picture(
    thumbnails: Thumbnails, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("scp.console.thumbnails._here", fail)
    with pytest.raises(NoPicture, match="too large"):
        thumbnails.png(1, put(tmp_path, image()))


def test_the_decoder_is_a_program_of_its_own(tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    path = tmp_path / "data"
    path.mkdir()
    file = write_file(path, instance_of(run_length(), RLELossless))
    before = {kind: resource.getrlimit(kind) for kind in LIMITED}
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(resource, "setrlimit", lambda *_: None)
        decode.main(file)
        assert capfdbinary.readouterr().out.startswith(b"\x89PNG")
        for content in (b"", b"no DICOM"):
            file.write_bytes(content)
            with pytest.raises(SystemExit):
                decode.main(file)
        file = write_file(path, instance_of(image(Rows=0)))
        with pytest.raises(SystemExit):
            decode.main(file)
    assert before == {kind: resource.getrlimit(kind) for kind in LIMITED}
    assert (decode._decoded("YBR_FULL_422"), decode._decoded("MONOCHROME1")) == ("RGB", "MONOCHROME1")
