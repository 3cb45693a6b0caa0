"""``auditscp rebuild``: makes a new ledger from archive and quarantine alone."""

from contextlib import closing
from pathlib import Path

import typer
from rich.progress import Progress

from scp.checking import shown
from scp.cli.options import ConfigOption, DataOption, errors, fail, settings_from
from scp.cli.reading import check_owner, data_override, fail_at
from scp.errors import NodeFault
from scp.layout import ARCHIVE, QUARANTINE
from scp.store.store import Store
from scp.upkeep.rebuild import Rebuilder
from scp.wiring import policies, walk_limits


def rebuild(
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Make a new ledger from the objects, their headers and their cases; the node must not be running.

    The old ledger is kept beside it. Exits with 0 if every object is in the new one; 1 if some were left out, or if a
    case or header was damaged; 2 if it could not run, and then the old ledger stays in force.
    """
    settings = settings_from(config, data_override(data))
    folder = settings.storage.folder
    check_owner(folder)
    if not any((folder / top).is_dir() for top in (ARCHIVE, QUARANTINE)):
        fail(f"{folder}: there is neither {ARCHIVE} nor {QUARANTINE}: this is not the data folder of a node")
    try:
        with (
            closing(Store(folder, holder="auditscp rebuild")) as store,
            store.acting(),  # or an act on quarantine would move objects that were found, or not found yet
            Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar,
        ):
            task = bar.add_task("rebuilding", total=None)
            done = Rebuilder(folder, policies(settings), walk_limits(settings)).run(
                lambda number, total: bar.update(task, completed=number, total=total)
            )
    except NodeFault as fault:
        fail_at(folder, fault)
    for path, reason in done.left_out:
        typer.echo(f"left out  {shown(Path(path))}: {reason}")
    for path, reason in done.lacking:
        typer.echo(f"damaged   {shown(Path(path))}: {reason}")
    typer.echo(f"{done.archived} in the archive, {done.quarantined} in quarantine, {len(done.left_out)} left out")
    if done.lacking:
        typer.echo("Where a case or header is damaged, the ledger lacks what only that had.")
    if done.old:
        typer.echo(f"The old ledger is kept as {folder / done.old}")
    raise typer.Exit(1 if done.left_out or done.lacking else 0)
