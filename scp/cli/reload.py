"""``auditscp reload``: has the running node read its configuration again, and reports the outcome."""

import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer

from scp.cli.options import ConfigOption, DataOption, errors, fail, settings_of
from scp.config import ConfigurationError
from scp.standing import Reload, Standing, running

REFUSED: Final = 1
RESTART: Final = 3
_POLL: Final = 0.05
"""Seconds between looks at whether the node has answered."""


def reload(
    config: ConfigOption = None,
    data: DataOption = None,
    wait: Annotated[float, typer.Option("--wait", metavar="S", min=0, help="Seconds to wait for the outcome.")] = 30.0,
) -> None:
    """Let the running node read its configuration again; associations go on.

    The node reads the file with which it was started; --config or --data only say where its data folder is.

    Exits with 0 if everything is in force; with 1 if something is wrong with the configuration, and nothing was
    changed; with 2 if there is no node to ask, or it does not answer; with 3 if some settings need a restart, and all
    others are in force.
    """
    folder = data or _folder(config)
    standing = running(folder)
    if standing is None:
        fail(f"{folder}: no node of this machine and user is running there")
    outcome = _ask(folder, standing, wait)
    if outcome.problems:
        _refuse(outcome.problems)
    for setting in outcome.changed:
        typer.echo(f"in force: {setting}")
    for setting in outcome.restart:
        typer.echo(f"needs a restart: {setting}")
    if not outcome.changed and not outcome.restart:
        typer.echo("no setting differs; certificates and secrets were read again")
    if outcome.restart:
        raise typer.Exit(RESTART)


def _folder(config: Path | None) -> Path:
    """Return the data folder. If the file is wrong for us, it is wrong for the node too, which need not be asked."""
    try:
        return settings_of(config).storage.folder
    except ConfigurationError as error:
        _refuse([str(problem) for problem in error.problems])


def _ask(folder: Path, standing: Standing, seconds: float) -> Reload:
    begun = time.monotonic()
    try:
        os.kill(standing.pid, signal.SIGHUP)
    except OSError as error:
        fail(f"process {standing.pid} cannot be signalled: {error.strerror}")
    now: Standing | None = standing
    # A reload that had begun before we asked may have read the file before it was changed.
    while now and not (now.reload and now.reload.begun >= begun):
        if time.monotonic() - begun > seconds:
            fail(f"the node does not answer in {seconds:g} seconds; its log may say why")
        time.sleep(_POLL)
        now = running(folder)
    if now is None or now.reload is None:
        fail("the node has ended")
    return now.reload


def _refuse(problems: Iterable[str]) -> NoReturn:
    for problem in problems:
        errors.print(f"error: {problem}", markup=False)
    errors.print("nothing was changed", markup=False)
    raise typer.Exit(REFUSED)
