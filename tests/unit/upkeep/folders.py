"""Data folders with something in them, as a node left them."""

from pathlib import Path
from typing import Any

import apsw

from scp.audit.catalogue import RULES
from scp.audit.policy import Policy, make_policy
from scp.dicom.request import Association
from tests.unit.nodes import Scratch, data_set, open_node
from tests.wire.objects import ct

STANDARD = make_policy(RULES)


def policies(_: Association) -> Policy:
    return STANDARD


def slice_of(number: int, study: int = 1, **changes: Any) -> bytes:
    """Slice ``number`` of the good CT series of a study."""
    return ct(number, study, **changes).data


def heavy_slice_of(number: int, study: int = 1, **changes: Any) -> bytes:
    """A slice of such a series that is too large for the ledger to vouch for."""
    return slice_of(number, study, Rows=256, Columns=256, PixelData=bytes(2 * 256 * 256), **changes)


def filled(folder: Path) -> Scratch:
    """A node that has stored two series, with a warning, and refused three objects; one of them twice."""
    folder.mkdir(exist_ok=True)
    node = open_node(folder)
    for number in (3, 1, 2):
        assert node.send(slice_of(number)).verdict.status == 0
    assert node.send(slice_of(1, study=2, ImagePositionPatient=None)).verdict.status == 0
    for refused in REFUSED:
        assert node.send(refused).verdict.status >= 0xA000
    node.settle()
    return node


CONFLICT = slice_of(1, WindowCenter="77")
OTHER_PATIENT = slice_of(9, PatientID="SOMEBODY", PatientName="Else^Somebody")
UNPLACED = data_set(Modality=None)
REFUSED = (CONFLICT, OTHER_PATIENT, UNPLACED, CONFLICT)


def table(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    """Rows of the ledger, each as they stand."""
    db = apsw.Connection(str(folder / "ledger.sqlite3"), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return db.execute(statement).fetchall()
    finally:
        db.close()
