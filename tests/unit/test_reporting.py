"""A report for programs and spreadsheets: complete, and whatever a peer said is text in it."""

import csv
import io
from dataclasses import replace
from html.parser import HTMLParser

import orjson
import pytest

from scp.ledger.reports import Counts, Fired, Report, Scanner, Sender, Tightened
from scp.reporting import as_csv, as_html, codes_for, is_numeric, problem_of, report_document, span, tables

COUNTS = Counts(12, 4_000_000, 1_767_348_000_000_000, {"accept": 8, "refuse": 2, "aborted": 2}, {"strict": 3})
HOSTILE = "<script>alert(1)</script>"
REPORT = Report(
    since=None,
    until=1_767_348_672_123_456,
    calling_ae_title=None,
    totals=COUNTS,
    senders=(Sender(HOSTILE, "192.0.2.1", COUNTS), Sender("=cmd|' /C calc'!A0", "192.0.2.2", Counts())),
    scanners=(
        Scanner(
            {
                "manufacturer": "@SUM(1)",
                "manufacturer_model_name": "+1",
                "device_serial_number": "-7",
                "software_versions": '"><img src=x onerror=y>',
            },
            COUNTS,
        ),
    ),
    rules=(Fired("DUP-004", 2, 0, 0, 0.2), Fired("OLD-999", 0, 1, 1, 0.2)),
    tightened=(Tightened("strict", 0xA920, 3, 0.3), Tightened("strict", 0xC999, 1, 0.1)),
    acts={"dropped": 4},
)
EMPTY = Report(None, 0, None, Counts(), (), (), (), (), {})


class Page(HTMLParser):
    """The tags of a page, with what a browser would load for them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loads: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [name for name, _ in attrs if name in ("src", "href", "action", "onerror", "onload")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_json_has_everything_with_rates_of_what_was_judged() -> None:
    document = report_document(REPORT)
    assert orjson.loads(orjson.dumps(document))["totals"] == {
        "received": 12, "accept": 8, "warn": 0, "refuse": 2, "retry": 0, "aborted": 2, "bytes": 4_000_000,
        "refuse_rate": 0.2, "warn_rate": 0.0, "would_refuse": {"standard": 0, "strict": 3},
        "last_hour": "2026-01-02T10:00:00.000Z",
    }  # fmt: skip
    assert document["rules"][0]["findings"] == 2
    assert document["tightened"][0]["codes"] == ["GEO-101", "GEO-102"]
    assert document["acts"] == {"dropped": 4}
    assert orjson.dumps(report_document(EMPTY))


def test_a_spreadsheet_takes_no_cell_for_a_formula() -> None:
    text = as_csv(REPORT)
    for row in csv.reader(io.StringIO(text)):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@"))]
    scanner = next(row for row in rows(text) if row["section"] == "scanners")
    assert (scanner["manufacturer"], scanner["device_serial_number"]) == ("'@SUM(1)", "'-7")
    assert rows(text)[2]["calling_ae_title"] == "'=cmd|' /C calc'!A0"


def test_csv_has_a_line_for_everything_and_the_same_columns_always() -> None:
    full = rows(as_csv(REPORT))
    assert [row["section"] for row in full] == [
        "totals", "senders", "senders", "scanners", "rules", "rules", "tightened", "tightened", "acts",
    ]  # fmt: skip
    assert (full[0]["received"], full[0]["would_refuse_strict"], full[0]["refuse_rate"]) == ("12", "3", "0.2")
    assert (full[6]["status"], full[6]["codes"], full[6]["would_refuse"]) == ("A920", "GEO-101 GEO-102", "3")
    assert (full[8]["act"], full[8]["objects"]) == ("dropped", "4")
    assert full[0].keys() == rows(as_csv(EMPTY))[0].keys()


def test_csv_says_from_when_to_when_and_whose_requests_it_counts() -> None:
    first, *others = rows(as_csv(REPORT))
    assert (first["since"], first["until"], first["calling_ae_title"]) == ("", "2026-01-02T10:11:12.123Z", "")
    assert not any(row["since"] or row["until"] for row in others)
    (only,) = rows(as_csv(replace(EMPTY, since=1_767_348_000_000_000, calling_ae_title="CT1")))
    assert (only["section"], only["since"], only["calling_ae_title"]) == ("totals", "2026-01-02T10:00:00.000Z", "CT1")


@pytest.mark.parametrize("value", [None, "x"])
def test_no_value_of_a_section_is_without_a_column(value: str | None) -> None:
    columns = set(rows(as_csv(REPORT))[0])
    document = report_document(REPORT)
    for section in ("senders", "scanners", "rules", "tightened"):
        for name in document[section][0]:
            assert name in columns or any(one.startswith(name) for one in columns), name


def test_html_loads_nothing_runs_nothing_and_shows_what_a_peer_said_as_text() -> None:
    page = Page(as_html(REPORT))
    assert page.loads == []
    assert page.tags <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "table", "thead", "tbody", "tr",
        "th", "td",
    }  # fmt: skip
    assert HOSTILE in page.texts
    assert "from the beginning to 2026-01-02T10:11:12.123Z" in page.texts
    assert Page(as_html(EMPTY)).tags


def test_tables_without_rows_are_left_out() -> None:
    assert [one.title for one in tables(EMPTY)] == ["All"]
    assert len(tables(REPORT)) == 6
    for table in tables(REPORT):
        assert {len(row) for row in table.rows} == {len(table.headings)}


def test_what_this_release_does_not_know_has_no_explanation() -> None:
    assert (problem_of("OLD-999"), problem_of("DUP-004") != "") == ("", True)
    assert codes_for(REPORT.tightened[1]) == ()


def test_numbers_are_told_from_text() -> None:
    assert [is_numeric(cell) for cell in (3, "20.00%", "CT1")] == [True, True, False]


def test_it_says_of_what_and_of_whom_it_is() -> None:
    one = Report(1_767_348_000_000_000, 1_767_348_672_123_456, "CT1", COUNTS, (), (), (), (), {})
    assert span(one) == "from 2026-01-02T10:00:00.000Z to 2026-01-02T10:11:12.123Z, calling AE title CT1"
