"""What a ledger does, however it is implemented.

A ledger has exactly one receipt for each C-STORE request that reached the node, whatever became of it. Receipts are
append-only.

It contains no names, birth dates or free text about patients: personal values are fingerprints (see
:mod:`scp.audit.tracked`), and the objects that it keeps until their files are on the disk are encrypted. So it can be
read, copied and backed up without identifying anybody. The only text that is kept as written is the names of scanners,
and the reasons that people give for their acts on quarantine; people are asked to write no patient data into those.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeVar

from scp.audit.engine import Judgement
from scp.audit.finding import Finding
from scp.audit.rule import Subject
from scp.audit.snapshot import Snapshot
from scp.dicom.request import Association, Request
from scp.layout import Placement
from scp.outcomes import Ending, Outcome


@dataclass(frozen=True, slots=True)
class Draft:
    """A request that waits for its decision.

    ``received`` is in microseconds UTC since 1970; ``digest`` and ``size`` are those of the Data Set. ``confirms`` is
    the instance whose response this request proves its sender to have read, if any. ``content`` is the whole file if
    the ledger is to vouch for it until it is on the disk (see :mod:`scp.store.late`).
    """

    receipt: int
    received: int
    subject: Subject
    digest: bytes
    size: int
    confirms: int | None = None
    content: bytes | None = None


class Admitted(NamedTuple):
    """A decision that is committed. ``instance`` is the stored instance that the response is about, if any."""

    judgement: Judgement
    placement: Placement
    instance: int | None


@dataclass(frozen=True, slots=True)
class Receipt:
    """One C-STORE request and what became of it. ``received`` is in microseconds UTC since 1970.

    ``digest`` and ``size`` are those of the Data Set; the digest is empty if the Data Set was not judged.
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


Undecided = TypeVar("Undecided")
"""What a judge returns if it cannot decide yet; the ledger hands it back unread."""

Judge = Callable[[Snapshot], Judgement | Undecided]
"""Decides about a draft from a snapshot. Anything but a Judgement writes nothing and is handed back."""


class Ledger(Protocol):
    """What :mod:`scp.intake` needs. Every method raises :class:`~scp.errors.LedgerFault` if the ledger fails."""

    fingerprint_key: bytes

    def admit(self, draft: Draft, judge: Judge[Undecided]) -> Admitted | Undecided:
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
        """Write the receipt of a request without a decision."""
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

    def close(self) -> None:
        """Close the ledger. Nothing may be called afterwards."""
        ...
