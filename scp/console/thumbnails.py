"""Thumbnails of stored images.

Uncompressed and RLE frames are decoded here with numpy, which is safe because every length is checked. The decoders of
the JPEG family are written in C, and get what a peer sent: so they run in a process of their own, within limits on time
and memory, and an image that crashes its decoder harms nothing else. Large RLE frames are decoded there too, as they
take much memory.
"""

import os
import subprocess
import sys
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final

from pydicom.pixels import get_decoder
from pydicom.uid import UID, RLELossless

import scp
from scp.console.picture import frame_of, native_samples, picture, rle_samples, source_of
from scp.console.png import png
from scp.dicom.pixel_source import Source
from scp.dicom.read import scan_of
from scp.dicom.syntax import EXPLICIT_LITTLE, encoding_of
from scp.dicom.walk import Limits
from scp.errors import NodeFault
from scp.store.store import Store

SECONDS: Final = 8.0
_MOST_KEPT: Final = 64
_MOST_BYTES: Final = 1024 * 1024
_MOST_DECODED: Final = 4 * 1024 * 1024
"""Largest RLE frame that is decoded in the node, in uncompressed bytes."""
_WAIT: Final = 2.0
"""Longest wait, in seconds, for a thumbnail of somebody else that is being made."""
_ROOT: Final = Path(scp.__file__).parents[1]


class NoPicture(Exception):
    """There is no thumbnail; the message says why, for the page."""


class Thumbnails:
    """Makes thumbnails, one at a time, and keeps the latest."""

    def __init__(self, store: Store, limits: Limits, seconds: float = SECONDS) -> None:
        self._store = store
        self._limits = limits
        self._seconds = seconds
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, str], bytes] = OrderedDict()
        self._turns = threading.BoundedSemaphore(1)

    def png(self, receipt: int, path: str) -> bytes:
        """Return the thumbnail of a stored object. Raises NoPicture."""
        key = receipt, path
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None:
            return kept
        if not self._turns.acquire(timeout=_WAIT):
            raise NoPicture("other thumbnails are being made")
        try:
            made = self._make(receipt, path)
        except NodeFault:
            raise NoPicture("the file cannot be read") from None
        except MemoryError:
            raise NoPicture("the image is too large") from None
        finally:
            self._turns.release()
        with self._lock:
            self._kept[key] = made
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return made

    def _make(self, receipt: int, path: str) -> bytes:
        with self._store.data_set(path, receipt) as (data, syntax):
            walked, scan = scan_of(data, syntax, self._limits)
            encoding = encoding_of(syntax) or EXPLICIT_LITTLE
            source = source_of(walked, scan.elements, syntax, little=encoding.little)
            if source is None:
                raise NoPicture("this object has no pixels")
            made = _here(source)
        return made or self._elsewhere(self._store.folder / path, syntax)

    def _elsewhere(self, path: Path, syntax: str) -> bytes:
        """Have another process make the thumbnail. Raises NoPicture."""
        uid = UID(syntax)
        try:
            available = get_decoder(uid).is_available
        except NotImplementedError:
            available = False
        if not available:
            raise NoPicture(f"there is no decoder for {uid.name}")
        try:
            done = subprocess.run(  # noqa: S603 - our own module, a path of ours
                [sys.executable, "-m", "scp.console.decode", str(path.resolve())],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                timeout=self._seconds, cwd=_ROOT, check=True,
                env={"PATH": os.environ.get("PATH", ""), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError):
            raise NoPicture("the image cannot be decoded") from None
        if not 0 < len(done.stdout) <= _MOST_BYTES:
            raise NoPicture("the image cannot be decoded")
        return done.stdout


def _here(source: Source) -> bytes | None:
    """Make the thumbnail in this process if the frame is uncompressed or small RLE, else return None.

    Raises NoPicture.
    """
    frame = frame_of(source)
    if frame is None:
        raise NoPicture("no picture can be made of these pixels")
    if source.span.fragments is None:
        samples = native_samples(source, frame)
    elif source.transfer_syntax == RLELossless and frame.size <= _MOST_DECODED:
        samples = rle_samples(source, frame)
    else:
        return None
    if samples is None:
        raise NoPicture("the pixel data are incomplete")
    return png(picture(samples, frame))
