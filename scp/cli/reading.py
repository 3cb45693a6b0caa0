"""What verbs on a data folder share: whose it is, the connection to its ledger, times, and numbers of receipts."""

import os
import pwd
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import apsw
import typer

from scp.cli.options import fail
from scp.config import Settings
from scp.errors import NodeFault
from scp.ids import from_text
from scp.layout import LEDGER
from scp.ledger.reading import reading
from scp.ledger.series_status import unstored
from scp.printable import printable
from scp.times import EXPECTED, moment

SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help=f"Only what came since {EXPECTED}.", show_default=False)
]
SenderOption = Annotated[
    str | None, typer.Option("--ae-title", metavar="TITLE", help="Only from this calling AE title.", show_default=False)
]


@contextmanager
def ledger_of(settings: Settings) -> Iterator[apsw.Connection]:
    """Give the ledger for reading; if it cannot be read, say why and exit with 2."""
    try:
        with reading(settings.storage.folder / LEDGER) as db:
            yield db
    except NodeFault as fault:
        fail(f"{settings.storage.folder}: {fault}")


def fail_without(settings: Settings, series: str) -> NoReturn:
    """Say that nothing is stored of a series, and what was refused of it, and exit with 2."""
    with ledger_of(settings) as db:
        refused = unstored(db, series)
    more = f"; {refused}: see auditscp quarantine list --state all --series {printable(series)}" if refused else ""
    fail(f"{settings.storage.folder}: nothing is stored of series {printable(series)}{more}")


def time_of(option: str, text: str | None) -> int | None:
    """Read a time; if it is none, say what would be right and exit with 2."""
    try:
        return None if text is None else moment(text, now())
    except ValueError as error:
        fail(f"{option} {printable(text or '')}: {error}")


def now() -> int:
    """Return the time in microseconds UTC since 1970."""
    return time.time_ns() // 1000


def number_of(text: str) -> int:
    """Read the number of a receipt; if it is none, say so and exit with 2."""
    try:
        return from_text(text)
    except ValueError as error:
        fail(f"{printable(text)} is not the number of a receipt: {error}")


def data_override(data: Path | None) -> dict[str, object]:
    """Return the setting that ``--data`` stands for."""
    return {"--data": data and str(data)}


def account(uid: int) -> str:
    """Return the name of an account, or its number if it has none, as in a container."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def check_owner(folder: Path) -> None:
    """Refuse to leave files that the node, under its own account, could not read or remove."""
    if not folder.is_dir() or folder.stat().st_uid == os.geteuid():
        return
    owner = account(folder.stat().st_uid)
    fail(f"{folder} belongs to {owner}: run this as {owner} (sudo -u {owner} auditscp …)")
