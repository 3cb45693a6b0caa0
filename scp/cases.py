"""The case of a refused object: everything that a person needs to judge it again, in one JSON document.

A case is made only from the ledger's receipt and the two objects, so recovery can make it as well as the intake. It
lies in quarantine, beside the object, because it may show personal data: the values that differ, of both sides.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson

from scp.audit.finding import Finding, Other
from scp.audit.value import plain
from scp.comparing import compare_in_turn
from scp.dicom import tags as t
from scp.dicom.disclose import disclosed
from scp.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME, NotDicom, read_file
from scp.dicom.request import Request
from scp.dicom.walk import Limits
from scp.errors import NodeFault
from scp.ids import as_text
from scp.layout import timestamp
from scp.ledger.port import Ledger, Receipt
from scp.store.mapped import mapped
from scp.store.store import Store

T = TypeVar("T")

VERSION: Final = 1
"""The version of the document's structure."""


class Cases:
    """Makes the cases of one node."""

    def __init__(self, ledger: Ledger, store: Store, limits: Limits) -> None:
        self._ledger = ledger
        self._store = store
        self._limits = limits

    def document(
        self, receipt: int, source: Path, request: Request | None = None, against: Other | None = None
    ) -> bytes:
        """Return the case of a refused object whose file is ``source``. Raises NodeFault if ledger or store fail.

        ``request`` is what the peer said, word for word, as long as it is known; the ledger keeps only proper UIDs.
        ``against`` is the instance to compare with, if no finding names it: the one that took the object's place.
        """
        decided = self._ledger.receipt(receipt)
        if decided is None:
            raise NodeFault("there is no receipt for the case")
        decided = replace(decided, request=request or decided.request)
        with _data_set(source) as ours:
            findings = [self._finding(finding, decided, ours) for finding in decided.findings]
            differences = self._differences(decided, ours, against)
        return orjson.dumps(
            {
                "version": VERSION,
                "case": as_text(receipt),
                "receipt": receipt_document(decided),
                "association": asdict(decided.request.association),
                "related_general_classes": decided.request.related_general_classes,
                "findings": findings,
                "differences": differences,
                "written_by": {
                    "implementation_class_uid": IMPLEMENTATION_CLASS_UID,
                    "implementation_version_name": IMPLEMENTATION_VERSION_NAME,
                },
            },
            option=orjson.OPT_INDENT_2,
        )

    def _finding(self, finding: Finding, decided: Receipt, ours: memoryview) -> Mapping[str, Any]:
        """Return a finding with both sides; personal values, which the ledger does not hold, come from the objects."""
        problem, syntax = finding.problem, decided.request.transfer_syntax
        found, expected = problem.found, problem.expected
        if found is None:
            found = disclosed(ours, syntax, problem.tags, self._limits)
        if expected is None and problem.other:
            expected = self._quietly(
                problem.other, lambda data, coded: disclosed(data, coded, problem.tags, self._limits)
            )
        return finding_document(finding, expected, found)

    def _differences(self, decided: Receipt, ours: memoryview, against: Other | None) -> Mapping[str, Any] | None:
        """Return what differs from the stored copy of the same instance, if there is one."""
        uid = decided.request.sop_instance_uid
        other = against or next(
            (f.problem.other for f in decided.findings if f.problem.other and f.problem.other.sop_instance_uid == uid),
            None,
        )
        if other is None:
            return None
        syntax = decided.request.transfer_syntax
        comparison = self._quietly(other, lambda data, coded: compare_in_turn(data, coded, ours, syntax, self._limits))
        if comparison is None:
            return None
        document = asdict(comparison)
        for shown, one in zip(document["differences"], comparison.differences, strict=True):
            shown["tag"] = t.name_of(one.tag)
        return document

    def _quietly(self, other: Other, look: Callable[[memoryview, str], T]) -> T | None:
        """Look at the other object; None if it cannot be read, as a case with one side is better than no case."""
        try:
            with self._store.data_set(other.path, other.receipt) as stored:
                return look(*stored)
        except NodeFault:
            return None


def finding_document(finding: Finding, expected: Any, found: Any) -> Mapping[str, Any]:
    """Return a finding in the JSON form of cases and of ``auditscp check``."""
    problem = finding.problem
    return {
        "code": finding.code,
        "severity": str(finding.severity),
        "status": f"{finding.status:04X}",
        "message": problem.message,
        "tags": [t.name_of(tag) for tag in problem.tags],
        "expected": plain(expected),
        "found": plain(found),
        "other": None if problem.other is None else asdict(problem.other) | {"receipt": as_text(problem.other.receipt)},
    }


def receipt_document(decided: Receipt) -> Mapping[str, Any]:
    """Return a receipt as cases show it."""
    return {
        "id": as_text(decided.id),
        "received": timestamp(decided.received),
        "message_id": decided.request.message_id,
        "affected_sop_class_uid": decided.request.sop_class_uid,
        "affected_sop_instance_uid": decided.request.sop_instance_uid,
        "study_instance_uid": decided.study_instance_uid,
        "series_instance_uid": decided.series_instance_uid,
        "abstract_syntax": decided.request.abstract_syntax,
        "transfer_syntax": decided.request.transfer_syntax,
        "outcome": decided.outcome.value,
        "status": None if decided.status is None else f"{decided.status:04X}",
        "comment": decided.comment,
        "blake3": decided.digest.hex(),
        "size": decided.size,
        "path": decided.placement.path,
    }


@contextmanager
def _data_set(source: Path) -> Iterator[memoryview]:
    with mapped(source) as whole:
        found = read_file(whole)
        offset = 0 if isinstance(found, NotDicom) else found.offset
        with whole[offset:] as view:
            yield view
