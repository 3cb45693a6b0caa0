"""The embedded ledger: one SQLite file, one connection that writes, durable at every commit.

SQLite comes with apsw, because the one that Python is linked with on some systems has a WAL bug that can lose data.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_bytes
from time import sleep
from typing import Final, Literal, TypeVar

import apsw

from scp.audit.engine import Judgement
from scp.dicom.request import Association, Request
from scp.errors import LedgerFault
from scp.ids import from_text
from scp.layout import Place, Placement
from scp.ledger import rows
from scp.ledger.admission import Admission
from scp.ledger.batch import Batches
from scp.ledger.faults import MISREAD, ledger_fault, misread
from scp.ledger.key import check_of, key_path, load_key, load_or_make_key, verify
from scp.ledger.port import Admitted, Draft, Judge, Receipt, Undecided
from scp.ledger.reading import receipt_of
from scp.ledger.schema import SCHEMA, VERSION
from scp.ledger.sealed import Sealed
from scp.outcomes import Ending, Outcome
from scp.turn import acquire, aside

T = TypeVar("T")

Durability = Literal["full", "none"]
_BUSY_MS: Final = 5_000
_BUSY_TRIES: Final = 1_000
_BUSY_SECONDS: Final = _BUSY_MS / 1000 / _BUSY_TRIES
_CACHE_KIB: Final = 8_192
_CHECKPOINT_PAGES: Final = 8_000
"""Pages of the write-ahead log, 32 MB, after which a commit makes a checkpoint that :mod:`scp.ledger.checkpoints` did
not make in time."""
_LOG_BYTES: Final = 64 << 20
"""The size to which the write-ahead log is cut when it begins anew: a long read may have let it grow."""


class _Undecided(Exception):
    """Undoes a transaction in which the judge could not decide yet."""


class _Writing:
    """The write transaction of a ledger: holds its lock, and an exception undoes it. Entered for each batch."""

    def __init__(self, db: apsw.Connection, lock: threading.Lock, admission: Admission, *, sync: bool) -> None:
        self._db = db
        self._lock = lock
        self._admission = admission
        self._sync = sync
        self._seen: object = None

    def __enter__(self) -> None:
        """Begin. While another program writes, wait for it without the lock and without the turn."""
        for _ in range(_BUSY_TRIES):
            try:
                return self._begin()
            except LedgerFault as fault:
                if not isinstance(fault.__cause__, apsw.BusyError):
                    raise
            aside(sleep, _BUSY_SECONDS)
        return self._begin()

    def _begin(self) -> None:
        acquire(self._lock)
        try:
            self._db.execute("BEGIN IMMEDIATE")
            self._heed_others()
        except BaseException as error:
            self._undo(error)
            raise

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if error is not None:
            self._undo(error)
        elif self._sync:
            aside(self._commit)
        else:
            self._commit()

    def _commit(self) -> None:
        try:
            self._db.execute("COMMIT")
        except BaseException as failed:
            self._undo(failed)
            raise
        self._lock.release()

    def _undo(self, error: BaseException) -> None:
        """Undo what was written. Raises LedgerFault in place of an error of SQLite."""
        try:
            with suppress(apsw.Error):
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
            self._admission.forget()
        finally:
            self._lock.release()
        if isinstance(error, apsw.Error):
            raise ledger_fault("written", error) from error

    def _heed_others(self) -> None:
        """Forget references if another connection has written since: it may have taken the first of a series away."""
        seen = self._db.execute("PRAGMA data_version").get
        if seen != self._seen:
            self._seen = seen
            self._admission.forget_references()


class SqliteLedger:
    """A :class:`~scp.ledger.port.Ledger` in a file; or in memory, to be thrown away."""

    def __init__(self, path: Path | None, durability: Durability = "full") -> None:
        """Open the ledger, making it if it does not exist. Raises LedgerFault if that is not possible."""
        self._lock = threading.Lock()
        try:
            if path:  # before SQLite does: the files that it makes beside it get the same mode
                path.touch()
                path.chmod(0o600)
            self._db = apsw.Connection(str(path) if path else ":memory:")
        except (apsw.Error, OSError) as error:
            raise ledger_fault("opened", error) from error
        try:
            self._db.set_busy_timeout(_BUSY_MS)
            self._db.pragma("journal_mode", "wal")
            self._db.pragma("synchronous", "full" if durability == "full" else "off")
            self._db.pragma("foreign_keys", False)  # every write is made by one function, in order
            self._db.pragma("cache_size", -_CACHE_KIB)
            self._db.wal_autocheckpoint(_CHECKPOINT_PAGES)
            self._db.pragma("journal_size_limit", _LOG_BYTES)
            self.fingerprint_key = self._prepare(path, sync=durability == "full")
            self._db.set_busy_timeout(0)  # from here on _Writing waits, without holding up those who read
        except BaseException as error:
            self._db.close()
            if isinstance(error, apsw.Error | OSError):
                raise ledger_fault("opened", error) from error
            raise
        self._sealed = Sealed(self._db, self.fingerprint_key)
        self._admission = Admission(self._db, self._sealed)
        self._writing = _Writing(self._db, self._lock, self._admission, sync=durability == "full")
        self._batches = Batches(self._writing, _concerns_all)

    def admit(self, draft: Draft, judge: Judge[Undecided]) -> Admitted | Undecided:
        """Take the snapshot, let ``judge`` decide, and write receipt, findings and instance: one transaction."""

        def act() -> Admitted | Undecided:
            snapshot = self._admission.snapshot(draft)
            outcome = judge(snapshot)
            return self._admission.write(draft, snapshot, outcome) if isinstance(outcome, Judgement) else outcome

        return self._batches.run(act)

    def record(
        self,
        receipt: int,
        received: int,
        request: Request,
        outcome: Outcome,
        status: int | None,
        size: int,
        confirms: int | None = None,
    ) -> None:
        """Write the receipt of a request without a decision."""
        row = rows.receipt_row(receipt, received, request, outcome, status, size, Placement(Place.NOWHERE, "", receipt))

        def act() -> None:
            self._admission.confirm(confirms)
            self._admission.know(request.association)
            self._db.execute(rows.INSERT_RECEIPT, row)

        self._batches.run(act)

    def end(self, association: Association, opened: int, closed: int, ending: Ending, confirms: int | None) -> None:
        """Write how an association ended, and which instance its release confirms."""
        number = from_text(association.id)

        def act() -> None:
            self._admission.confirm(confirms)
            self._admission.know(association)
            self._db.execute(
                "UPDATE association SET opened = ?, closed = ?, ending = ? WHERE id = ?",
                (opened, closed, ending.value, number),
            )

        self._batches.run(act)
        self._admission.forget_association(association)

    def confirm(self, instance: int) -> None:
        """Note that the sender of a stored instance has read the response."""
        self._batches.run(lambda: self._admission.confirm(instance))

    def doubt(self, instance: int) -> None:
        """Note that the response did not say that an instance is stored, though it is."""
        self._batches.run(lambda: self._admission.doubt(instance))

    def knows(self, receipt: int) -> bool:
        """Whether there is a receipt with this number."""
        with self._reading():
            return bool(self._db.execute("SELECT 1 FROM receipt WHERE id = ?", (receipt,)).get)

    def receipt(self, receipt: int) -> Receipt | None:
        """Return a receipt with its findings."""
        with self._reading():
            return receipt_of(self._db, receipt)

    def placement(self, receipt: int) -> Placement | None:
        """Return where the bytes of a receipt are; None if there is no such receipt."""
        found = self.receipt(receipt)
        return found.placement if found else None

    def sealed(self) -> list[int]:
        """Return the receipts for whose files the ledger vouches, oldest first."""
        with self._reading():
            return self._sealed.numbers()

    def unseal(self, receipt: int) -> bytes:
        """Return a file for which the ledger vouches. Raises LedgerFault if it is damaged."""
        with self._reading():
            return self._sealed.content(receipt)

    def forget_sealed(self, receipts: Sequence[int]) -> None:
        """Stop vouching for files, which are on the disk by now."""
        self._batches.run(lambda: self._sealed.forget(receipts))

    def transact(self, act: Callable[[apsw.Connection], T]) -> T:
        """Run ``act`` in a write transaction of its own, and return what it returns. An exception undoes it.

        Raises LedgerFault if the ledger fails.
        """
        with self._writing:
            self._admission.forget_references()
            try:
                return act(self._db)
            finally:
                self._admission.forget_references()  # an act may take the first of a series away

    def readmit(
        self,
        draft: Draft,
        prepare: Callable[[apsw.Connection], None],
        judge: Judge[Undecided],
        conclude: Callable[[apsw.Connection], None],
    ) -> Judgement | Undecided:
        """Judge bytes that are kept already, and write the instance under the number of their receipt.

        This is one transaction: ``prepare`` may take another instance away, ``judge`` decides from the snapshot, and
        ``conclude`` writes the rest. Anything but a Judgement undoes all of it and is handed back.
        """
        outcome: Judgement | Undecided

        def act(db: apsw.Connection) -> None:
            nonlocal outcome
            prepare(db)
            snapshot = self._admission.snapshot(draft)
            outcome = judge(snapshot)
            if not isinstance(outcome, Judgement):
                raise _Undecided
            self._admission.write_instance(draft, snapshot, rows.Confirmation.NONE)
            conclude(db)

        with suppress(_Undecided):
            self.transact(act)
        return outcome

    def close(self) -> None:
        """Close the ledger. Nothing may be called afterwards."""
        with self._lock, suppress(apsw.Error):
            self._db.close()

    def _prepare(self, path: Path | None, *, sync: bool) -> bytes:
        """Make or check the tables, and return the fingerprint key."""
        version = self._db.pragma("user_version")
        if version not in (0, VERSION):
            raise LedgerFault(f"the ledger has version {version}; this release reads version {VERSION}")
        if version == 0:
            key = load_or_make_key(key_path(path), sync=sync) if path else token_bytes(32)
            with self._db:
                self._db.execute(SCHEMA)
                self._db.execute("INSERT INTO meta VALUES ('key_check', ?)", (check_of(key),))
                self._db.pragma("user_version", VERSION)
            return key
        assert path, "a ledger in memory is always new"
        check = self._db.execute("SELECT value FROM meta WHERE name = 'key_check'").get
        return verify(load_key(key_path(path)), check)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        acquire(self._lock)
        try:
            yield
        except apsw.Error as error:
            raise ledger_fault("read", error) from error
        except MISREAD as error:
            raise misread(error) from error
        finally:
            self._lock.release()


def _concerns_all(error: BaseException) -> bool:
    """Whether an error is one of the ledger as a whole, not of what a single act wanted to write."""
    return isinstance(error, LedgerFault) and not isinstance(error.__cause__, apsw.ConstraintError)
