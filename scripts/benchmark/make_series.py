"""Makes a clean series to try a node with: ``scripts/make_series``.

Every instance is new at each run (fresh UIDs), so that a series can be sent to the same node again and again.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from benchmark.options import count
from benchmark.series import CLASSES, Series

_LARGEST: Final = 0xFFFF
"""Rows and Columns are US (PS3.3 §C.7.6.3)."""


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        "scripts/make_series",
        description="Makes a clean series of made-up images to try a node with, with new UIDs at each run.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="for the files; those of the same names are replaced"
    )
    parser.add_argument("--modality", choices=sorted(CLASSES), default="CT", help="of the images")
    parser.add_argument("--count", type=count, default=400, metavar="N", help="how many images")
    parser.add_argument("--matrix", type=_matrix, default=512, metavar="N", help="rows and columns of each")
    asked = parser.parse_args()
    try:
        Series(asked.modality, asked.matrix).write(asked.folder, range(1, asked.count + 1))
    except OSError as error:
        sys.exit(f"scripts/make_series: {error}")


def _matrix(text: str) -> int:
    size = count(text)
    if size > _LARGEST:
        raise argparse.ArgumentTypeError(f"must be {_LARGEST} at most")
    return size


if __name__ == "__main__":
    main()
