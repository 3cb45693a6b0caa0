"""``auditscp series``: lists and shows verdicts on whole series, audits them on demand, and draws them."""

import time
from collections.abc import Mapping
from contextlib import closing
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scp.audit.finding import Severity
from scp.audit.series.result import SeriesVerdict, document
from scp.cli.options import (
    ConfigOption,
    DataOption,
    FormatOption,
    LimitOption,
    OutputFormat,
    lines,
    settings_from,
    write_json,
)
from scp.cli.plot import plot
from scp.cli.reading import data_override, fail_at, fail_without, ledger_of
from scp.cli.tables import write_table
from scp.errors import NodeFault
from scp.layout import LEDGER
from scp.ledger.series import write_audit
from scp.ledger.series_status import history, newest, past_document, status, status_document
from scp.ledger.sqlite import SqliteLedger
from scp.printable import count, printable
from scp.wiring import auditor_of

app = typer.Typer(help="List, show, audit and draw whole series.", no_args_is_help=True, rich_markup_mode=None)
app.command("plot", short_help="Draw where the slices of a series lie.")(plot)

COLOURS: Final = {"consistent": "green", "attention": "yellow", "contradictory": "red"}
_UID = Annotated[str, typer.Argument(metavar="UID", help="Series Instance UID.", show_default=False)]


@app.command("list", short_help="List series and their verdicts, newest first.")
def list_(
    output: FormatOption = OutputFormat.TEXT,
    verdict: Annotated[SeriesVerdict | None, typer.Option("--verdict", help="Only those with this verdict.")] = None,
    limit: LimitOption = 50,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """List series, newest first, with their verdicts and the codes of their warnings."""
    settings = settings_from(config, data_override(data))
    with ledger_of(settings) as db:
        documents = [status_document(one) for one in newest(db, limit, verdict)]
    if output is OutputFormat.JSON:
        for one in documents:
            write_json(one)
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("series", "modality", "instances", "verdict", "warnings", "audited"):
        table.add_column(heading, no_wrap=True, justify="right" if heading == "instances" else "left")
    for one in documents:
        table.add_row(
            one["series_instance_uid"], printable(one["modality"]), str(one["instances"]), _verdict(one),
            " ".join(dict.fromkeys(finding["code"] for finding in one["findings"] if _warns(finding))),
            one["audited"] or "",
        )  # fmt: skip
    if not documents:
        typer.echo("nothing")
        return
    write_table(table)
    if len(documents) == limit:
        typer.echo(f"the newest {limit}; --limit shows more")


@app.command(short_help="Show the verdict on a series and what was found.")
def show(
    uid: _UID, output: FormatOption = OutputFormat.TEXT, config: ConfigOption = None, data: DataOption = None
) -> None:
    """Show a series: its verdict, what was found, its stacks, and what earlier audits said."""
    settings = settings_from(config, data_override(data))
    with ledger_of(settings) as db:
        found = status(db, uid)
        past = [past_document(one) for one in history(db, uid)]
    if found is None:
        fail_without(settings, uid)
    shown = status_document(found)
    if output is OutputFormat.JSON:
        write_json(shown | {"history": past})
        return
    print_series(lines, shown)
    for one in past[1:]:
        lines.print(Text(f"{one['audited']}  {one['verdict']}, {count(one['instances'], 'instance')}", style="dim"))
        for finding in one["opened"]:
            lines.print(Text(f"  {finding['severity']:6} {finding['code']}  {finding['message']}", style="dim"))


@app.command(short_help="Audit a series now, and record the result.")
def audit(
    uid: _UID,
    output: FormatOption = OutputFormat.TEXT,
    pixels: Annotated[bool, typer.Option("--pixels", help="Also look for copied pixel data (DUP-008).")] = False,
    config: ConfigOption = None,
    data: DataOption = None,
) -> None:
    """Audit a series now, even if it is still being received, and record the result.

    Exits with 0 if it is consistent, 1 if not, 2 if it could not run.
    """
    settings = settings_from(config, data_override(data))
    with ledger_of(settings) as db:
        audited = auditor_of(settings).audit(db, uid, pixels=pixels)
    if audited is None:
        fail_without(settings, uid)
    made = time.time_ns() // 1000
    try:
        with closing(SqliteLedger(settings.storage.folder / LEDGER, settings.storage.durability)) as ledger:
            ledger.transact(lambda writer: write_audit(writer, audited.kept, audited.audit, made))
    except NodeFault as fault:
        fail_at(settings.storage.folder, fault)
    shown = document(audited.audit)
    if output is OutputFormat.JSON:
        write_json(shown)
    else:
        print_series(lines, shown)
    raise typer.Exit(0 if audited.audit.verdict is SeriesVerdict.CONSISTENT else 1)


def print_series(out: Console, shown: Mapping[str, Any]) -> None:
    """Write a series for people, from its JSON document."""
    out.print(
        Text.assemble(
            (_verdict(shown), COLOURS.get(shown["verdict"] or "", "dim")),
            f"  {printable(shown['modality'])}  {shown['series_instance_uid']}",
            f"  {count(shown['instances'], 'instance')}",
        )
    )
    for code, number in shown["refused"].items():
        out.print(Text(f"  refused {code}  {count(number, 'instance')}"))
    for finding in shown["findings"]:
        out.print(Text(f"  {finding['severity']:6} {finding['code']}  {finding['message']}"))
    for stack in shown["stacks"]:
        spacing = stack["spacing"]
        distances = (
            f", spacing {spacing['minimum']:g} / {spacing['median']:g} / {spacing['maximum']:g} mm" if spacing else ""
        )
        gaps = f", {count(len(stack['gaps']), 'gap')}" if stack["gaps"] else ""
        out.print(
            Text(
                f"  stack {stack['stack']}: {stack['plane']}, {count(stack['planes'], 'slice')} "
                f"at {count(stack['positions'], 'position')}"
                f"{distances}{gaps}",
                style="dim",
            )
        )


def _warns(finding: Mapping[str, Any]) -> bool:
    return bool(finding["severity"] != str(Severity.INFO))


def _verdict(shown: Mapping[str, Any]) -> str:
    return ", ".join(filter(None, (shown["verdict"], "open" if shown.get("open") else "")))
