"""``auditscp receipts``: lists C-STORE requests, who sent them, and what became of them."""

import re
from typing import Annotated

import typer

from scp.cli import quarantine_text
from scp.cli.options import (
    ConfigOption,
    DataOption,
    FormatOption,
    LimitOption,
    OutputFormat,
    fail,
    settings_from,
    write_json,
)
from scp.cli.reading import RuleOption, SenderOption, SinceOption, data_override, ledger_of, rule_of, time_of
from scp.ledger.queries import PAGE, ReceiptFilter, entry_document
from scp.ledger.queries import receipts as receipts_of
from scp.outcomes import Outcome
from scp.printable import printable


def receipts(
    since: SinceOption = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until", metavar="TIME", help="Only what was received before that; as --since.", show_default=False
        ),
    ] = None,
    ae_title: SenderOption = None,
    outcome: Annotated[
        Outcome | None, typer.Option("--outcome", help="Only those with this outcome.", show_default=False)
    ] = None,
    status: Annotated[
        str | None,
        typer.Option("--status", metavar="HEX", help="Only those answered with it, such as C111.", show_default=False),
    ] = None,
    rule: RuleOption = None,
    series: Annotated[
        str | None,
        typer.Option("--series", metavar="UID", help="Only of this Series Instance UID.", show_default=False),
    ] = None,
    instance: Annotated[
        str | None,
        typer.Option("--instance", metavar="UID", help="Only of this SOP Instance UID.", show_default=False),
    ] = None,
    limit: LimitOption = PAGE,
    output: FormatOption = OutputFormat.TEXT,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """List C-STORE requests and what became of them, newest first. Works while the node is running."""
    settings = settings_from(config, data_override(data))
    wanted = ReceiptFilter(
        since=time_of("--since", since),
        until=time_of("--until", until),
        calling_ae_title=ae_title,
        outcome=outcome and outcome.value,
        status=_status(status),
        rule=rule_of(rule),
        series=series,
        instance=instance,
        limit=limit,
    )
    with ledger_of(settings) as db:
        found = receipts_of(db, wanted)
    if output is OutputFormat.JSON:
        for entry in found:
            write_json(entry_document(entry))
    else:
        quarantine_text.write_receipts(found, limit)


def _status(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9A-Fa-f]{4}", text):
        fail(f"--status {printable(text)}: expected four hexadecimal digits such as C111")
    return int(text, 16)
