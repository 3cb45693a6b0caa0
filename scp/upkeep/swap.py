"""A new ledger in the place of another. A crash leaves one of the two there, or none: then a node does not start.

What SQLite keeps beside a ledger, its write-ahead log, is a part of it: left behind, it would be taken for a part of
the new one, and the old one would lack what was committed last. Two files cannot be renamed at once, so the next swap
must be able to tell how far one came that was cut off:

1. The ledger is set aside, under a name with the time in it: from here on nobody can open it without its log.
2. Its log is, under the same name.
3. The new ledger gets its name: it is in force.
4. The log that was set aside, and then the ledger, get the names under which they are kept.

:func:`resume` goes back before 1 what was cut off before 3, and finishes what was cut off after that.
"""

import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from scp.errors import LedgerFault, StoreFault
from scp.layout import ARCHIVE, LEDGER, QUARANTINE
from scp.ledger.key import NAME, key_path, load_key
from scp.store.files import sync_folder

_WAL: Final = "-wal"
_SHM: Final = "-shm"
_ASIDE: Final = ".aside"
_OLD: Final = ".old"


def require_ledger(folder: Path) -> None:
    """Refuse to begin a new ledger where objects are that an old one knew. Raises LedgerFault."""
    if _is_there(folder / LEDGER):
        return
    if _aside(folder):
        raise LedgerFault(f"there is no ledger: a rebuild was cut off. Run auditscp rebuild, or restore {LEDGER}")
    for top in (ARCHIVE, QUARANTINE):
        if any(path.is_file() for path in (folder / top).rglob("*.dcm")):
            raise LedgerFault(
                f"there is no ledger, but the {top} holds objects: restore {LEDGER}, or run auditscp rebuild"
            )


def put_in_place(folder: Path, draft: Path) -> str:
    """Give a closed ledger the name of the ledger, durably; return the name under which the old one is kept.

    That is empty if there was none. Raises OSError and StoreFault; then the old one is where it was.
    """
    aside = f"{LEDGER}.{_stamp()}{_ASIDE}"
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    try:
        for end in ("", _WAL):
            _rename(folder, LEDGER + end, aside + end)
        (folder / (LEDGER + _SHM)).unlink(missing_ok=True)
        _rename(folder, draft.name, LEDGER)
    except (OSError, StoreFault):
        _undo(folder, draft, aside)
        raise
    return _keep(folder, aside)


def resume(folder: Path) -> None:
    """Finish a swap that was cut off, or put back what it had set aside. Raises OSError and StoreFault."""
    for aside in reversed(_aside(folder)):  # an older one was in force no more, and could not be renamed
        if _is_there(folder / LEDGER):
            _keep(folder, aside)
        else:
            for end in (_WAL, ""):
                _rename(folder, aside + end, LEDGER + end)


def _undo(folder: Path, draft: Path, aside: str) -> None:
    """Go back, whatever the disk says: the log comes before the ledger, which nobody may open without it."""
    steps = [(aside + _WAL, LEDGER + _WAL), (aside, LEDGER)]
    if not draft.exists():
        steps.insert(0, (LEDGER, draft.name))
    for source, target in steps:
        with suppress(OSError):
            (folder / source).rename(folder / target)


def _keep(folder: Path, aside: str) -> str:
    """Give what was set aside the name under which it is kept; return the name that it has.

    The ledger comes last: its name says whether there is anything left to do.
    """
    old = aside.removesuffix(_ASIDE) + _OLD
    with suppress(OSError, StoreFault):  # then the next swap does it: the new ledger is in force
        for end in (_WAL, ""):
            _rename(folder, aside + end, old + end)
    return next((name for name in (old, aside) if (folder / name).exists()), "")


def _rename(folder: Path, name: str, other: str) -> None:
    """Rename a file durably, if it is there."""
    with suppress(FileNotFoundError):
        (folder / name).rename(folder / other)
        sync_folder(folder)


def _aside(folder: Path) -> list[str]:
    """Return the names of ledgers that a swap set aside, oldest first."""
    return sorted(path.name for path in folder.glob(f"{LEDGER}.*{_ASIDE}"))


def _is_there(ledger: Path) -> bool:
    """Whether there is a ledger; a file without anything in it is none."""
    return ledger.exists() and ledger.stat().st_size > 0


def set_bad_key_aside(folder: Path) -> None:
    """Rename the file of the key if it does not hold one, so that a new key is made."""
    path = key_path(folder / LEDGER)
    with suppress(FileNotFoundError):
        try:
            load_key(path)
        except LedgerFault:
            path.rename(folder / f"{NAME}.{_stamp()}{_OLD}")


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
