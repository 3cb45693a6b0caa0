"""What commands on a data folder share: its owner, the connection to its ledger, times, and numbers of receipts."""

import os
import pwd
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import apsw
import typer

from scp.audit.catalogue import FAMILIES, find
from scp.cli.options import fail, fail_without_rule
from scp.config import Settings
from scp.errors import NodeFault
from scp.ids import from_text
from scp.layout import LEDGER
from scp.ledger.faults import MISREAD, misread
from scp.ledger.reading import reading
from scp.ledger.series_status import unstored
from scp.printable import printable
from scp.times import EXPECTED, moment

SinceOption = Annotated[
    str | None,
    typer.Option(
        "--since", metavar="TIME", help=f"Only what was received since {EXPECTED} (local time).", show_default=False
    ),
]
SenderOption = Annotated[
    str | None, typer.Option("--ae-title", metavar="TITLE", help="Only from this calling AE title.", show_default=False)
]
RuleOption = Annotated[
    str | None,
    typer.Option(
        "--rule",
        metavar="CODE",
        help="Only what this rule (such as DUP-004) or family warned of or refused.",
        show_default=False,
    ),
]


@contextmanager
def ledger_of(settings: Settings) -> Iterator[apsw.Connection]:
    """Open the ledger for reading; if it cannot be read, say why and exit with 2."""
    try:
        with reading(settings.storage.folder / LEDGER) as db:
            yield db
    except NodeFault as fault:
        fail_at(settings.storage.folder, fault)
    except UnicodeEncodeError:
        raise  # not the ledger's fault: an argument is not UTF-8
    except MISREAD as error:
        fail_at(settings.storage.folder, misread(error))


def fail_without(settings: Settings, series: str) -> NoReturn:
    """Say that nothing is stored of a series, and whether anything of it was refused, and exit with 2."""
    with ledger_of(settings) as db:
        refused = unstored(db, series)
    more = f"; {refused}: see auditscp quarantine list --state all --series {printable(series)}" if refused else ""
    fail(f"{settings.storage.folder}: nothing is stored of series {printable(series)}{more}")


def time_of(option: str, text: str | None) -> int | None:
    """Read the time that was given with an option; if it is not one, say what would be right and exit with 2."""
    try:
        return None if text is None else moment(text, now())
    except ValueError as error:
        fail(f"{option} {printable(text or '')}: {error}")


def rule_of(text: str | None) -> str | None:
    """Check that there is a rule or family of this code, in upper or lower case; otherwise say so and exit with 2."""
    if text is not None and text.upper() not in FAMILIES and find(text) is None:
        fail_without_rule(text)
    return text


def now() -> int:
    """Return the time in microseconds UTC since 1970."""
    return time.time_ns() // 1000


def number_of(text: str) -> int:
    """Read the number of a receipt; if it is not one, say so and exit with 2."""
    try:
        return from_text(text)
    except ValueError as error:
        fail(f"{printable(text)} is not the number of a receipt: {error}")


def data_override(data: Path | None) -> dict[str, object]:
    """Return the override of the configuration that ``--data`` stands for."""
    return {"--data": data and str(data)}


def account(uid: int) -> str:
    """Return the name of an account, or its number if it has none, as in a container."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def check_owner(folder: Path) -> None:
    """Exit with 2 if another account owns the folder: its node could not read or remove files that we make there."""
    if advice := _advice(folder):
        fail(f"{folder} {advice}")


def fail_at(folder: Path, fault: NodeFault) -> NoReturn:
    """Say what is wrong in a data folder, and also whose it is if it is not ours; exit with 2."""
    advice = _advice(folder) if os.geteuid() else ""  # root may read everything
    fail(f"{folder}: {fault}" + (f"; the folder {advice}" if advice else ""))


def _advice(folder: Path) -> str:
    """Return what to do if another account owns the folder; an empty text if it is ours or does not exist."""
    try:
        folder = folder.absolute()  # the folder above "." is not its parent
        owner = folder.stat().st_uid
    except PermissionError:
        return _advice(folder.parent)
    except OSError:
        return ""
    if owner == os.geteuid():
        return ""
    name = account(owner)
    return f"belongs to {name}: run this as {name} (sudo -u {name} auditscp …)"
