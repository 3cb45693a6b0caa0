"""``auditscp backup``: copies the ledger, even of a running node."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from scp.cli.options import ConfigOption, DataOption, errors, fail, settings_from
from scp.cli.reading import data_override, fail_at
from scp.errors import LedgerFault, NodeFault
from scp.layout import LEDGER
from scp.ledger.key import NAME
from scp.printable import count
from scp.upkeep.backup import Unsound, back_up


def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes; an older copy is replaced.")],
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Copy the ledger, as it is at one moment, and check the copy. The node may be running.

    Exits with 0 if the copy is sound, 1 if it is not, 2 if it could not be made.
    """
    folder = settings_from(config, data_override(data)).storage.folder
    try:
        with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
            task = bar.add_task("copying", total=None)
            copied = back_up(folder / LEDGER, target, lambda done, total: bar.update(task, completed=done, total=total))
    except Unsound as fault:
        errors.print(f"error: {fault}", markup=False)
        raise typer.Exit(1) from None
    except LedgerFault as fault:
        fail_at(folder, fault)
    except NodeFault as fault:
        fail(f"{target}: {fault}")
    typer.echo(f"{target}: {count(copied.receipts, 'receipt')}, {copied.bytes >> 10} KiB")
    if sys.stdout.isatty():
        typer.echo(f"The copy holds neither the objects nor {folder / NAME}: copy these after it.")
