"""Writes an array as PNG, in 8-bit grey or colour (PNG specification, third edition)."""

import struct
import zlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_GREY, _COLOUR = 0, 2


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return the PNG of pixels of shape (rows, columns), or (rows, columns, 3) for red, green and blue."""
    rows, columns = pixels.shape[:2]
    lines: NDArray[Any] = np.ascontiguousarray(pixels).reshape(rows, -1)
    filtered = np.zeros((rows, lines.shape[1] + 1), np.uint8)  # each line begins with its filter: none
    filtered[:, 1:] = lines
    colour = _GREY if pixels.ndim == 2 else _COLOUR
    return (
        _SIGNATURE
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, colour, 0, 0, 0))
        + _chunk(b"IDAT", zlib.compress(filtered.tobytes(), 6))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
