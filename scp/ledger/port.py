"""What a ledger does, whatever keeps it.

A ledger has exactly one receipt for each C-STORE request that reached the node, whatever became of it. Receipts are
append-only. It holds no names, birth dates or free text of patients: personal values are fingerprints (see
:mod:`scp.audit.tracked`), and what it keeps of objects for a moment is encrypted, so that it can be looked at, copied
and backed up without care for them. Text as it was written is what scanners call themselves, and the reasons that
people give for their acts on quarantine: they are asked to leave patients out of them.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from scp.audit.engine import Judgement
from scp.audit.finding import Finding
from scp.audit.rule import Subject
from scp.audit.snapshot import Snapshot
from scp.dicom.request import Association, Request
from scp.layout import Placement
from scp.outcomes import Ending, Outcome


@dataclass(frozen=True, slots=True)
class Draft:
    """A request that waits for its decision. ``received`` is in microseconds UTC since 1970.

    ``confirms`` is the instance whose response the same association has by now proved to have read, if any.
    ``content`` is the whole file, if the ledger is to vouch for it until it is on the disk (see :mod:`scp.store.late`).
    """

    receipt: int
    received: int
    subject: Subject
    digest: bytes
    size: int
    confirms: int | None = None
    content: bytes | None = None


class Admitted(NamedTuple):
    """A decision that is committed. ``instance`` is the stored instance that the response speaks of, if any."""

    judgement: Judgement
    placement: Placement
    instance: int | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """One C-STORE request and what became of it, as the ledger tells it.

    ``original`` is the receipt under which the bytes are kept; it is the receipt's own number unless the bytes were
    there already.
    """

    id: int
    received: int
    request: Request
    series_instance_uid: str
    study_instance_uid: str
    outcome: Outcome
    status: int | None
    comment: str
    digest: bytes
    size: int
    placement: Placement
    findings: tuple[Finding, ...] = ()


Judge = Callable[[Snapshot], "Judgement | object"]
"""Decides about a draft from a snapshot. Anything but a Judgement undoes the transaction and is handed back."""


class Ledger(Protocol):
    """See the module's docstring. Every method raises :class:`~scp.errors.LedgerFault` if the ledger fails."""

    fingerprint_key: bytes

    def admit(self, draft: Draft, judge: Judge) -> Admitted | object:
        """Take the snapshot, let ``judge`` decide, and write receipt, findings and instance: one transaction."""
        ...

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
        """Write the receipt of a request about whose data nothing was decided."""
        ...

    def end(self, association: Association, opened: int, closed: int, ending: Ending, confirms: int | None) -> None:
        """Write how an association ended, and which instance its release confirms."""
        ...

    def confirm(self, instance: int) -> None:
        """Note that the sender of a stored instance has read the response."""
        ...

    def doubt(self, instance: int) -> None:
        """Note that the response did not say that an instance is stored, though it is."""
        ...

    def knows(self, receipt: int) -> bool:
        """Whether there is a receipt with this number."""
        ...

    def receipt(self, receipt: int) -> Receipt | None:
        """Return a receipt with its findings."""
        ...

    def receipts(self, *, newest: int = 100) -> Iterable[Receipt]:
        """Return the newest receipts, newest first, without their findings."""
        ...

    def close(self) -> None:
        """Finish. Nothing may be called afterwards."""
        ...
