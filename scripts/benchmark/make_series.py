"""Makes a clean series to try a node with: ``scripts/make_series``.

Every instance is new at each run (fresh UIDs), so that a series can be sent to the same node again and again.
"""

import argparse
from pathlib import Path

from benchmark.series import CLASSES, Series


def main() -> None:
    parser = argparse.ArgumentParser(
        "make_series",
        description="Makes a clean series of made-up images to try a node with, with new UIDs at each run.",
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--modality", choices=sorted(CLASSES), default="CT")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--matrix", type=int, default=512)
    asked = parser.parse_args()
    Series(asked.modality, asked.matrix).write(asked.folder, range(1, asked.count + 1))


if __name__ == "__main__":
    main()
