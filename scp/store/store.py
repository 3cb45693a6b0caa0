"""The folders of a node: how objects are received, moved to their places, and read again."""

import fcntl
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from scp.dicom.pages import same
from scp.dicom.part10 import NotDicom, read_file
from scp.errors import DamageFault, NodeFault, StoreFault
from scp.layout import ACTS, ARCHIVE, LOCK, QUARANTINE, SPOOL, Place, Placement, case_path, recall_path, spool_path
from scp.printable import printable
from scp.store.files import fault, make_folder, sync_folder, write_file
from scp.store.gate import OPEN, Gate
from scp.store.late import LateSyncs
from scp.store.mapped import data_set_in, mapped
from scp.store.rounds import Rounds
from scp.store.spool import Incoming
from scp.turn import aside

NOTHING: Final[Mapping[str, Path]] = {}
"""What nearly every object leaves: it was not recalled from anywhere."""
NODE: Final = "another node"
"""What a node is to whoever finds that it holds the folder."""
_SOMEBODY: Final = "another node, rebuild or retention"
_SIGNATURE_BYTES: Final = 100


class Store:
    """Spool, archive and quarantine in one data folder, which the serving process holds for itself."""

    def __init__(
        self,
        folder: Path,
        *,
        sync: bool = True,
        object_bytes: int = 1 << 32,
        holder: str | None = NODE,
        gate: Gate = OPEN,
    ) -> None:
        """Make the folders and lock them. Raises StoreFault if that fails or somebody else holds them.

        ``holder`` is who has the folder for itself, so that others can be told. A tool that works beside a running node
        has None: it takes no lock, and must not receive anything.
        """
        self.folder = folder
        self._root = str(folder)
        self._sync = sync
        self._limit = object_bytes
        self._gate = gate
        self._rounds = Rounds[str](sync_folder)
        self._counting = threading.Lock()
        self._makers = 0
        """How many threads are making folders now. Others may find such a folder before its name is durable."""
        try:
            for name in (SPOOL, ARCHIVE, QUARANTINE):
                make_folder(folder / name, sync=sync)
            self._lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o640)
        except OSError as error:
            raise fault("the data folder cannot be made or written", error) from error
        try:
            if holder:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _sign(self._lock, holder)
            self.late = LateSyncs(folder)
            """The light objects that wait for their sync, for which the ledger vouches until then."""
        except NodeFault:
            os.close(self._lock)
            raise
        except BlockingIOError as error:
            other = _signature(self._lock)
            os.close(self._lock)
            raise StoreFault(f"{other} is using the data folder") from error
        except OSError as error:
            os.close(self._lock)
            raise fault("the data folder cannot be locked", error) from error

    def receive(self, receipt: int, header: bytes) -> Incoming:
        """Begin an object in the spool. Raises StoreFault, and the fault that closes the gate."""
        self._gate.check()
        return Incoming(f"{self._root}/{spool_path(receipt)}", header, self._limit, self._gate.check)

    def finish(self, incoming: Incoming) -> bytes | None:
        """Make a received object durable, or return its whole file if it is so light that the ledger can vouch for it.

        What is returned has to be committed to the ledger before the sender gets its answer.
        """
        incoming.finish()
        content = incoming.content() if self._sync and self.late.takes(incoming.length) else None
        if self._sync and content is None:
            incoming.sync()
        return content

    @contextmanager
    def acting(self) -> Iterator[None]:
        """Keep everybody else, in any process, from moving objects. Waits until nobody else does."""
        try:
            descriptor = os.open(self.folder / ACTS, os.O_RDWR | os.O_CREAT, 0o640)
        except OSError as error:
            raise fault("the data folder cannot be written", error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def recall(self, path: str, receipt: int) -> Path:
        """Give an object that is in its place a second name in the spool, durably, so that it can be moved.

        From then on it is as if it had just been received: :meth:`place` moves it, or recovery after a crash.
        Raises StoreFault if it is not where ``path`` says.
        """
        source, recalled = self.folder / path, self.recalled(receipt)
        try:
            os.link(source, recalled)
            if self._sync:
                sync_folder(recalled.parent)
        except FileNotFoundError as error:
            raise StoreFault("a stored object is not where the ledger says") from error
        except OSError as error:
            raise fault("the object cannot be moved", error) from error
        return recalled

    def recalled(self, receipt: int) -> Path:
        """Return the name that a recalled object has in the spool."""
        return self.folder / recall_path(receipt)

    def place(
        self,
        source: Path | str,
        placement: Placement,
        case: bytes | None = None,
        leaving: Mapping[str, Path] = NOTHING,
        *,
        late: bool = False,
    ) -> None:
        """Move an object from the spool to its place, its ``case`` first. It is durable when this returns.

        If ``late``, it is durable after ``self.late.settle``. ``source`` may be text, which is faster. ``leaving`` are
        the places that recalled objects have to leave first, with their names in the spool.

        An existing file is never replaced: if it has another Data Set, DamageFault is raised and the spool keeps what
        came. Raises StoreFault.
        """
        sync = self._sync and not late
        for path, recalled in leaving.items():
            self._vacate(path, recalled)
        if placement.place is Place.NOWHERE:
            with suppress(FileNotFoundError):
                os.unlink(source)  # noqa: PTH108 - may be text
            return
        target = f"{self._root}/{placement.path}"
        try:
            if case is not None:
                self._make_folders(Path(target))
                self._write_case(self.folder / case_path(placement.path), case)
            is_new = True
            try:
                self._link(source, target)
            except FileExistsError as error:
                if is_new := Path(source).samefile(target):  # from an attempt that came to nothing: see _sync_name
                    os.unlink(target)  # noqa: PTH108 - may be text
                    os.link(source, target)
                elif not _same_data_set(Path(source), Path(target)):
                    raise DamageFault("a file that the ledger does not know is where the object belongs") from error
            if sync:
                self._sync_name(target, is_new=is_new)
            os.unlink(source)  # noqa: PTH108 - may be text
        except OSError as error:
            raise fault("the object cannot be moved to its place", error) from error

    def _vacate(self, path: str, recalled: Path) -> None:
        """Remove the former name of a recalled object, and its case; but not if another file is there by now."""
        target = self.folder / path
        try:
            with suppress(FileNotFoundError):
                if target.samefile(recalled):
                    target.unlink()
            if path.startswith(QUARANTINE):
                (self.folder / case_path(path)).unlink(missing_ok=True)
            if self._sync and target.parent.is_dir():
                sync_folder(target.parent)
        except OSError as error:
            raise fault("the object cannot be moved", error) from error

    def _link(self, source: Path | str, target: str) -> None:
        """Give a file its second name. The folder is there already for all but the first object of a series."""
        try:
            os.link(source, target)
        except FileNotFoundError:
            self._make_folders(Path(target))
            os.link(source, target)

    def _make_folders(self, target: Path) -> None:
        """Make the folders of a file, durably even if the file is late: for later ones nobody may vouch."""
        if target.parent.is_dir():
            return
        with self._counting:
            self._makers += 1
        try:
            make_folder(target.parent, sync=self._sync)
        finally:
            with self._counting:
                self._makers -= 1

    def _sync_name(self, target: str, *, is_new: bool) -> None:
        """Make the name of a file durable. If that fails, a new one is taken away again, and is written anew next time.

        Of a name that stays, a second sync would say that all is well: the kernel tells of what it lost only once.
        """
        try:
            if self._makers:
                self._sync_above(Path(target))
            aside(self._rounds.sync, target.rpartition("/")[0])
        except NodeFault:
            if is_new:
                with suppress(OSError):
                    os.unlink(target)  # noqa: PTH108 - the object keeps its name in the spool
            raise

    def _sync_above(self, target: Path) -> None:
        """Make the names of the folders of a file durable, which another thread may have made but not synced yet."""
        for folder in target.parents[1:]:
            if folder.is_relative_to(self.folder) and folder != self.folder:
                aside(self._rounds.sync, str(folder))

    def _write_case(self, path: Path, case: bytes) -> None:
        draft = path.with_suffix(".json.part")
        draft.unlink(missing_ok=True)
        write_file(draft, case, sync=self._sync)
        draft.replace(path)

    @contextmanager
    def data_set(self, path: str, receipt: int) -> Iterator[tuple[memoryview, str]]:
        """Yield the Data Set of a stored object and its Transfer Syntax. Raises StoreFault.

        An object whose receipt is committed but which has not moved yet is read from the spool. A recalled one is
        looked for there first, because the object that it replaces may still be in its place.
        """
        recalled = recall_path(receipt)
        with ExitStack() as stack:
            for candidate in (recalled, path, spool_path(receipt), recalled, path):
                with suppress(FileNotFoundError):
                    found = stack.enter_context(data_set_in(self.folder / candidate))
                    break
            else:
                raise StoreFault("a stored object is not where the ledger says")
            yield found

    def has(self, path: str) -> bool:
        """Whether a file is where a placement says."""
        return (self.folder / path).exists()

    def spooled(self) -> list[Path]:
        """Return what is in the spool, oldest first."""
        return sorted((self.folder / SPOOL).iterdir())

    def close(self) -> None:
        """Close the data folder."""
        self.late.close()
        os.close(self._lock)


def _sign(lock: int, holder: str) -> None:
    """Write into the lock who holds it. If the disk is full, this is left out."""
    with suppress(OSError):
        os.truncate(lock, 0)
        os.pwrite(lock, f"{holder} (process {os.getpid()})".encode(), 0)


def _signature(lock: int) -> str:
    """Return who holds a lock, as far as that is known."""
    with suppress(OSError, UnicodeDecodeError):
        return printable(os.pread(lock, _SIGNATURE_BYTES, 0).decode()) or _SOMEBODY
    return _SOMEBODY


def _same_data_set(first: Path, second: Path) -> bool:
    """Whether two files hold the same Data Set bytes; their File Meta Information may name other senders."""
    with mapped(first) as one, mapped(second) as two:
        parts = read_file(one), read_file(two)
        if isinstance(parts[0], NotDicom) or isinstance(parts[1], NotDicom):
            return False
        with one[parts[0].offset :] as ours, two[parts[1].offset :] as theirs:
            return same(ours, theirs)
