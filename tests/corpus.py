"""The real series beside the project: where they are, and what an auditor must say of each.

They are public and de-identified, but not ours to ship: ``ORIGINS.md`` in their folder says whose they are.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest

FOLDER: Final = Path(os.environ.get("AUDITSCP_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus")


class Series(NamedTuple):
    """One folder: its number of files, and what is known to be wrong with it, if anything."""

    folder: str
    files: int
    flaw: str = ""

    @property
    def is_clean(self) -> bool:
        """Nothing may be refused but in ``strict``, and no warning may blame the series."""
        return not self.flaw

    @property
    def paths(self) -> Sequence[Path]:
        """The files in the order of their names. Skips the test if the folder is not there."""
        return files_of(self.folder)


SERIES: Final = (
    Series("ct_head_clean", 93),
    Series("mr_fmri_philips_4d", 27),
    Series("mr_b0map_ge_duppos", 32),
    Series("mr_fieldmap_siemens_dupinum", 12),
    Series("mr_loc_ge_3plane", 21),
    Series("mr_fmri_ge_tpos", 50),
    Series("mr_mosaic_siemens", 2),
    Series("mr_mip_rotating_philips", 7),
    Series("mr_echoes_siemens_incomplete", 7, "a hole, 1 to 3 images for each position"),
    Series("ct_ge_missing_slice", 4, "a slice is missing although the Instance Numbers are contiguous"),
    Series("ct_ge_partial", 4, "a gap of 202 mm"),
)
CLEAN: Final = tuple(series for series in SERIES if series.is_clean)
ODD: Final = "pydicom_odd"
"""A folder of single objects, oddly or wrongly encoded; no series."""


def files_of(folder: str) -> Sequence[Path]:
    """Return the files of a folder by name. Skips the test, saying why, if the corpus is not there."""
    if not FOLDER.is_dir():
        pytest.skip("the corpus of real series is not beside the project, nor where AUDITSCP_CORPUS says")
    return sorted(path for path in (FOLDER / folder).iterdir() if path.is_file())
