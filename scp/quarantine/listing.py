"""A refused object as a person looks at it: its case, what became of it, and what was done about it."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import apsw

from scp.cases import VERSION, finding_document, receipt_document
from scp.ids import as_text
from scp.layout import Place, case_path, recall_path, spool_path
from scp.ledger.acts import STATES, Act, State, act_document, acts_on
from scp.ledger.port import Receipt
from scp.ledger.reading import receipt_of
from scp.quarantine.case_file import BadCase, read_case


def case_of(db: apsw.Connection, folder: Path, number: int) -> Mapping[str, Any] | None:
    """Return the case of a receipt, with its ``state`` and ``acts``; None if there is no such receipt.

    For an identical resend, this is the case of the object that was kept. While the object is in quarantine, the case
    is the file beside it, with the patient data of both sides. Otherwise, and if that file is missing or damaged, it is
    made from the ledger, which has no patient data, and ``personal`` is false. ``problem`` says what is wrong with the
    file, and is None if nothing is.
    """
    receipt = receipt_of(db, number)
    if receipt and receipt.placement.place is Place.NOWHERE and receipt.placement.original != number:
        receipt = receipt_of(db, receipt.placement.original) or receipt
    if receipt is None:
        return None
    acts = acts_on(db, receipt.id)
    case, problem = None, None
    if receipt.placement.place is Place.QUARANTINE:
        case, problem = _file_of(db, folder, receipt)
    return {
        **(case or _without_file(receipt)),
        "personal": case is not None,
        "problem": problem,
        "state": _state(receipt, acts),
        "acts": [act_document(act) for act in acts],
    }


def _file_of(db: apsw.Connection, folder: Path, receipt: Receipt) -> tuple[Mapping[str, Any] | None, str | None]:
    """Return the contents of the case file of a held object, or None and what is wrong with the file.

    A missing file is no problem while the object is on its way there, or if it was moved meanwhile.
    """
    path = receipt.placement.path
    in_flight = any((folder / place(receipt.id)).exists() for place in (spool_path, recall_path))
    try:
        case = read_case(folder, path, receipt.id)
    except BadCase as bad:
        return None, str(bad)
    if case or in_flight or receipt_of(db, receipt.id) != receipt:
        return case, None
    return None, f"{case_path(path)}: there is no such file"


def _without_file(receipt: Receipt) -> Mapping[str, Any]:
    return {
        "version": VERSION,
        "case": as_text(receipt.id),
        "receipt": receipt_document(receipt),
        "association": asdict(receipt.request.association),
        "findings": [finding_document(one, one.problem.expected, one.problem.found) for one in receipt.findings],
        "differences": None,
    }


def _state(receipt: Receipt, acts: list[Act]) -> str | None:
    if receipt.placement.place is Place.QUARANTINE:
        return State.HELD
    own = [act.kind for act in acts if act.receipt == receipt.id]
    return STATES.get(own[-1]) if own else None
