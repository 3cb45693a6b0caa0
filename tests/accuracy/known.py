"""Series in the folders that are tried by default, and what is known to be wrong with some of them.

The corpus says so itself (``tests/corpus.py``). In pydicom's files it was the auditor who pointed to these series; that
it is right was then seen in the bytes of the files.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pydicom.data

from tests.corpus import FOLDER, SERIES

_PYDICOM: Final = Path(pydicom.data.__file__).parent / "test_files"

FLAWS: Final[Mapping[str, str]] = {series.folder: series.flaw for series in SERIES if series.flaw} | {
    "test_files/SC_rgb_jpeg.dcm": "in implicit VR, although the Transfer Syntax is JPEG Baseline",
    "test_files/badVR.dcm": "the Number of Frames is 1A",
    "test_files/dicomdirtests/77654033/CT2/17106": "a gap of 202 mm",
    "test_files/dicomdirtests/TINY_ALPHA/PT000000/ST000000/SE000000/IM000000": "no position, orientation and spacing",
}
"""By name of the series."""


def default_folders() -> list[Path]:
    """Return the folders of the corpus, as far as it is there, and pydicom's test files."""
    corpus = [FOLDER / series.folder for series in SERIES] if FOLDER.is_dir() else []
    return [*corpus, _PYDICOM]
