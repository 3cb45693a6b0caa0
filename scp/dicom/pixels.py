"""Whether the pixel data of two copies are the same image, whatever compressed them.

======================================= ============================ =========================================
Copies                                  Compared                     Answer
======================================= ============================ =========================================
encoded alike, and the bytes are equal  byte by byte                 EQUAL
either lossily compressed               –                            LOSSY
both uncompressed, of one length and    byte by byte                 DIFFERENT
with the same planes
described by other numbers              Rows, Columns, Bits          DIFFERENT
                                        Allocated, frames, samples
all else                                frame by frame, decoded      EQUAL, DIFFERENT, or UNREADABLE if either
                                                                     cannot be decoded
======================================= ============================ =========================================

Uncompressed and RLE frames are decoded here, those of the JPEG family by the decoders of pydicom, where plug-ins for
them are installed. Offset tables never count.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom import uid
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder

from scp.dicom import tags as t
from scp.dicom.difference import Pixels
from scp.dicom.pages import read_long
from scp.dicom.pixel_source import Place, Source
from scp.dicom.rle import decode_frame
from scp.dicom.values import Malformed, integer_strings

LOSSY: Final = frozenset(
    {
        uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLSNearLossless, uid.JPEG2000, uid.JPEG2000MC,
        uid.HTJ2K, uid.MPEG2MPML, uid.MPEG2MPMLF, uid.MPEG2MPHL, uid.MPEG2MPHLF, uid.MPEG4HP41, uid.MPEG4HP41F,
        uid.MPEG4HP41BD, uid.MPEG4HP41BDF, uid.MPEG4HP422D, uid.MPEG4HP422DF, uid.MPEG4HP423D, uid.MPEG4HP423DF,
        uid.MPEG4HP42STEREO, uid.MPEG4HP42STEREOF, uid.HEVCMP51, uid.HEVCM10P51,
        "1.2.840.10008.1.2.4.112",  # JPEG XL
    }
)  # fmt: skip
"""Transfer Syntaxes that may be lossy; MPEG and the like always are."""

_BY_PLUGIN: Final = frozenset(
    {
        uid.JPEGLossless, uid.JPEGLosslessSV1, uid.JPEGLSLossless, uid.JPEG2000Lossless, uid.HTJ2KLossless,
        uid.HTJ2KLosslessRPCL,
    }
)  # fmt: skip
_COLOUR_BY_PLUGIN: Final = frozenset({uid.JPEG2000Lossless, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL})
"""With the others, pydicom guesses the colour space from the codestream, and its warnings show what it read there."""

_DERIVATION_DESCRIPTION: Final = 0x00082111
_REWORDED: Final = frozenset({t.PLANAR_CONFIGURATION, _DERIVATION_DESCRIPTION})
_REVERSIBLE: Final = {"RGB", "YBR_RCT"}
_MOST_DECODED: Final = 256 * 1024 * 1024
"""Frames that have more bytes than this, all together, are not decoded."""
_WIDTHS: Final = frozenset({1, 2, 4, 8})


class Likeness(NamedTuple):
    """How the pixels compare, and which attributes may differ because they describe the same image in another way."""

    pixels: Pixels
    reworded: frozenset[int] = frozenset()


class _Shape(NamedTuple):
    """The size of an image; ``width`` is that of one sample in bytes."""

    frames: int
    rows: int
    columns: int
    samples: int
    width: int

    @property
    def frame_bytes(self) -> int:
        return self.rows * self.columns * self.samples * self.width


def compare_pixels(first: Source, second: Source) -> Likeness:
    """Compare the Pixel Data (7FE0,0010) of two Data Sets, or of two Items, by the table of this module.

    In big endian, OW consists of 16-bit words (PS3.5 §8.1.1), even for samples of 8 bits. Some writers swap all bytes
    of larger samples instead, so these are compared both ways.
    """
    likeness = _compare(first, second)
    width = first.number(t.BITS_ALLOCATED) // 8
    if likeness.pixels is Pixels.DIFFERENT and not (first.little and second.little) and width in (4, 8):
        return _compare(first._replace(word=width), second._replace(word=width))
    return likeness


def _compare(first: Source, second: Source) -> Likeness:
    encapsulated = [source.span.fragments is not None for source in (first, second)]
    if not any(encapsulated):
        if first.same_samples(second):
            return Likeness(Pixels.EQUAL)
        if first.size == second.size and first.number(t.PLANAR_CONFIGURATION) == second.number(t.PLANAR_CONFIGURATION):
            return Likeness(Pixels.DIFFERENT)
    elif all(encapsulated) and first.transfer_syntax == second.transfer_syntax and first.same_codestreams(second):
        return Likeness(Pixels.EQUAL)
    if any(
        source.transfer_syntax in LOSSY
        for source, compressed in zip((first, second), encapsulated, strict=True)
        if compressed
    ):
        return Likeness(Pixels.LOSSY)
    pixels = _compare_frames(first, second)
    return Likeness(pixels, _reworded(first, second) if pixels is Pixels.EQUAL else frozenset())


def _reworded(first: Source, second: Source) -> frozenset[int]:
    """Return what compression may change: it may reorder planes, describe itself, and transform RGB reversibly.

    The last is JPEG 2000 (PS3.5 §8.2.4).
    """
    colours = {source.text(t.PHOTOMETRIC_INTERPRETATION) for source in (first, second)}
    return _REWORDED | {t.PHOTOMETRIC_INTERPRETATION} if colours == _REVERSIBLE else _REWORDED


def _compare_frames(first: Source, second: Source) -> Pixels:
    shape, other = _shape(first), _shape(second)
    if shape is None or other is None or shape.frames * shape.frame_bytes > _MOST_DECODED:
        return Pixels.UNREADABLE
    if max(first.span.length, second.span.length) > _MOST_DECODED:  # far more than frames of this size can need
        return Pixels.UNREADABLE
    if shape != other:
        return Pixels.DIFFERENT
    mask = _mask(shape, (first, second))
    frames = (chain(_frames(source, shape, mask), repeat(None)) for source in (first, second))
    for one, another in islice(zip(*frames, strict=True), shape.frames):
        if one is None or another is None:
            return Pixels.UNREADABLE
        if one != another:
            return Pixels.DIFFERENT
    return Pixels.EQUAL


def _shape(source: Source) -> _Shape | None:
    """Return the size that the attributes give; None if they give none, or samples that are not whole bytes."""
    counts = integer_strings(source.raw(t.NUMBER_OF_FRAMES))
    if isinstance(counts, Malformed):
        return None
    frames = counts[0] if counts else 1
    width, odd_bits = divmod(source.number(t.BITS_ALLOCATED), 8)
    samples = source.number(t.SAMPLES_PER_PIXEL) or 1
    shape = _Shape(frames, source.number(t.ROWS), source.number(t.COLUMNS), samples, width)
    return None if odd_bits or width not in _WIDTHS or min(shape) < 1 else shape


def _mask(shape: _Shape, sources: Sequence[Source]) -> int | None:
    """Return which bits of a sample count, None for all: codestreams of the JPEG family hold only Bits Stored."""
    if not any(source.transfer_syntax in _BY_PLUGIN for source in sources):
        return None
    stored = min(source.number(t.BITS_STORED) or 8 * shape.width for source in sources)
    return (1 << min(stored, 8 * shape.width)) - 1


def _frames(source: Source, shape: _Shape, mask: int | None) -> Iterator[bytes | None]:
    """Yield frames, little endian and colour by pixel; None for a broken one. Stop if they cannot be separated."""
    decoded = _native_frames(source, shape) if source.span.fragments is None else _decoded_frames(source, shape)
    for frame in decoded:
        if frame is None or mask is None:
            yield frame
        else:
            yield (np.frombuffer(frame, f"<u{shape.width}") & mask).tobytes()


def _native_frames(source: Source, shape: _Shape) -> Iterator[bytes | None]:
    size, planar = shape.frame_bytes, source.number(t.PLANAR_CONFIGURATION) == 1
    if source.size // size != shape.frames:  # more than a frame's worth after the last one would not be padding
        yield None
    else:
        frames = (source.native(start, start + size) for start in range(0, shape.frames * size, size))
        yield from (_by_pixel(frame, shape) if planar else frame for frame in frames)


def _decoded_frames(source: Source, shape: _Shape) -> Iterator[bytes | None]:
    for encoded in _encoded_frames(source, shape.frames):
        if source.transfer_syntax == uid.RLELossless:
            planes = decode_frame(encoded, shape.rows * shape.columns, shape.samples, shape.width)
            yield _by_pixel(planes, shape) if planes else None
        else:
            yield _decode_by_plugin(encoded, source, shape)


def _encoded_frames(source: Source, frames: int) -> Iterator[bytes]:
    """Yield the codestream of each frame; none if they cannot be separated.

    A single frame has all fragments; else each frame has one, or those that the Basic Offset Table gives it.
    """
    places = source.fragments()
    offset, length = next(places, (0, 0))
    count = (source.span.fragments or 1) - 1
    if frames == 1:
        yield source.joined(places)
    elif count == frames:
        yield from (source.joined([place]) for place in places)
    elif length == 4 * frames and count > frames:
        yield from map(source.joined, _by_offset(places, np.frombuffer(read_long(source.data, offset, length), "<u4")))


def _by_offset(places: Iterable[Place], starts: NDArray[np.uint32]) -> Iterator[list[Place]]:
    """Yield the fragments of each frame; frames begin at the offsets ``starts`` (PS3.5 §A.4)."""
    position, frame, gathered = 0, 0, list[Place]()
    for place in places:
        while frame + 1 < len(starts) and position >= starts[frame + 1]:
            yield gathered
            frame, gathered = frame + 1, []
        if position >= starts[0]:
            gathered.append(place)
        position += 8 + place[1]
    yield gathered


def _decode_by_plugin(encoded: bytes, source: Source, shape: _Shape) -> bytes | None:
    """Decode a frame of the JPEG family; None if there is no plug-in for it, or it fails."""
    syntax = source.transfer_syntax
    if syntax not in _BY_PLUGIN or (shape.samples > 1 and syntax not in _COLOUR_BY_PLUGIN):
        return None
    decoder = get_decoder(syntax)
    if not decoder.is_available:
        return None
    description: dict[str, Any] = {
        "number_of_frames": 1,
        "rows": shape.rows,
        "columns": shape.columns,
        "samples_per_pixel": shape.samples,
        "bits_allocated": 8 * shape.width,
        "bits_stored": source.number(t.BITS_STORED),
        "pixel_representation": source.number(t.PIXEL_REPRESENTATION),
        "photometric_interpretation": source.text(t.PHOTOMETRIC_INTERPRETATION),
        "planar_configuration": 0,
        "pixel_keyword": "PixelData",
    }
    try:
        samples, _ = decoder.as_array(encapsulate([encoded]), index=0, raw=True, **description)
    except Exception:  # noqa: BLE001 - plug-ins raise anything; what they cannot read is an answer
        return None
    return samples.astype(f"<u{shape.width}").tobytes()


def _by_pixel(frame: bytes, shape: _Shape) -> bytes:
    """Return a colour-by-plane frame as colour by pixel (PS3.3 C.7.6.3.1.3)."""
    if shape.samples == 1:
        return frame
    planes = np.frombuffer(frame, f"<u{shape.width}").reshape(shape.samples, -1)
    return planes.T.tobytes()
