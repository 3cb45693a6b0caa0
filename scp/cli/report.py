"""``auditscp report``: counts instances and what became of them, by sender, scanner and rule."""

import sys
from enum import StrEnum
from typing import Annotated, Final

import orjson
import typer
from rich.table import Table
from rich.text import Text

from scp.cli.options import ConfigOption, DataOption, settings_from
from scp.cli.reading import SenderOption, SinceOption, data_override, ledger_of, now, time_of
from scp.cli.tables import console, write_table
from scp.ledger.reports import Report
from scp.ledger.reports import report as report_of
from scp.printable import printable
from scp.reporting import as_csv, as_html, is_numeric, report_document, span, tables


class ReportFormat(StrEnum):
    """How a report is written."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


def report(
    since: SinceOption = None,
    ae_title: SenderOption = None,
    output: Annotated[ReportFormat, typer.Option("--format", help="How the report is written.")] = ReportFormat.TEXT,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Count instances and what became of them, by sender, scanner and rule, and what stricter profiles would refuse.

    --since is rounded down to the full hour. Works while the node is running.
    """
    settings = settings_from(config, data_override(data))
    begin = time_of("--since", since)
    with ledger_of(settings) as db:
        made = report_of(db, now(), begin, ae_title)
    _WRITERS[output](made)


def _write_text(made: Report) -> None:
    out = console()
    out.print(Text(printable(span(made))))
    for part in tables(made):
        shown = Table(box=None, pad_edge=False)
        for heading, cell in zip(part.headings, part.rows[0], strict=True):
            shown.add_column(heading, justify="right" if is_numeric(cell) else "left")
        for row in part.rows:
            shown.add_row(*(Text(f"{cell:,}" if isinstance(cell, int) else printable(cell)) for cell in row))
        out.print(Text(f"\n{part.title}", style="bold"))
        write_table(shown)


def _write_json(made: Report) -> None:
    sys.stdout.write(orjson.dumps(report_document(made), option=orjson.OPT_INDENT_2).decode() + "\n")


def _write_csv(made: Report) -> None:
    sys.stdout.write(as_csv(made))


def _write_html(made: Report) -> None:
    sys.stdout.write(as_html(made))


_WRITERS: Final = {
    ReportFormat.TEXT: _write_text,
    ReportFormat.JSON: _write_json,
    ReportFormat.CSV: _write_csv,
    ReportFormat.HTML: _write_html,
}
