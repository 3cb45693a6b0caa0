"""A node without a network: a real ledger and a real store in one folder, and instances to give to it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scp.audit.catalogue import RULES
from scp.audit.policy import Policy, make_policy
from scp.dicom.read import read_facts
from scp.dicom.request import Association, Request
from scp.dicom.walk import Limits
from scp.errors import NodeFault
from scp.ids import as_text, new_id
from scp.intake import Answer, Intake, NotBegun
from scp.ledger import rows
from scp.ledger.port import Receipt
from scp.ledger.sqlite import SqliteLedger
from scp.store.store import Store
from tests.rules.builders import encoded, image

LIMITS = Limits()
EXPLICIT = "1.2.840.10008.1.2.1"


def association(ae_title: str = "MODALITY", address: str = "192.0.2.1") -> Association:
    """An association of its own."""
    return Association(as_text(new_id()), address, 40000, ae_title, "AUDITSCP", "1.2.826.0.1.99", "TEST_1")


def request_for(data: bytes, sender: Association | None = None, **changes: Any) -> Request:
    """The request that fits a Data Set; ``changes`` are fields that do not."""
    facts = read_facts(data, EXPLICIT, LIMITS)
    uid, instance = facts.sop_class_uid, facts.sop_instance_uid
    return replace(Request(sender or association(), 1, uid, instance, uid, EXPLICIT), **changes)


def data_set(**changes: Any) -> bytes:
    """A CT slice as it is sent."""
    return encoded(image(**changes))


def take(intake: Intake, request: Request, data: bytes) -> Answer:
    """Let an intake take a whole Data Set, as the receive path does."""
    try:
        reception = intake.begin(request)
    except NotBegun as fault:
        return fault.answer
    try:
        reception.incoming.write(data)
    except NodeFault as fault:
        return intake.failed(reception, fault)
    answer = intake.complete(reception)
    answer.tell()
    return answer


def cut_off(intake: Intake, request: Request) -> None:
    """Begin a request that never is complete."""
    intake.abandon(intake.begin(request))


@dataclass
class Scratch:
    """A node in a folder."""

    folder: Path
    ledger: SqliteLedger
    store: Store
    intake: Intake

    def send(self, data: bytes, sender: Association | None = None, **changes: Any) -> Answer:
        """Let the node take a Data Set, from an association of its own unless another is given."""
        return take(self.intake, request_for(data, sender, **changes), data)

    def receipts(self) -> list[Receipt]:
        """The receipts, oldest first, without their findings."""
        return self.ledger.transact(
            lambda db: [rows.receipt_of(row) for row in db.execute(f"{rows.SELECT_RECEIPT} ORDER BY receipt.id")]
        )

    def files(self, place: str) -> list[str]:
        """The files in a part of the folder."""
        below = self.folder / place
        return sorted(path.relative_to(below).as_posix() for path in below.rglob("*") if path.is_file())

    def settle(self) -> None:
        """Bring light objects to the disk for good, as a serving node does twice a second and when it stops."""
        self.store.late.settle(self.ledger.forget_sealed)

    def close(self) -> None:
        """Let go of the folder as a crash would: for what is not settled, the ledger goes on vouching."""
        self.ledger.close()
        self.store.close()


def open_node(
    folder: Path,
    policies: Callable[[Association], Policy] | None = None,
    *,
    ledger: SqliteLedger | None = None,
    settle_seconds: float = 0.01,
    object_bytes: int = 1_000_000,
) -> Scratch:
    """Open a node in a folder, which may hold what an earlier one left."""
    store = Store(folder, object_bytes=object_bytes)
    ledger = ledger or SqliteLedger(folder / "ledger.sqlite3")
    standard = make_policy(RULES)
    intake = Intake(ledger, store, policies or (lambda _: standard), LIMITS, settle_seconds)
    return Scratch(folder, ledger, store, intake)
