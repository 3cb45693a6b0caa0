"""``auditscp``: the verbs, and ``--version``."""

from typing import Annotated

import typer

from scp.cli import (
    backup,
    check,
    configuration,
    explain,
    hash_password,
    quarantine,
    rebuild,
    receipts,
    reload,
    report,
    retention,
    rules,
    series,
    serve,
    verify,
)
from scp.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.version import __version__

app = typer.Typer(
    name="auditscp",
    help="A DICOM Storage SCP that judges what it receives and tells the sender.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.command("reload")(reload.reload)
app.command("check")(check.check)
app.add_typer(quarantine.app, name="quarantine")
app.command("receipts")(receipts.receipts)
app.command("report")(report.report)
app.command("rules")(rules.rules)
app.command("explain")(explain.explain)
app.command("hash-password")(hash_password.hash_password)
app.command("verify")(verify.verify)
app.command("backup")(backup.backup)
app.command("rebuild")(rebuild.rebuild)
app.command("retention")(retention.retention)
app.add_typer(series.app, name="series")
app.add_typer(configuration.app, name="config")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"auditscp {__version__}")
        typer.echo(f"Implementation Class UID     {IMPLEMENTATION_CLASS_UID}")
        typer.echo(f"Implementation Version Name  {IMPLEMENTATION_VERSION_NAME}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say what this is, and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command."""
    app(prog_name="auditscp")
