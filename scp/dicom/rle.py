"""RLE Lossless (PS3.5 Annex G): one frame from its fragment.

This node has its own decoder because it decodes objects that nobody has checked: its output is limited to the size that
the attributes announce, and no warning or log line shows the data if a frame cannot be decoded.
"""

from struct import unpack_from
from typing import Final

import numpy as np

_HEADER: Final = 64
_MOST_SEGMENTS: Final = 15


def decode_frame(fragment: bytes, pixels: int, samples: int, width: int) -> bytes | None:
    """Return the samples of one frame, little endian and colour by plane; None if it cannot be decoded.

    A frame has Rows x Columns ``pixels``, of so many ``samples`` of ``width`` bytes (Bits Allocated / 8) each.
    """
    count = samples * width
    if len(fragment) < _HEADER or count > _MOST_SEGMENTS:
        return None
    announced, *offsets = unpack_from(f"<{count + 1}I", fragment)
    if announced != count:
        return None
    segments = [
        _unpack(fragment[start:end], pixels) for start, end in zip(offsets, (*offsets[1:], len(fragment)), strict=True)
    ]
    if any(len(segment) < pixels for segment in segments):
        return None
    # The first segment of a sample holds its most significant bytes (PS3.5 §G.2).
    planes = np.frombuffer(b"".join(segments), np.uint8).reshape(samples, width, pixels)
    return planes[:, ::-1, :].transpose(0, 2, 1).tobytes()


def _unpack(segment: bytes, size: int) -> bytes:
    """Expand one segment (PS3.5 §G.3.2), up to ``size`` bytes; fewer if it has fewer."""
    expanded = bytearray()
    position, end = 0, len(segment)
    while position < end and len(expanded) < size:
        header = segment[position]
        if header < 128:
            expanded += segment[position + 1 : position + 2 + header]
            position += 2 + header
        elif header > 128:
            expanded += segment[position + 1 : position + 2] * (257 - header)
            position += 2
        else:
            position += 1
    return bytes(expanded[:size])
