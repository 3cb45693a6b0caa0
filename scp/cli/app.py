"""``auditscp``: the verbs, and ``--version``."""

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
"""How outputs take a sign that they do not have, the second in the C locale: not at all."""

app = typer.Typer(
    name="auditscp",
    help="A DICOM Storage SCP that judges what it receives and tells the sender.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.command("reload", short_help="Let the running node read its configuration again.")(reload.reload)
app.command("check", short_help="Judge files as if each had been sent.")(check.check)
app.add_typer(quarantine.app, name="quarantine")
app.command("receipts", short_help="List C-STORE requests and what became of them.")(receipts.receipts)
app.command("report", short_help="Count what came and what became of it.")(report.report)
app.command("rules", short_help="List every rule and how severe it is.")(rules.rules)
app.command("explain")(explain.explain)
app.command("hash-password", short_help="Hash a password for the configuration.")(hash_password.hash_password)
app.command("verify", short_help="Read what is stored again, and name what is wrong.")(verify.verify)
app.command("backup", short_help="Copy the ledger, while the node runs, too.")(backup.backup)
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
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say what this is, and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command. What the surroundings deny it, beyond what the verbs expect, is told, and it ends with 2."""
    _open_outputs()
    try:
        try:
            app(prog_name="auditscp")
        finally:
            sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing is left that Python would try to write at the end
        if isinstance(error, BrokenPipeError):
            sys.exit(1)  # as Click does if it notices first: who reads has seen enough
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
    """Let everything be written, also where an output is closed, or where the locale has no sign for it."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the process ends
        elif stream.errors in _UNFORGIVING:
            stream.reconfigure(errors="replace")
