"""The text output of ``auditscp quarantine`` and ``auditscp receipts``."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scp.audit.value import written
from scp.cli.tables import console, write_table
from scp.ids import as_text
from scp.layout import timestamp
from scp.ledger.queries import Entry
from scp.printable import printable
from scp.quarantine.acts import Result
from scp.quarantine.readmission import REFUSED

_STYLES: Final = {"accept": "green", "warn": "yellow", "refuse": "red"}


def write_list(entries: Sequence[Entry], limit: int) -> None:
    """Write a table of objects that are held, or were."""
    table = _table("receipt", "received", "sender", "status", "rules", "state", "series")
    for one in entries:
        table.add_row(
            as_text(one.id), timestamp(one.received), _sender(one), _status(one), _why(one),
            one.state.value if one.state else "–", one.series_instance_uid,
        )  # fmt: skip
    _write(table, entries, limit, "nothing")


def write_receipts(entries: Sequence[Entry], limit: int) -> None:
    """Write a table of C-STORE requests."""
    table = _table("receipt", "received", "sender", "outcome", "status", "rules", "bytes", "kept", "instance")
    for one in entries:
        resent = one.original != one.id
        table.add_row(
            as_text(one.id), timestamp(one.received), _sender(one),
            Text(one.outcome, style=_STYLES.get(one.outcome, "")), _status(one), " ".join(one.codes), f"{one.size:,}",
            f"as {as_text(one.original)}" if resent else (one.state or one.kept).value, one.sop_instance_uid,
        )  # fmt: skip
    _write(table, entries, limit, "nothing came")


def write_result(result: Result, *, rehearsed: bool) -> None:
    """Write the outcome of an act on one object."""
    out = console()
    word = f"would be {result.outcome}" if rehearsed and result.done else result.outcome
    line = Text.assemble(as_text(result.receipt), " ", (word, "green" if result.done else "red"))
    if result.other is not None and result.done:
        line.append(f", {as_text(result.other)} {'would go' if rehearsed else 'went'} to quarantine")
    codes = ", ".join(result.codes)
    if result.why == REFUSED:
        line.append(f" again, by {codes}: it stays in quarantine")
    else:
        if codes:
            line.append(f" ({'overruled' if result.done else 'refused by'} {codes})")
        if result.why:
            line.append(f": {result.why}")
    out.print(line)
    if not result.done:
        for finding in result.refusing:
            out.print(Text(f"        {finding['severity']:6} {finding['code']}  {printable(finding['message'])}"))


def write_case(case: Mapping[str, Any]) -> None:
    """Write a case: what was received, why it was refused, how it differs, and what was done about it."""
    out, receipt, sender = console(), case["receipt"], case["association"]
    out.print(Text(f"{case['case']}  {case['state'] or receipt['outcome']}", style="bold"))
    about = {
        "received": receipt["received"],
        "sender": f"{sender['calling_ae_title']} at {sender['address']}",
        "answered": f"{receipt['status'] or '–'} {receipt['comment']}",
        "SOP Instance UID": receipt["affected_sop_instance_uid"],
        "Series Instance UID": receipt["series_instance_uid"],
        "Study Instance UID": receipt["study_instance_uid"],
        "BLAKE3": receipt["blake3"],
        "file": receipt["path"] or "–",
    }
    for name, value in about.items():
        out.print(Text(f"  {name:19} {printable(str(value))}"))
    for finding in case["findings"]:
        _write_finding(out, finding)
    if case["differences"]:
        _write_differences(out, case["differences"])
    if not case["personal"] and case["findings"]:
        why = "The case cannot be read" if case["problem"] else "The object and its case are not in quarantine"
        out.print(Text(f"\n{why}: personal values are not shown.", style="dim"))
    for act in case["acts"]:
        other = f", {act['other']} went to quarantine" if act["other"] else ""
        reason = f": {printable(act['reason'])}" if act["reason"] else ""
        out.print(
            Text(f"\n{act['time']}  {act['outcome']} {act['receipt']}{other}, by {printable(act['who'])}{reason}")
        )


def _write_finding(out: Console, finding: Mapping[str, Any]) -> None:
    style = _STYLES.get(finding["severity"], "")
    out.print(
        Text.assemble("\n", (f"{finding['severity']:7}", style), f"{finding['code']}  {printable(finding['message'])}")
    )
    for side in ("expected", "found"):
        for line in _values(finding[side]):
            out.print(Text(f"       {side:8} {line}"))
    if finding["other"]:
        other = finding["other"]
        out.print(
            Text(
                f"       other    {other['receipt']} {printable(other['path'])}, received {other['received']} "
                f"from {printable(other['calling_ae_title'])} at {other['address']}"
            )
        )


def _write_differences(out: Console, differences: Mapping[str, Any]) -> None:
    more = f", {differences['omitted']} more" if differences["omitted"] else ""
    out.print(Text(f"\nDifferences from the stored copy{more}; pixels: {differences['pixels']}", style="bold"))
    table = _table("element", "", "stored", "received")
    for one in differences["differences"]:
        name = str(one["tag"]).partition(" ")[2]
        table.add_row(*(Text(printable("(absent)" if cell is None else cell))
                        for cell in (one["path"], name, one["first"], one["second"])))  # fmt: skip
    write_table(table)


def _values(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [
            f"{printable(name)} = {'(absent)' if one is None else printable(written(one))}"
            for name, one in value.items()
        ]
    return [] if value is None else [printable(written(value))]


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading, no_wrap=heading in ("receipt", "received", "status", "outcome"))
    return table


def _write(table: Table, entries: Sequence[Entry], limit: int, nothing: str) -> None:
    if not entries:
        typer.echo(nothing)
        return
    write_table(table)
    if len(entries) == limit:
        typer.echo(f"the newest {limit}; --limit shows more")


def _sender(entry: Entry) -> str:
    return printable(f"{entry.calling_ae_title} {entry.address}")


def _why(entry: Entry) -> str:
    return " ".join(entry.codes) if entry.replaced_by is None else f"replaced by {as_text(entry.replaced_by)}"


def _status(entry: Entry) -> str:
    return "–" if entry.status is None else f"{entry.status:04X}"
