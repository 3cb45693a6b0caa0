"""Findings say who found what, in words that fit a response and show nothing personal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.audit.finding import Decision, Finding, Problem, Severity, Verdict, shown_uid


@given(st.text(max_size=200))
def test_a_comment_begins_with_the_code_and_fits_the_response(message: str) -> None:
    comment = Finding("GEO-103", Severity.WARN, 0xC0A1, Problem(message)).comment
    assert comment.startswith("GEO-103 ")
    assert len(comment) == min(64, len(f"GEO-103 {message}"))


def test_a_comment_that_is_cut_says_so() -> None:
    whole, longer = "x" * 56, "the stack has 0.97656 x 0.97656 mm, where this one has 0.48828"
    assert Finding("STK-252", Severity.WARN, 0xC142, Problem(whole)).comment == f"STK-252 {whole}"
    cut = Finding("STK-252", Severity.WARN, 0xC142, Problem(longer)).comment
    assert cut == "STK-252 the stack has 0.97656 x 0.97656 mm, where this one ha..."


@given(st.text(max_size=80))
def test_a_comment_is_one_value_of_printable_ascii(message: str) -> None:
    comment = Finding("GEO-103", Severity.WARN, 0xC0A1, Problem(message)).comment
    assert comment.isascii()
    assert comment.isprintable()
    assert "\\" not in comment


def test_a_comment_keeps_what_can_be_kept() -> None:
    message = "spacing 0.5\\0.25 mm, 4 × 4\n"
    assert Finding("GEO-104", Severity.WARN, 0xC0A3, Problem(message)).comment == "GEO-104 spacing 0.5/0.25 mm, 4 ? 4?"


def test_severities_are_ordered_and_written_as_in_the_settings() -> None:
    assert Severity.OFF < Severity.INFO < Severity.WARN < Severity.REFUSE
    assert [str(severity) for severity in Severity] == ["off", "info", "warn", "refuse"]
    assert all(Severity[str(severity).upper()] is severity for severity in Severity)


@pytest.mark.parametrize(
    ("decision", "stored"),
    [(Decision.ACCEPT, True), (Decision.WARN, True), (Decision.REFUSE, False), (Decision.RETRY, False)],
)
def test_only_what_was_accepted_is_told_to_be_stored(decision: Decision, stored: bool) -> None:
    assert Verdict(decision, 0).is_stored is stored


@pytest.mark.parametrize("text", ["1.2.3", "01.2", "1..2", "." * 128])
def test_digits_and_dots_can_be_shown_to_anybody(text: str) -> None:
    assert shown_uid(text) == text


@pytest.mark.parametrize("text", ["", "Doe^John", "1.2.3 ", "1.2\\3.4", "1.2.3x", "١.٢"])
def test_anything_else_in_the_place_of_a_uid_may_be_a_name_and_is_not_shown(text: str) -> None:
    assert shown_uid(text) is None


def test_a_long_uid_is_cut_when_it_is_shown() -> None:
    assert shown_uid("1." * 1000) == "1." * 64
