"""A new ledger in the place of another. A crash leaves one of the two there, or none: then a node does not start."""

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


def require_ledger(folder: Path) -> None:
    """Refuse to begin a new ledger where objects are that an old one knew. Raises LedgerFault."""
    ledger = folder / LEDGER
    if ledger.exists() and ledger.stat().st_size:
        return
    for top in (ARCHIVE, QUARANTINE):
        if any(path.is_file() for path in (folder / top).rglob("*.dcm")):
            raise LedgerFault(
                f"there is no ledger, but the {top} holds objects: restore {LEDGER}, or run auditscp rebuild"
            )


def put_in_place(folder: Path, draft: Path) -> str:
    """Give a closed ledger the name of the ledger, durably; return the name under which the old one is kept.

    What SQLite keeps beside a ledger goes with it: left behind, it would be taken for a part of the new one. Raises
    OSError and StoreFault; then the old one is where it was.
    """
    old = f"{LEDGER}.{_stamp()}.old"
    aside = [
        (folder / (LEDGER + end), folder / (old + end)) for end in ("", _WAL) if (folder / (LEDGER + end)).exists()
    ]
    with draft.open("rb") as file:
        os.fsync(file.fileno())
    try:
        for source, target in aside:
            source.rename(target)
            sync_folder(folder)
        (folder / (LEDGER + _SHM)).unlink(missing_ok=True)
        draft.rename(folder / LEDGER)
        sync_folder(folder)
    except (OSError, StoreFault):
        for source, target in aside:
            with suppress(OSError):
                target.rename(source)
        raise
    return old if aside else ""


def set_bad_key_aside(folder: Path) -> None:
    """Rename the file of the key if it does not hold one, so that a new key is made."""
    path = key_path(folder / LEDGER)
    with suppress(FileNotFoundError):
        try:
            load_key(path)
        except LedgerFault:
            path.rename(folder / f"{NAME}.{_stamp()}.old")


def _stamp() -> str:
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
