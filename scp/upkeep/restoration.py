"""After a crash, writes anew the light objects whose bytes the ledger still has, whatever the disk kept of their files.

Nobody can know which of these files reached the disk: after a power cut they may be missing, empty or cut short, and
after a failed sync a file that reads well may be in memory only. So each is written into the spool once more, durably,
and recovery places it as if it had just been received. An object that an act was moving is overwritten where it is,
as all its names are links to one file.

A file whose header says that it is another object is never touched: a ledger restored from a backup may still have the
bytes of an object that was replaced since.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import apsw

from scp import provenance
from scp.dicom.part10 import IMPLEMENTATION, IMPLEMENTATION_CLASS_UID, NotDicom, read_file, read_note
from scp.dicom.uid import is_uid
from scp.errors import LedgerFault, NodeFault
from scp.layout import LEDGER, SPOOL, Place, recall_path, spool_path
from scp.ledger.key import key_beside
from scp.ledger.reading import fetch, reading
from scp.ledger.sealed import Sealed
from scp.ledger.sqlite import SqliteLedger
from scp.store.files import fault, make_folder, sync_folder, write_file
from scp.store.store import Store
from scp.upkeep.reading import HEAD

_PLACE: Final = "SELECT path FROM receipt WHERE id = ? AND kept <> ?"
_DRAFT: Final = ".draft"
"""Ending of a file that is not complete yet; under such a name recovery does not take it for an object."""


def restore(store: Store, ledger: SqliteLedger) -> tuple[int, int]:
    """Write the objects whose bytes the ledger has anew; return how many were written, and how many failed.

    The ledger keeps the bytes of those that failed. Raises LedgerFault if the ledger cannot be read.
    """
    for draft in (store.folder / SPOOL).glob(f"*{_DRAFT}"):
        with suppress(OSError):
            draft.unlink()
    restored: dict[int, str] = {}
    failed = moved = 0
    for number in ledger.sealed():
        receipt = ledger.receipt(number)
        if receipt is None or receipt.placement.place is Place.NOWHERE:
            store.late.add(number)  # the object was removed meanwhile, so the ledger may forget its bytes
            continue
        try:
            content = ledger.unseal(number)
            if store.has(recall_path(number)) and not _is_another(store.recalled(number), number):
                _write_over(store.recalled(number), content)
                moved += 1
            else:
                _spool(store.folder / spool_path(number), content)
                restored[number] = receipt.placement.path
        except NodeFault:
            store.late.vouch_on(number)
            failed += 1
    if restored:
        sync_folder(store.folder / SPOOL)
    for number, path in restored.items():
        with suppress(OSError):  # then recovery finds other bytes there, and says so
            if not _is_another(store.folder / path, number):
                (store.folder / path).unlink(missing_ok=True)
    return len(restored) + moved, failed


def write_back(folder: Path) -> None:
    """Write the objects whose bytes a ledger has to where they belong, before another ledger takes its place.

    What cannot be read from the ledger is skipped. Raises OSError and StoreFault if an object cannot be written.
    """
    with suppress(LedgerFault, apsw.Error), reading(folder / LEDGER) as db:
        sealed = Sealed(db, key_beside(db))
        for number in sealed.numbers():
            for (path,) in fetch(db, _PLACE, (number, Place.NOWHERE.value)):
                with suppress(LedgerFault):
                    _put(folder, number, path, sealed.content(number))


def _put(folder: Path, number: int, path: str, content: bytes) -> None:
    spooled, target = folder / spool_path(number), folder / path
    if _is_another(target, number):
        return
    _spool(spooled, content)
    make_folder(target.parent, sync=True)
    spooled.replace(target)
    sync_folder(target.parent)


def _is_another(path: Path, number: int) -> bool:
    """Whether a file is another object than that of a receipt: its header says so, or it cannot be read.

    The header of another receipt or of another implementation says so. What a power cut leaves of an object does not.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    came, found = provenance.read(read_note(head)), read_file(head)
    if came:
        return came.receipt != number
    maker = "" if isinstance(found, NotDicom) else found.meta.get(IMPLEMENTATION, "")
    return is_uid(maker) and maker != IMPLEMENTATION_CLASS_UID


def _spool(path: Path, content: bytes) -> None:
    draft = path.with_name(path.name + _DRAFT)
    try:
        draft.unlink(missing_ok=True)
        write_file(draft, content, sync=True)
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise fault("an object cannot be restored", error) from error


def _write_over(path: Path, content: bytes) -> None:
    """Write a file's bytes once more, durably, in place: all its names show them, and right bytes stay right."""
    try:
        with path.open("r+b", buffering=0) as file:
            view = memoryview(content)
            while view:
                view = view[file.write(view) :]
            file.truncate()
            os.fsync(file.fileno())
    except OSError as error:
        raise fault("an object cannot be restored", error) from error
