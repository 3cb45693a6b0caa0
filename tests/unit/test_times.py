"""Times are read as people write them, and what is none is said to be none."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.times import moment

NOW = int(datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("90m", timedelta(minutes=90)),
        ("2h", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        (" 1 w ", timedelta(weeks=1)),
        ("0h", timedelta()),
    ],
)
def test_so_long_ago(text: str, ago: timedelta) -> None:
    assert moment(text, NOW) == NOW - ago // timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("text", "hour"), [("2026-02-28T08:30:00Z", 8), ("2026-02-28T08:30:00+02:00", 6), ("2026-02-28T08:30+00:00", 8)]
)
def test_a_time_with_its_offset(text: str, hour: int) -> None:
    assert moment(text, NOW) == int(datetime(2026, 2, 28, hour, 30, tzinfo=UTC).timestamp() * 1_000_000)


def test_a_date_is_the_local_midnight_at_which_it_begins() -> None:
    local = datetime(2026, 2, 28).astimezone()
    assert moment("2026-02-28", NOW) == int(local.timestamp() * 1_000_000)


def test_before_the_beginning_of_time_is_its_beginning() -> None:
    assert moment("999999w", NOW) == moment("1900-01-01T00:00Z", NOW) == 0


@pytest.mark.parametrize("text", ["", "yesterday", "2", "h", "2x", "-2h", "2026-13-01", "2026-02-30", "0001-01-01"])
def test_what_is_no_time_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match="expected a time such as 2h"):
        moment(text, NOW)


@given(st.text(max_size=30))
def test_any_text_is_a_time_or_is_said_to_be_none(text: str) -> None:
    try:
        assert moment(text, NOW) >= 0
    except ValueError as error:
        assert "expected a time" in str(error)  # noqa: PT017 - either is right
