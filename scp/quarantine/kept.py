"""Reads quarantined objects to be judged again: the request as the peer made it, and the bytes as received."""

from dataclasses import dataclass, replace
from pathlib import Path

from scp.audit.engine import Examination, examine
from scp.audit.rule import Subject
from scp.audit.tracked import tracked
from scp.dicom.pages import digest
from scp.dicom.read import read_facts
from scp.dicom.request import Request
from scp.dicom.walk import Limits
from scp.errors import StoreFault
from scp.ledger.port import Draft, Receipt
from scp.ledger.withdraw import Stored
from scp.quarantine.case_file import read_case
from scp.store.store import Store


@dataclass(frozen=True, slots=True)
class HeldObject:
    """A quarantined object, ready to be judged; it will be admitted under the number of its own receipt."""

    receipt: Receipt
    draft: Draft
    examination: Examination


class Reader:
    """Reads kept objects. Every method raises NodeFault if an object is missing or damaged."""

    def __init__(self, store: Store, limits: Limits, key: bytes) -> None:
        self._store = store
        self._limits = limits
        self._key = key

    def kept(self, receipt: Receipt) -> HeldObject:
        """Read a quarantined object as it was sent, the request from its case, which has more of it than the ledger."""
        request = asked(self._store.folder, receipt)
        with self._store.data_set(receipt.placement.path, receipt.id) as (data, _):
            if digest(data) != receipt.digest:
                raise StoreFault("the bytes are not those that were received")
            facts = read_facts(data, request.transfer_syntax, self._limits)
        subject = Subject(request, facts, tracked(facts, self._key))
        return HeldObject(
            receipt, Draft(receipt.id, receipt.received, subject, receipt.digest, receipt.size), examine(subject)
        )

    def stored(self, number: int, path: str) -> Stored:
        """Read the facts of a stored instance."""
        with self._store.data_set(path, number) as (data, syntax):
            facts = read_facts(data, syntax, self._limits)
        return Stored(facts, tracked(facts, self._key))


def asked(folder: Path, receipt: Receipt) -> Request:
    """Return the request of a receipt: exactly as it was if there is a case, else as far as the ledger has it.

    Raises BadCase if the case is damaged.
    """
    case = read_case(folder, receipt.placement.path, receipt.id)
    if case is None:
        return receipt.request
    return replace(
        receipt.request,
        sop_class_uid=case["receipt"]["affected_sop_class_uid"],
        sop_instance_uid=case["receipt"]["affected_sop_instance_uid"],
        related_general_classes=tuple(case["related_general_classes"]),
    )
