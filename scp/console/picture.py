"""One frame as a small picture: turns its samples into 8-bit grey or colour, as the attributes describe them.

Grey frames are shown with the first window of the object (PS3.3 C.11.2.1.2) or, without one, with the range in which
nearly all samples lie. The pictures are not for diagnosis.
"""

from itertools import islice
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scp.dicom import tags as t
from scp.dicom.element import Elements
from scp.dicom.pages import read_long
from scp.dicom.pixel_source import Source
from scp.dicom.rle import decode_frame
from scp.dicom.values import Malformed, decimal_strings, integer_strings

SIDE: Final = 256
"""Most pixels on the longer side."""
_MOST_PIXELS: Final = 64 * 1024 * 1024
"""Most Rows x Columns of a frame for which a picture is made."""

_PIXEL_ASPECT_RATIO: Final = 0x00280034
_WINDOW_CENTER, _WINDOW_WIDTH = 0x00281050, 0x00281051
_RESCALE_INTERCEPT, _RESCALE_SLOPE = 0x00281052, 0x00281053
_COLOURS: Final = 3
_BITS: Final = 8
_LONGEST: Final = 16.0
"""How many times as long as wide a pixel may be; with more, the attributes are wrong rather than the pixels long."""

Samples = NDArray[Any]


class Frame(NamedTuple):
    """How to read the samples of a frame. ``window`` is center and width, None if the object has none.

    ``aspect`` is the height of a pixel over its width.
    """

    frames: int
    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    is_signed: bool
    is_planar: bool
    photometric: str
    window: tuple[float, float] | None
    slope: float
    intercept: float
    aspect: float

    @property
    def middle(self) -> int:
        """The index of the middle frame, counted from 0: it usually shows most."""
        return self.frames // 2

    @property
    def size(self) -> int:
        """Bytes of an uncompressed frame; only if samples have whole bytes."""
        return self.rows * self.columns * self.samples * self.bits_allocated // _BITS


def source_of(data: memoryview | bytes, elements: Elements, transfer_syntax: str, *, little: bool) -> Source | None:
    """Return the Pixel Data with the attributes that describe them; None if there are none."""
    span = elements.get(t.PIXEL_DATA)
    return Source(data, elements, little, transfer_syntax) if span and span.items is None else None


def frame_of(source: Source) -> Frame | None:
    """Return the description of a frame; None if no picture can be made of it."""
    counts = integer_strings(source.raw(t.NUMBER_OF_FRAMES))
    frame = Frame(
        frames=counts[0] if counts and not isinstance(counts, Malformed) else 1,
        rows=source.number(t.ROWS),
        columns=source.number(t.COLUMNS),
        samples=source.number(t.SAMPLES_PER_PIXEL) or 1,
        bits_allocated=source.number(t.BITS_ALLOCATED),
        bits_stored=source.number(t.BITS_STORED) or source.number(t.BITS_ALLOCATED),
        is_signed=source.number(t.PIXEL_REPRESENTATION) == 1,
        is_planar=source.number(t.PLANAR_CONFIGURATION) == 1,
        photometric=source.text(t.PHOTOMETRIC_INTERPRETATION),
        window=_window(source),
        slope=_decimal(source, _RESCALE_SLOPE, 1.0) or 1.0,
        intercept=_decimal(source, _RESCALE_INTERCEPT, 0.0),
        aspect=_aspect(source),
    )
    is_picture = (
        min(frame.frames, frame.rows, frame.columns) > 0
        and frame.rows * frame.columns <= _MOST_PIXELS
        and frame.samples in (1, _COLOURS)
        and frame.bits_allocated in (1, 8, 16, 32)
    )
    return frame if is_picture else None


def native_samples(source: Source, frame: Frame) -> Samples | None:
    """Return the samples of the middle frame of uncompressed Pixel Data; None if they are incomplete.

    Of a large frame, only those samples are read and returned that :func:`picture` shows.
    """
    pixels, step = frame.rows * frame.columns, _step(frame.rows, frame.columns)
    span, lines = source.span, range(0, frame.rows, step)
    if frame.bits_allocated == 1:
        first = frame.middle * pixels  # frames follow each other without padding (PS3.5 §8.1.1)
        if first + pixels > span.length * _BITS:
            return None
        return np.stack([_bits(source, first + line * frame.columns, frame.columns)[::step] for line in lines])
    size = frame.size
    first = frame.middle * size
    if first + size > span.length:
        return None
    planes = frame.samples if frame.is_planar else 1
    length = size // planes // frame.rows
    starts = (first + (plane * frame.rows + line) * length for plane in range(planes) for line in lines)
    raw = b"".join(read_long(source.data, span.offset + start, length) for start in starts)
    samples = np.frombuffer(raw, _type(frame, little=source.little))
    return _shaped(samples, frame._replace(rows=len(lines)), planar=frame.is_planar)[:, ::step]


def _bits(source: Source, first: int, number: int) -> Samples:
    """Return a ``number`` of bits of Pixel Data, from the ``first`` one on, each as one sample."""
    start, end = first // _BITS, -(-(first + number) // _BITS)
    raw = np.frombuffer(read_long(source.data, source.span.offset + start, end - start), np.uint8)
    return np.unpackbits(raw, bitorder="little")[first - start * _BITS :][:number]


def rle_samples(source: Source, frame: Frame) -> Samples | None:
    """Return the samples of the middle frame of RLE Lossless; None if it cannot be decoded."""
    if source.span.fragments != frame.frames + 1 or frame.bits_allocated == 1:
        return None
    encoded = source.joined(islice(source.fragments(), frame.middle + 1, frame.middle + 2))
    planes = decode_frame(encoded, frame.rows * frame.columns, frame.samples, frame.bits_allocated // _BITS)
    return None if planes is None else _shaped(np.frombuffer(planes, _type(frame)), frame, planar=True)


def picture(samples: Samples, frame: Frame) -> NDArray[np.uint8]:
    """Return a picture of at most :data:`SIDE` pixels on a side, of shape (rows, columns) or (rows, columns, 3).

    Its own pixels are square: where those of the frame are not, its rows or columns are repeated.
    """
    step = _step(*samples.shape[:2])
    small = _square(samples[::step, ::step], frame.aspect)
    if small.ndim == 2:
        return _grey(small, frame)
    depth = max(frame.bits_stored - _BITS, 0)
    colours = (small >> depth).astype(np.uint8)
    return _from_ybr(colours) if frame.photometric.startswith("YBR_FULL") else colours


def _square(samples: Samples, aspect: float) -> Samples:
    if aspect == 1:
        return samples
    rows, columns = samples.shape[:2]
    height, width = rows * max(aspect, 1), columns * max(1 / aspect, 1)
    shrunk = min(1, SIDE / max(height, width))
    lines, places = (
        np.arange(shown) * number // shown
        for number, shown in ((rows, max(1, round(height * shrunk))), (columns, max(1, round(width * shrunk))))
    )
    square: Samples = samples[lines[:, None], places]
    return square


def _step(rows: int, columns: int) -> int:
    """Return n such that every n-th row and column is shown."""
    return max(1, -(-max(rows, columns) // SIDE))


def _grey(samples: Samples, frame: Frame) -> NDArray[np.uint8]:
    values = samples.astype(np.float32) * np.float32(frame.slope) + np.float32(frame.intercept)
    if frame.window and frame.photometric != "PALETTE COLOR":
        center, width = frame.window
        low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    else:
        low, high = (float(value) for value in np.percentile(values, (0.5, 99.5)))
        if high <= low:
            low, high = float(values.min()), float(values.max())
    scaled = np.clip((values - low) / max(high - low, 1e-6), 0.0, 1.0)
    if frame.photometric == "MONOCHROME1":
        scaled = 1.0 - scaled
    shown: NDArray[np.uint8] = np.rint(scaled * 255).astype(np.uint8)
    return shown


def _from_ybr(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Turn YBR_FULL into RGB (PS3.3 C.7.6.3.1.2)."""
    y, b, r = (colours[..., index].astype(np.float32) for index in range(_COLOURS))
    b, r = b - 128, r - 128
    rgb = np.stack((y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b), axis=-1)
    shown: NDArray[np.uint8] = np.clip(np.rint(rgb), 0, 255).astype(np.uint8)
    return shown


def _shaped(samples: Samples, frame: Frame, *, planar: bool) -> Samples:
    if frame.samples == 1:
        return samples.reshape(frame.rows, frame.columns)
    if planar:
        return samples.reshape(frame.samples, frame.rows, frame.columns).transpose(1, 2, 0)
    return samples.reshape(frame.rows, frame.columns, frame.samples)


def _type(frame: Frame, *, little: bool = True) -> str:
    return f"{'<' if little else '>'}{'i' if frame.is_signed else 'u'}{frame.bits_allocated // _BITS}"


def _decimal(source: Source, tag: int, default: float) -> float:
    values = decimal_strings(source.raw(tag))
    return values[0] if values and not isinstance(values, Malformed) else default


def _aspect(source: Source) -> float:
    """Return the height of a pixel over its width: the distance of rows over that of columns (PS3.3 §10.7.1.3)."""
    for tag in (t.PIXEL_SPACING, t.IMAGER_PIXEL_SPACING, _PIXEL_ASPECT_RATIO):
        values = decimal_strings(source.raw(tag))
        if values and not isinstance(values, Malformed):
            aspect = values[0] / values[1] if len(values) == 2 and min(values) > 0 else 1.0
            return aspect if 1 / _LONGEST <= aspect <= _LONGEST else 1.0
    return 1.0


def _window(source: Source) -> tuple[float, float] | None:
    width = _decimal(source, _WINDOW_WIDTH, 0.0)
    return (_decimal(source, _WINDOW_CENTER, 0.0), width) if width >= 1 else None
