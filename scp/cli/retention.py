"""``auditscp retention``: removes what is old, or shows what would be removed."""

import time
from contextlib import closing
from typing import Annotated

import typer

from scp.cli.options import ConfigOption, DataOption, settings_from
from scp.cli.reading import check_owner, data_override, fail_at, ledger_of
from scp.config import Settings
from scp.errors import NodeFault
from scp.layout import LEDGER
from scp.ledger.reading import reading
from scp.ledger.sqlite import SqliteLedger
from scp.observe import logs
from scp.store.store import Store
from scp.upkeep.retention import Expiry, Removed, preview


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
    data: DataOption = None,
    config: ConfigOption = None,
) -> None:
    """Remove what is older than [retention] says. A running node does it by itself, once a day.

    Without --dry-run the node must not be running. Exits with 0 if all is done, 2 if it could not run or finish.
    """
    settings = settings_from(config, data_override(data))
    folder = settings.storage.folder
    with ledger_of(settings):
        pass  # only to fail if there is no ledger
    if not (settings.retention.archive_days or settings.retention.quarantine_days):
        typer.echo("[retention] keeps everything for ever")
        return
    try:
        done = _preview(settings) if dry_run else _remove(settings)
    except NodeFault as fault:
        fail_at(folder, fault)
    for uid in done.uids:
        typer.echo(f"study {uid}")
    typer.echo(
        f"{done.studies} studies with {done.instances} instances, {done.objects} objects of quarantine, "
        f"{done.bytes >> 20} MiB {'would be removed' if dry_run else 'removed'}; {done.kept} studies in doubt stay"
    )


def _preview(settings: Settings) -> Removed:
    folder = settings.storage.folder
    with reading(folder / LEDGER) as db:
        return preview(db, folder, settings.retention, time.time_ns() // 1000)


def _remove(settings: Settings) -> Removed:
    folder, durability = settings.storage.folder, settings.storage.durability
    check_owner(folder)
    logs.configure("auto", "warning")
    with (
        closing(Store(folder, sync=durability == "full", holder="auditscp retention")) as store,
        closing(SqliteLedger(folder / LEDGER, durability)) as ledger,
    ):
        return Expiry(store, ledger, settings.retention, sync=durability == "full").run()
