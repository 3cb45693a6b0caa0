"""Moves objects after an act: its last step, which after a crash is finished later."""

from collections.abc import Mapping
from pathlib import Path

from scp.audit.finding import Other
from scp.cases import Cases
from scp.errors import NodeFault, SyncFault
from scp.ids import from_text
from scp.layout import LEDGER, Place, case_path, recall_path, timestamp
from scp.ledger.acts import Act, acts_on
from scp.ledger.port import Receipt
from scp.ledger.reading import reading
from scp.ledger.sqlite import SqliteLedger
from scp.store.recover import Decided
from scp.store.store import Store


class Mover:
    """Moves the bytes of receipts to the places that the ledger has for them."""

    def __init__(self, ledger: SqliteLedger, store: Store, cases: Cases) -> None:
        self._ledger = ledger
        self._store = store
        self._cases = cases

    def decided(self, number: int, source: Path) -> Decided | None:
        """Return the placement of an object in the spool, its case, and the names to remove first.

        ``number`` is its receipt, ``source`` its file; None if the ledger has no such receipt. Raises NodeFault if
        ledger or store fail.
        """
        receipt = self._ledger.receipt(number)
        if receipt is None:
            return None
        with reading(self._store.folder / LEDGER) as db:
            acts = acts_on(db, number)
        last = acts[-1] if acts else None
        leaving = self._leaving(last) if last else {}
        return Decided(receipt.placement, self._case(receipt, source, last), leaving)

    def finish(self, *numbers: int) -> None:
        """Move recalled objects to their places, or only remove their second name if they stay where they are."""
        for number in numbers:
            source = self._store.recalled(number)
            decision = self.decided(number, source)
            if decision is not None:
                self._store.place(source, *decision)

    def finish_interrupted(self) -> None:
        """Finish moves that a crash or a failing disk cut off; what cannot be moved now stays as it is.

        Raises SyncFault if the disk fails.
        """
        for path in self._store.spooled():
            if path == self._store.recalled(number := _number(path)):
                try:
                    self.finish(number)
                except SyncFault:
                    raise
                except NodeFault:
                    continue

    def _leaving(self, act: Act) -> Mapping[str, Path]:
        """Return the former places of an act's objects that are no longer theirs, each with the name in the spool."""
        moved = {act.receipt: act.former, **({act.other: act.former_other} if act.other else {})}
        return {
            former: self._store.recalled(number)
            for number, former in moved.items()
            if former and former != self._path(number)
        }

    def _path(self, number: int) -> str:
        placement = self._ledger.placement(number)
        return placement.path if placement else ""

    def _case(self, receipt: Receipt, source: Path, last: Act | None) -> bytes | None:
        """Return the case of an object that goes to quarantine; None if it has one, which says more than the ledger."""
        if receipt.placement.place is not Place.QUARANTINE or self._store.has(case_path(receipt.placement.path)):
            return None
        winner = self._ledger.receipt(last.receipt) if last and last.other == receipt.id else None
        return self._cases.document(receipt.id, source, against=self._other(winner) if winner else None)

    def _other(self, receipt: Receipt) -> Other:
        """Describe the instance that took an object's place; its path is in the spool until it has been moved."""
        sender = receipt.request.association
        recalled = recall_path(receipt.id)
        return Other(
            receipt=receipt.id,
            sop_instance_uid=receipt.request.sop_instance_uid,
            path=recalled if self._store.has(recalled) else receipt.placement.path,
            calling_ae_title=sender.calling_ae_title,
            address=sender.address,
            received=timestamp(receipt.received),
        )


def _number(path: Path) -> int:
    try:
        return from_text(path.stem)
    except ValueError:
        return 0  # not ours
