"""The line of a series has the fields that it promises, and nothing that names a person."""

from collections.abc import MutableSequence
from typing import Any

import orjson
import pytest
import structlog

from scp.audit.finding import Severity
from scp.audit.series.result import SeriesAudit, SeriesFinding, SeriesVerdict
from scp.observe import series_lines
from scp.observe.series_lines import series_line

AUDIT = SeriesAudit(
    "1.2.3", "1.2", "CT", SeriesVerdict.ATTENTION,
    findings=(
        SeriesFinding("SER-305", Severity.WARN, "1 slice missing"),
        SeriesFinding("SER-305", Severity.WARN, "2 slices missing"),
        SeriesFinding("NUM-005", Severity.INFO, "Instance Number 4 missing"),
    ),
    stacks=(), instances=9, images=8, refused={"ENT-203": 1},
)  # fmt: skip


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> MutableSequence[Any]:
    capture = structlog.testing.LogCapture()
    monkeypatch.setattr(series_lines, "_log", structlog.wrap_logger(structlog.ReturnLogger(), processors=[capture]))
    return capture.entries


def test_a_series_is_told_in_one_line(told: MutableSequence[Any]) -> None:
    series_line(AUDIT, 2, 1, 0.0125)
    (line,) = told
    assert orjson.loads(orjson.dumps(line)) == {
        "event": "series", "log_level": "warning", "series_instance_uid": "1.2.3", "study_instance_uid": "1.2",
        "verdict": "attention", "instances": 9, "images": 8, "stacks": 0, "codes": {"SER-305": 2},
        "refused": {"ENT-203": 1}, "opened": 2, "closed": 1, "ms": 12.5,
    }  # fmt: skip


def test_a_consistent_series_is_no_warning_and_what_is_no_uid_is_not_shown(told: MutableSequence[Any]) -> None:
    series_line(SeriesAudit("Doe^John", "Doe", "CT", SeriesVerdict.CONSISTENT, (), (), 1, 0), 0, 0, 0)
    (line,) = told
    assert line["log_level"] == "info"
    assert (line["series_instance_uid"], line["study_instance_uid"]) == (None, None)


def test_rules_that_failed_are_told_of_each_in_a_line(told: MutableSequence[Any]) -> None:
    audit = SeriesAudit(
        "1.2.3", "1.2", "CT", SeriesVerdict.ATTENTION, (), (), 1, 0, failures=("SER-301 KeyError ser_line.py:40",)
    )
    series_line(audit, 0, 0, 0)
    assert told[1] == {
        "event": "rule_failed", "log_level": "error", "series_instance_uid": "1.2.3", "code": "SER-301",
        "error": "KeyError", "place": "ser_line.py:40",
    }  # fmt: skip
