"""Every file has one place, made of what has been checked, and nothing that a peer said can lead out of it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.ids import as_text
from scp.layout import archive_path, case_path, quarantine_path, spool_path, timestamp

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)).map(lambda one: one.replace(tzinfo=UTC))  # noqa: DTZ001 - made aware here


def microseconds(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)


def test_an_instance_lies_in_its_series_and_its_study() -> None:
    assert archive_path("1.2", "1.2.3", "1.2.3.4") == "archive/1.2/1.2.3/1.2.3.4.dcm"


@pytest.mark.parametrize(("study", "series"), [("", ""), ("1.2", ""), ("", "1.2.3")])
def test_an_object_without_study_or_series_has_a_folder_that_no_study_can_have(study: str, series: str) -> None:
    assert archive_path(study, series, "1.2.3.4") == "archive/non-patient/1.2.3.4.dcm"


def test_spool_and_quarantine_are_named_by_the_receipt() -> None:
    moment = datetime(2026, 1, 2, 23, 59, 59, 999_000, tzinfo=UTC)
    assert spool_path(7) == f"spool/{as_text(7)}.part"
    assert quarantine_path(7, microseconds(moment)) == f"quarantine/2026-01-02/{as_text(7)}.dcm"


def test_a_case_lies_beside_its_object() -> None:
    assert case_path("quarantine/2026-01-02/X.dcm") == "quarantine/2026-01-02/X.json"


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_767_348_672_123_456, "2026-01-02T10:11:12.123Z"),
        (1_767_348_672_000_000, "2026-01-02T10:11:12.000Z"),
    ],
)
def test_a_time_is_written_in_utc_with_milliseconds(moment: int, written: str) -> None:
    assert timestamp(moment) == written


@given(TIMES)
def test_a_written_time_is_read_back_to_the_millisecond(moment: datetime) -> None:
    read = datetime.fromisoformat(timestamp(microseconds(moment)))
    assert abs((moment - read).total_seconds()) <= 0.001001


@given(TIMES)
def test_the_folder_in_quarantine_is_the_day_in_utc(moment: datetime) -> None:
    assert quarantine_path(1, microseconds(moment)).split("/")[1] == moment.date().isoformat()
