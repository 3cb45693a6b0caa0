"""Light objects, after a crash: what the ledger vouches for is written anew, whatever the disk kept of it.

Which of these files had reached the disk cannot be known: after a power cut they may be missing, empty or in part, and
after a failed sync what is read may be in memory only. So each goes into the spool once more, durably, and recovery
brings it to its place as if it had just come. One that was being moved is written over where it is, as all its names
are those of one file.

A file that says that it is another object is not touched, wherever it is: a ledger from a backup may vouch for what has
given its place to another one since.
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
"""Behind the name of an object, which makes it one that recovery takes for nobody's."""


def restore(store: Store, ledger: SqliteLedger) -> tuple[int, int]:
    """Write the objects that the ledger vouches for into the spool; return how many are there, and how many failed.

    Raises LedgerFault if the ledger cannot be read. For what fails, the ledger goes on vouching.
    """
    for draft in (store.folder / SPOOL).glob(f"*{_DRAFT}"):
        with suppress(OSError):
            draft.unlink()
    restored: dict[int, str] = {}
    failed = moved = 0
    for number in ledger.sealed():
        receipt = ledger.receipt(number)
        if receipt is None or receipt.placement.place is Place.NOWHERE:
            store.late.add(number)  # it was let go of meanwhile
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
    """Write what a ledger vouches for to where it belongs, as far as it can be read: the ledger is about to go.

    Raises OSError and StoreFault if the disk does not take it.
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
    """Whether a file says that it is another object than that of a receipt, or none of ours; or cannot be read.

    What a power cut leaves of an object says nothing of the kind, however little that is.
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
    """Write a file's bytes once more, durably, under all its names; what is there already and right stays so."""
    try:
        with path.open("r+b", buffering=0) as file:
            view = memoryview(content)
            while view:
                view = view[file.write(view) :]
            file.truncate()
            os.fsync(file.fileno())
    except OSError as error:
        raise fault("an object cannot be restored", error) from error
