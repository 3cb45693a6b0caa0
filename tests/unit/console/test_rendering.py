"""What others say stays text, and numbers read well."""

import pytest
from markupsafe import Markup

from scp.console.rendering import asset, count, displayable, marked, percent, render, seconds, short_uid, size, when


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("CT1", "CT1"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b[31m", r"\x1b[31m"),
        ("\u202eCT", r"\u202eCT"),
        ("\u200b", r"\u200b"),
        ("\ud800", r"\ud800"),
        ("Müller", "Müller"),
        (7, 7),
        (None, None),
    ],
)
def test_what_cannot_be_printed_is_shown_as_an_escape(said: object, shown: object) -> None:
    assert displayable(said) == shown


def test_our_own_markup_is_left_alone() -> None:
    assert displayable(Markup("<b>\n</b>")) == Markup("<b>\n</b>")


def test_everything_is_escaped() -> None:
    text = render(
        "error.html", visitor=None, here="", quarantined=0, title="<script>", message='"><img src=x>\x1b', number=500
    )
    assert "<script>" not in text.replace('<script src="', "")
    assert "&lt;script&gt;" in text
    assert "<img src=x>" not in text
    assert r"\x1b" in text


@pytest.mark.parametrize(
    ("number", "written"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (524_000, "524 kB"), (5_240_000, "5.2 MB"), (3e18, "3000.0 PB")],
)
def test_sizes(number: float, written: str) -> None:
    assert size(number) == written


def test_counts_and_parts() -> None:
    assert [count(number) for number in (0, 9999, 12345, 5_000_000)] == [
        "0", "9999", "12\u202f345", "5\u202f000\u202f000",
    ]  # fmt: skip
    assert (percent(1, 3), percent(0, 5), percent(0, 0)) == ("33.3 %", "0.0 %", "–")


def test_times() -> None:
    assert "2026-01-02 10:11:12 UTC" in when("2026-01-02T10:11:12.345Z")
    assert 'datetime="2026-01-02T10:11:12.345Z"' in when("2026-01-02T10:11:12.345Z")
    assert when("<b>") == "&lt;b&gt;"
    assert [seconds(number) for number in (3.4, 119, 600, 9000)] == ["3 s", "2 min", "10 min", "2.5 h"]


def test_uids_are_known_by_their_ends() -> None:
    assert short_uid("1.2.3") == "1.2.3"
    assert short_uid("1.2.840.113619.2.55.3.2831868886.654") == "…3.2831868886.654"[0] + "2.55.3.2831868886.654"[-18:]


@pytest.mark.parametrize(
    ("one", "two", "shown"),
    [
        ("abc", "abc", "abc"),
        ("40", "77", "<mark>40</mark>"),
        ("P1234", "P1334", "P1<mark>2</mark>34"),
        ("aab", "ab", "a<mark>a</mark>b"),
        ("ab", "aab", "ab"),
        ("<b>", "<i>", "&lt;<mark>b</mark>&gt;"),
        ("x\n", "y\n", r"<mark>x</mark>\n"),
        ("", "x", ""),
    ],
)
def test_differences_are_marked_and_nothing_else(one: str, two: str, shown: str) -> None:
    assert marked(one, two) == shown


def test_assets_have_an_address_that_changes_with_them() -> None:
    assert asset("console.css").startswith("/static/")
    assert asset("console.css") != asset("console.js")
