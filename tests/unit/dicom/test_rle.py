"""RLE Lossless: what an encoder wrote comes back, and nothing else costs anything."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.pixels import get_encoder
from pydicom.uid import RLELossless

from scp.dicom.rle import decode_frame


def frame_of(*segments: bytes) -> bytes:
    offsets = [64 + sum(map(len, segments[:number])) for number in range(len(segments))]
    return struct.pack("<16I", len(segments), *offsets, *[0] * (15 - len(segments))) + b"".join(segments)


@given(
    rows=st.integers(1, 8), columns=st.integers(1, 300), samples=st.sampled_from([1, 3]),
    width=st.sampled_from([1, 2]), seed=st.integers(0, 2**32 - 1), runs=st.booleans(),
)  # fmt: skip
def test_a_frame_comes_back_as_it_was(rows: int, columns: int, samples: int, width: int, seed: int, runs: bool) -> None:
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 3 if runs else 2 ** (8 * width), (rows, columns, samples)).astype(f"<u{width}")
    encoded = get_encoder(RLELossless).encode(
        pixels.tobytes(), index=0, encoding_plugin="pydicom", rows=rows, columns=columns, samples_per_pixel=samples,
        number_of_frames=1, bits_allocated=8 * width, bits_stored=8 * width, pixel_representation=0,
        photometric_interpretation="RGB" if samples == 3 else "MONOCHROME2", planar_configuration=0,
    )  # fmt: skip
    planes = decode_frame(encoded, rows * columns, samples, width)
    assert planes == pixels.transpose(2, 0, 1).tobytes()


def test_the_first_segment_has_the_most_significant_bytes() -> None:
    assert decode_frame(frame_of(b"\x01\x01\x02", b"\xff\x03"), 2, 1, 2) == b"\x03\x01\x03\x02"


def test_runs_literals_and_nothing() -> None:
    assert decode_frame(frame_of(b"\x80\x01ab\x80\xfec"), 5, 1, 1) == b"abccc"


def test_what_a_segment_has_too_much_is_left_out() -> None:
    assert decode_frame(frame_of(b"\x81c\x00d"), 4, 1, 1) == b"cccc"


@pytest.mark.parametrize(
    ("fragment", "samples", "width"),
    [
        pytest.param(b"", 1, 1, id="empty"),
        pytest.param(bytes(63), 1, 1, id="no whole header"),
        pytest.param(frame_of(b"\x01ab"), 1, 2, id="too few segments"),
        pytest.param(frame_of(b"\x01ab", b"\x01ab"), 1, 1, id="too many segments"),
        pytest.param(frame_of(b"\x00a"), 1, 1, id="a segment that is too short"),
        pytest.param(frame_of(b"\x05a"), 1, 1, id="a literal that is cut off"),
        pytest.param(frame_of(b"\xff"), 1, 1, id="a run that is cut off"),
        pytest.param(frame_of(b"\x01ab"), 4, 4, id="more segments than a header can name"),
    ],
)
def test_what_does_not_decode_is_none(fragment: bytes, samples: int, width: int) -> None:
    assert decode_frame(fragment, 2, samples, width) is None


@given(
    fragment=st.binary(max_size=200), pixels=st.integers(1, 2**34), samples=st.integers(1, 65535),
    width=st.sampled_from([1, 2, 4, 8]),
)  # fmt: skip
def test_no_bytes_make_it_raise_or_allocate(fragment: bytes, pixels: int, samples: int, width: int) -> None:
    decoded = decode_frame(fragment, pixels, samples, width)
    assert decoded is None or len(decoded) == pixels * samples * width


@given(st.binary(max_size=300), st.integers(1, 15))
def test_segments_may_be_anywhere(tail: bytes, count: int) -> None:
    header = struct.pack("<16I", count, *range(60, 60 + 4 * count, 4), *[0] * (15 - count))
    decoded = decode_frame(header + tail, 3, count, 1)
    assert decoded is None or len(decoded) == 3 * count
