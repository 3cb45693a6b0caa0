"""What the audit says of real series: clean ones are not blamed, and what is known of the others comes out."""

import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from scp.audit.catalogue import RULES
from scp.audit.finding import Severity
from scp.audit.policy import Profile, make_policy
from scp.audit.series.result import SeriesAudit, SeriesVerdict
from scp.checking import Checker
from scp.dicom.walk import Limits
from tests.corpus import CLEAN, SERIES, Series

KNOWN: Final = {
    "mr_echoes_siemens_incomplete": [
        ("NUM-005", "Instance Number 3, 5, 6 and 4 more missing"),
        (
            "SER-305",
            "1 slice missing between Instance Number 2, 8 and 14 (z −23.21) and 4 (z −2.21), step 10.5 mm",
        ),
        ("SER-306", "1 image at Instance Number 4 (z −2.21), 3 at most positions"),
    ],
    "ct_ge_missing_slice": [
        ("SER-305", "1 slice missing between Instance Number 9 (z 28.11) and 10 (z 38.11), step 5 mm")
    ],
    "ct_ge_partial": [
        ("SER-305", "161 slices missing between Instance Number 18 (z −99.48) and 180 (z 103.02), step 1.25 mm")
    ],
}
BY_FOLDER: Final[dict[str, Any]] = {"ids": lambda series: series.folder}


def audits(paths: Iterable[Path], profile: Profile = Profile.STANDARD) -> list[SeriesAudit]:
    checker = Checker(make_policy(RULES, profile), Limits())
    for path in paths:
        checker.check(path)
    return list(checker.series())


def said(found: Sequence[SeriesAudit]) -> list[tuple[str, str]]:
    return [(finding.code, finding.message) for audit in found for finding in audit.findings]


@pytest.mark.parametrize("series", CLEAN, **BY_FOLDER)
@pytest.mark.parametrize("profile", [Profile.OBSERVE, Profile.STANDARD])
def test_a_clean_series_is_consistent(series: Series, profile: Profile) -> None:
    (audit,) = audits(series.paths, profile)
    assert audit.verdict is SeriesVerdict.CONSISTENT
    assert all(finding.severity is Severity.INFO for finding in audit.findings)
    assert audit.instances == series.files
    assert audit.images == (0 if "mosaic" in series.folder else series.files)  # their position is that of no slice
    assert audit.failures == ()


@pytest.mark.parametrize("series", [one for one in SERIES if not one.is_clean], **BY_FOLDER)
def test_what_is_wrong_with_a_series_is_said(series: Series) -> None:
    (audit,) = audits(series.paths)
    assert audit.verdict is SeriesVerdict.ATTENTION
    assert said([audit]) == KNOWN[series.folder]


@pytest.mark.parametrize("series", SERIES, **BY_FOLDER)
def test_the_order_of_arrival_does_not_show(series: Series) -> None:
    paths = list(series.paths)
    expected = audits(paths)
    random.Random(20).shuffle(paths)
    assert [(one.verdict, one.findings, [stack.uids for stack in one.stacks]) for one in audits(paths)] == [
        (one.verdict, one.findings, [stack.uids for stack in one.stacks]) for one in expected
    ]


def test_a_clean_head_has_nothing_to_report() -> None:
    (series,) = (one for one in SERIES if one.folder == "ct_head_clean")
    (audit,) = audits(series.paths)
    assert audit.findings == ()
    (stack,) = audit.stacks
    assert len(stack.positions) == 93
    assert stack.step == pytest.approx(1.5)
