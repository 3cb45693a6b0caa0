"""A copy of a ledger that is in use, made by SQLite's online backup: its state at one moment, whatever comes meanwhile.

The copy holds patient data only as fingerprints, and not the key of these. It is written under another name beside the
target, checked, synced and renamed, so that the target is never half a copy.
"""

import os
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Final

import apsw

from scp.errors import LedgerFault, StoreFault
from scp.ledger.faults import ledger_fault
from scp.ledger.reading import open_reader
from scp.store.files import fault, sync_folder

_PAGES: Final = 4096
"""Pages of the ledger that are copied in one step."""
_CLOSED: Final = b"SQLite format 3\0", b"\1\1"
"""The first 16 bytes of a copy, and bytes 18 and 19: no write-ahead log, which a ledger in use has beside it."""
_DRAFT: Final = ".part"
_STALE_SECONDS: Final = 24 * 3600.0
_WRITE_ERRORS: Final = frozenset(
    {apsw.SQLITE_IOERR_WRITE, apsw.SQLITE_IOERR_FSYNC, apsw.SQLITE_IOERR_DIR_FSYNC, apsw.SQLITE_IOERR_TRUNCATE}
)
_IS_LEDGER: Final = "SELECT count(*) FROM meta WHERE name = 'key_check'"


class Unsound(LedgerFault):
    """The copy is not sound: the ledger is damaged, or the disk that took the copy is."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied: the size of the file in bytes, and how many receipts are in it."""

    bytes: int
    receipts: int


def back_up(ledger: Path, target: Path, progress: Callable[[int, int], None] = lambda *_: None) -> Copied:
    """Copy a ledger; ``progress`` is called with the number of pages done and of all pages.

    An earlier copy at the target is replaced. Raises LedgerFault if the ledger cannot be read, Unsound if the copy
    fails its check, and StoreFault if the target cannot be written or is anything but an earlier copy.
    """
    _check_target(ledger, target)
    draft = target.with_name(f"{target.name}.{os.getpid()}{_DRAFT}")
    try:
        _clear(target)
        with closing(open_reader(ledger)) as source:
            copied = _copy(source, draft, progress)
        descriptor = os.open(draft, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        draft.replace(target)
    except apsw.Error as error:
        if _is_of_target(error):
            why = "the disk is full" if isinstance(error, apsw.FullError) else "the disk failed, or is full"
            raise StoreFault(f"the copy cannot be written: {why}") from error
        raise ledger_fault("copied", error) from error
    except OSError as error:
        raise fault("the copy cannot be written", error) from error
    finally:
        _remove(draft)
    sync_folder(target.parent)
    return copied


def _clear(target: Path) -> None:
    """Remove drafts that killed processes left behind; one that is still being written is never this old."""
    for path in target.parent.glob(f"{escape(target.name)}.*{_DRAFT}"):
        with suppress(OSError):
            is_draft = path.name.removeprefix(f"{target.name}.").removesuffix(_DRAFT).isdecimal()
            if is_draft and path.stat().st_mtime < time.time() - _STALE_SECONDS:
                _remove(path)


def _remove(draft: Path) -> None:
    for path in (draft, *(draft.with_name(f"{draft.name}{end}") for end in ("-journal", "-wal", "-shm"))):
        with suppress(OSError):
            path.unlink()


def _is_of_target(error: apsw.Error) -> bool:
    """Whether an error is about the target: the target is only written, and the ledger only read."""
    return isinstance(error, apsw.FullError) or getattr(error, "extendedresult", 0) in _WRITE_ERRORS


def _check_target(ledger: Path, target: Path) -> None:
    try:
        if not target.exists():
            return
        if ledger.exists() and target.samefile(ledger):
            raise StoreFault("that is the ledger itself")
        if not _is_copy(target):
            raise StoreFault("there is a file of that name which is no copy of a ledger; it stays as it is")
    except OSError as error:
        raise fault("the target cannot be looked at", error) from error


def _is_copy(path: Path) -> bool:
    """Whether a file is a copy of a ledger, not some other SQLite database. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(20)
    if (head[:16], head[18:]) != _CLOSED:
        return False
    try:
        only_read = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
        with closing(apsw.Connection(f"{path.absolute().as_uri()}?immutable=1", flags=only_read)) as db:
            return bool(db.execute(_IS_LEDGER).get)
    except apsw.Error:
        return False


def _copy(source: apsw.Connection, draft: Path, progress: Callable[[int, int], None]) -> Copied:
    draft.touch(mode=0o600, exist_ok=False)
    with closing(apsw.Connection(str(draft))) as copy:
        # Within a transaction we read the ledger of one moment; without, every commit would make the backup start anew.
        with source, copy.backup("main", source, "main") as backup:
            receipts: int = source.execute("SELECT count(*) FROM receipt").get
            while not backup.done:
                backup.step(_PAGES)
                progress(backup.page_count - backup.remaining, backup.page_count)
        copy.pragma("journal_mode", "delete")  # the copy is one file, without a write-ahead log
        problems = [row[0] for row in copy.execute("PRAGMA integrity_check(1)")]
        copied = copy.execute("SELECT count(*) FROM receipt").get
    if problems != ["ok"] or copied != receipts:
        raise Unsound("the copy is not sound: the ledger is damaged, or the disk that took the copy is")
    return Copied(draft.stat().st_size, receipts)
