"""``auditscp``: all commands, and ``--version``."""

import os
import sys
from pathlib import Path
from typing import Annotated, Final

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
from scp.cli.options import COULD_NOT_RUN, errors
from scp.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.version import __version__

_UNFORGIVING: Final = ("strict", "surrogateescape")
"""Error handlers of outputs that fail on characters that their encoding lacks; the second is that of the C locale."""

app = typer.Typer(
    name="auditscp",
    help="A DICOM Storage SCP that judges what it receives and tells the sender.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve", short_help="Run the node in the foreground.")(serve.serve)
app.command("reload", short_help="Let the running node read its configuration again.")(reload.reload)
app.command("check", short_help="Judge files as if each had been sent.")(check.check)
app.add_typer(quarantine.app, name="quarantine")
app.command("receipts", short_help="List C-STORE requests and what became of them.")(receipts.receipts)
app.command("report", short_help="Count instances by sender, scanner and rule.")(report.report)
app.command("rules", short_help="List every rule and its severities.")(rules.rules)
app.command("explain")(explain.explain)
app.command("hash-password", short_help="Hash a password for the configuration.")(hash_password.hash_password)
app.command("verify", short_help="Check every stored object against the ledger.")(verify.verify)
app.command("backup", short_help="Copy the ledger, even while the node runs.")(backup.backup)
app.command("rebuild", short_help="Make a new ledger from archive and quarantine.")(rebuild.rebuild)
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
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command. It exits with 2 for errors of the environment that the command itself does not handle."""
    _open_outputs()
    try:
        try:
            app(prog_name="auditscp")
        finally:
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python would try again to write the rest when it exits
        if isinstance(error, BrokenPipeError):
            sys.exit(1)  # the reader, such as head, has seen enough; Click does the same if it notices first
        errors.print(f"error: {error.filename or 'the output'}: {error.strerror or error}", markup=False)
        sys.exit(COULD_NOT_RUN)
    except UnicodeEncodeError:
        if not any(map(_is_broken, (*sys.argv, *os.environ.values()))):
            raise
        errors.print("error: an argument, or a variable of the environment, is not UTF-8")
        sys.exit(COULD_NOT_RUN)


def _is_broken(text: str) -> bool:
    """Whether a text was made of bytes that are not UTF-8 (PEP 383)."""
    return not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text)


def _open_outputs() -> None:
    """Make sure that all text can be written, even if an output is closed or the locale lacks a character."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the process ends
        elif stream.errors in _UNFORGIVING:
            stream.reconfigure(errors="replace")
