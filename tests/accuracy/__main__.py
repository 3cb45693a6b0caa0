"""Plants defects in copies of clean series and tells what the rules make of them: scripts/accuracy [FOLDER…].

Every defect of tests/accuracy/catalogue.py is planted in several places and sizes, within its tolerance and beyond.
Copies are judged as auditscp check judges them, and a sample is sent to a node. Without folders the corpus of real
series is taken, where it is, and the test files that pydicom ships; other folders are taken to be clean.

Exits with 1 if a defect is judged otherwise than the catalogue says, if anything is said against a clean series (in the
profiles observe and standard), or if the order of arrival changes findings.
"""

import argparse
import json
import os
import sys
import time
import warnings
from collections import defaultdict
from pathlib import Path

from scp.audit.policy import Profile
from tests.accuracy.known import default_folders
from tests.accuracy.report import markdown
from tests.accuracy.run import Request, run


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="scripts/accuracy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="*", metavar="FOLDER", help="instead of corpus and pydicom's files")
    parser.add_argument("--seed", type=int, default=1, help="for places and for what is left to chance")
    parser.add_argument(
        "--quick", action="store_true", help="three series for each defect, one place, a smaller sample"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--profile", action="append", choices=[*map(str, Profile)], help="to plant in; standard")
    parser.add_argument("--no-wire", action="store_true", help="no node, no sender")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything as JSON")
    form.add_argument("--markdown", action="store_true", help="tables as Markdown, which is the default")
    asked = parser.parse_args()
    missing = [str(folder) for folder in asked.folders if not folder.is_dir()]
    if missing:
        parser.error(f"no such folder: {', '.join(missing)}")
    warnings.filterwarnings("ignore", module="pydicom")
    request = Request(
        folders=tuple(asked.folders or default_folders()),
        profiles=tuple(Profile(name) for name in asked.profile or ["standard"]),
        seed=asked.seed,
        places=1 if asked.quick else 4,
        tried=3 if asked.quick else None,
        sampled=0 if asked.no_wire else 10 if asked.quick else None,
    )
    counts: dict[str, int] = defaultdict(int)
    started = time.perf_counter()

    def told(what: str) -> None:
        counts[what] += 1
        if sys.stderr.isatty():
            done = ", ".join(f"{count} {name}" for name, count in counts.items())
            print(f"\r{time.perf_counter() - started:5.0f} s  {done}", end="", file=sys.stderr)

    report = run(request, asked.jobs, told)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(json.dumps(report.document(), indent=2) if asked.json else markdown(report), end="\n" if asked.json else "")
    failures = list(report.failures())
    for failure in failures:
        print(f"FAILED  {failure}", file=sys.stderr)
    trials = sum(row.trials for rows in report.rows.values() for row in rows)
    print(f"{trials} trials, {len(failures)} failures, {report.seconds:.0f} s", file=sys.stderr)
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
