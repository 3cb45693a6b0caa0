"""Identifiers sort by time, are never given twice, and are read back as they are written."""

import runpy
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp import ids
from scp.ids import as_text, from_text, id_at, new_id, time_of

IDENTIFIERS = st.integers(0, 2**63 - 1)


def test_identifiers_are_given_in_ascending_order() -> None:
    given_out = [new_id() for _ in range(10_000)]
    assert given_out == sorted(set(given_out))


def test_an_identifier_tells_when_it_was_made() -> None:
    epoch = 1_577_836_800_000  # the beginning of 2020
    before = time.time_ns() // 1_000_000 - epoch
    milliseconds = new_id() >> 20
    after = time.time_ns() // 1_000_000 - epoch
    assert before <= milliseconds <= after + 1


def test_identifiers_fit_into_the_integers_of_a_database_for_two_hundred_years() -> None:
    two_hundred_years = 200 * 366 * 86_400_000
    assert (two_hundred_years + 1) << 20 < 2**63


def test_threads_never_get_the_same_identifier() -> None:
    given_out: list[list[int]] = [[] for _ in range(8)]
    start = threading.Barrier(8)

    def take(mine: list[int]) -> None:
        start.wait()
        mine.extend(new_id() for _ in range(2_000))

    threads = [threading.Thread(target=take, args=(mine,)) for mine in given_out]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({identifier for mine in given_out for identifier in mine}) == 16_000
    assert all(mine == sorted(mine) for mine in given_out)


def test_a_clock_that_is_set_back_repeats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = new_id()
    an_hour_ago = time.time_ns() - 3_600 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: an_hour_ago)
    after = [new_id() for _ in range(100)]
    assert after == sorted(set(after))
    assert after[0] > before


def test_two_processes_do_not_begin_at_the_same_identifier(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now)
    first = []
    for _ in range(20):
        monkeypatch.setattr(ids, "_last", 0)
        first.append(new_id())
    assert len(set(first)) > 15


def test_a_clock_that_is_before_2020_at_every_start_repeats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 946_684_800 * 10**9)
    starts = [runpy.run_path(ids.__file__)["new_id"] for _ in range(5)]
    given_out = [new() for new in starts for _ in range(100)]
    assert len(set(given_out)) == len(given_out)


@given(IDENTIFIERS)
def test_an_identifier_is_read_back_as_it_was_written(identifier: int) -> None:
    text = as_text(identifier)
    assert len(text) == 13
    assert from_text(text) == from_text(text.lower()) == identifier


@given(IDENTIFIERS, IDENTIFIERS)
def test_written_identifiers_sort_as_the_numbers_do(one: int, other: int) -> None:
    assert (as_text(one) < as_text(other)) is (one < other)


@given(IDENTIFIERS)
def test_written_identifiers_are_safe_to_read_aloud_and_as_file_names(identifier: int) -> None:
    assert set(as_text(identifier)) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")


@pytest.mark.parametrize(
    "text",
    ["", "0", "0" * 12, "0" * 14, "000000000000I", "000000000000u", "../00000000000", "0000000000-01", " 000000000000"],
)
def test_a_text_that_is_no_identifier_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="an identifier has"):
        from_text(text)


@pytest.mark.parametrize("text", ["8000000000000", "ZZZZZZZZZZZZZ"])
def test_a_number_that_no_database_could_hold_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="63 bits"):
        from_text(text)


@pytest.mark.parametrize("char", ["ß", "ſ", "٣", "Ｚ"])
def test_letters_that_only_become_others_in_capitals_are_an_error(char: str) -> None:
    with pytest.raises(ValueError, match="an identifier has"):
        from_text(f"{char}000000000000")


def test_identifiers_can_be_told_by_the_time_at_which_they_were_made() -> None:
    before = id_at(time.time_ns() // 1000)
    made = new_id()
    after = id_at(time.time_ns() // 1000 + 1000)
    assert before <= made < after


@pytest.mark.parametrize(("microseconds", "identifier"), [(0, 0), (-1, 0), (10**18, (1 << 63) - 1)])
def test_a_time_of_which_there_are_no_identifiers_is_before_or_after_all(microseconds: int, identifier: int) -> None:
    assert id_at(microseconds) == identifier


@given(st.integers(1_577_836_800_000, 4_102_444_800_000))
def test_the_time_of_an_identifier_can_be_read_from_it(milliseconds: int) -> None:
    assert time_of(id_at(milliseconds * 1000)) == milliseconds * 1000
