"""Checks every stored object against the ledger, and finds files that the ledger does not know.

An object must be where its receipt says, and its Data Set must have the digest that it had when it was received. The
node may be running and files are read after the ledger was asked: so a problem is only reported after a second look at
the ledger. Meanwhile an object may have moved from the spool to its place, or retention may have removed it.
"""

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import apsw

from scp.dicom.uid import strip_uid
from scp.errors import in_words
from scp.ids import from_text
from scp.layout import ARCHIVE, QUARANTINE, Place, case_path, recall_path, spool_path
from scp.ledger.kept import Kept, archived_at, kept, place_of
from scp.quarantine.case_file import BadCase, read_case
from scp.upkeep.pace import Pace
from scp.upkeep.reading import Read, read_object

_CASE: Final = ".json"
_DRAFT: Final = ".json.part"


class Sort(StrEnum):
    """What is wrong with a file."""

    MISSING = "missing"  # the ledger has it, the folder does not
    CHANGED = "changed"  # its bytes are not those that were received
    UNREADABLE = "unreadable"  # reading it fails
    UNKNOWN = "unknown"  # the folder has it, the ledger does not
    BAD_CASE = "bad case"  # missing, not readable, or about another object


@dataclass(frozen=True, slots=True)
class Flaw:
    """A file with which something is wrong.

    ``path`` is relative to the data folder; ``receipt`` is that of its object, None if the ledger does not know it.
    """

    sort: Sort
    path: str
    receipt: int | None
    detail: str


@dataclass(slots=True)
class Extent:
    """How much was checked: objects and their bytes, and files that were looked up in the ledger."""

    objects: int = 0
    bytes: int = 0
    files: int = 0


class Verifier:
    """Checks a data folder, whether a node is running on it or not. Raises LedgerFault if the ledger cannot be read."""

    def __init__(self, folder: Path, db: apsw.Connection, pace: Pace, since: int = 0) -> None:
        self._folder = folder
        self._db = db
        self._pace = pace
        self._since = since
        self.extent = Extent()

    def run(self, progress: Callable[[int], None] = lambda _: None) -> Iterator[Flaw]:
        """Yield what is wrong, as it is found; ``progress`` is called with the size of each object that is done."""
        for one in kept(self._db, self._since):
            yield from self._object(one)
            self.extent.objects += 1
            self.extent.bytes += one.size
            progress(one.size)
        for top in (ARCHIVE, QUARANTINE):
            yield from self._strangers(self._folder / top)

    def _object(self, one: Kept) -> Iterator[Flaw]:
        path, content = one.path, _Content(None, "there is no such file")
        recalled = recall_path(one.receipt)  # while it has that name, another object may be in its place
        for candidate in (recalled, one.path, spool_path(one.receipt), recalled, one.path):
            content = self._read(candidate)
            if not content.is_gone:
                break
        if content.is_gone or content.wrong(one):
            now = place_of(self._db, one.receipt)
            if now is None or now != (one.place, one.path):
                return  # it was moved or removed meanwhile: the ledger says so
        if content.is_gone:
            yield Flaw(Sort.MISSING, path, one.receipt, content.error)
        elif content.error:
            yield Flaw(Sort.UNREADABLE, path, one.receipt, content.error)
        elif why := content.wrong(one):
            yield Flaw(Sort.CHANGED, path, one.receipt, why)
        if one.place is Place.QUARANTINE and not content.is_gone:
            yield from self._case(one)

    def _read(self, path: str) -> "_Content":
        try:
            return _Content(read_object(self._folder / path, self._pace.spend), "")
        except FileNotFoundError:
            return _Content(None, "there is no such file", is_gone=True)
        except OSError as error:
            return _Content(None, in_words(error))

    def _case(self, one: Kept) -> Iterator[Flaw]:
        path = case_path(one.path)
        problem = self._case_problem(one)
        # A case is written before its object is placed, and is moved with it, so it may be missing for a moment.
        if problem and place_of(self._db, one.receipt) == (one.place, one.path) and not self._in_flight(one.receipt):
            yield Flaw(Sort.BAD_CASE, path, one.receipt, problem)

    def _case_problem(self, one: Kept) -> str:
        """Say what is wrong with a case; empty if nothing is."""
        try:
            case = read_case(self._folder, one.path, one.receipt)
        except BadCase as bad:
            return bad.problem
        if case is None:
            return "there is no such file"
        same = case["receipt"]["blake3"] == one.digest.hex()
        return "" if same else "receipt.blake3: it is about another object"

    def _strangers(self, below: Path) -> Iterator[Flaw]:
        """Yield files that the ledger does not know, without those that are older than ``since``."""
        for path in _files(below):
            self.extent.files += 1
            relative = path.relative_to(self._folder).as_posix()
            if self._is_known(relative):
                continue
            try:
                found = path.lstat()
            except FileNotFoundError:
                continue  # it was moved or removed meanwhile
            if found.st_mtime * 1_000_000 < self._since:
                continue
            regular = stat.S_ISREG(found.st_mode)
            yield Flaw(Sort.UNKNOWN, relative, None, "no receipt says so" if regular else "not a file")

    def _is_known(self, path: str) -> bool:
        """Whether the ledger has a file at this path; the name says which receipt or instance to look up."""
        name = path.rpartition("/")[2]
        if path.startswith(f"{ARCHIVE}/"):
            found = archived_at(self._db, name.removesuffix(".dcm"))
            return found is not None and found[1] == path
        draft = name.endswith(_DRAFT)
        try:
            receipt = from_text(name.partition(".")[0])
        except ValueError:
            return False
        object_path = path.removesuffix(_DRAFT if draft else _CASE).removesuffix(".dcm") + ".dcm"
        if place_of(self._db, receipt) == (Place.QUARANTINE, object_path) and not draft:
            return True
        return self._in_flight(receipt)  # it is being moved to its place, or away from it

    def _in_flight(self, receipt: int) -> bool:
        return any((self._folder / path(receipt)).exists() for path in (spool_path, recall_path))


@dataclass(frozen=True, slots=True)
class _Content:
    """The result of reading a file: an object, or None and why; None without a reason means it is not DICOM."""

    read: Read | None
    error: str
    is_gone: bool = False

    def wrong(self, one: Kept) -> str:
        """Say what differs from what was received; empty if nothing does, or if it could not be read."""
        if self.error:
            return ""
        if self.read is None:
            return "it is not a DICOM file any more"
        if self.read.size != one.size:
            return f"{self.read.size} bytes instead of {one.size}"
        if self.read.digest != one.digest:
            return "other bytes"
        if self.read.transfer_syntax != strip_uid(one.transfer_syntax.encode()):
            return "its header names another Transfer Syntax"
        return ""


def _files(below: Path) -> Iterator[Path]:
    """Yield everything below a folder but the folders, sorted within each; links are yielded, not followed."""
    for folder, folders, names in os.walk(below, followlinks=False):
        folders.sort()
        here = Path(folder)
        yield from (here / name for name in sorted(names))
        yield from (here / name for name in folders if (here / name).is_symlink())
