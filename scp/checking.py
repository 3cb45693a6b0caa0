"""Applies the rules to files, each as if it had been sent, in the order given; the ledger is in memory."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from pydicom.uid import MediaStorageDirectoryStorage

from scp.audit.engine import Judgement, NeedsComparison, examine, judge
from scp.audit.finding import Finding, Verdict
from scp.audit.policy import Policy
from scp.audit.rule import Subject
from scp.audit.series.result import SeriesAudit
from scp.audit.snapshot import Snapshot
from scp.audit.tracked import tracked
from scp.cases import finding_document
from scp.dicom.compare import compare
from scp.dicom.difference import Comparison
from scp.dicom.disclose import disclosed
from scp.dicom.facts import Facts
from scp.dicom.pages import digest
from scp.dicom.part10 import (
    MEDIA_STORAGE_SOP_CLASS_UID,
    MEDIA_STORAGE_SOP_INSTANCE_UID,
    NotDicom,
    Part10,
    read_file,
)
from scp.dicom.read import read_facts
from scp.dicom.request import Association, Request
from scp.dicom.uid import strip_uid
from scp.dicom.walk import Limits
from scp.errors import NodeFault, ObjectTooLarge, in_words
from scp.ids import as_text, new_id
from scp.ledger.port import Admitted, Draft
from scp.ledger.series import all_series
from scp.ledger.sqlite import SqliteLedger
from scp.printable import printable
from scp.series import Auditor
from scp.store.mapped import data_set_in, mapped


@dataclass(frozen=True, slots=True)
class Checked:
    """A file that is an instance, and what a node would have answered; ``findings`` are JSON documents."""

    path: Path
    facts: Facts
    verdict: Verdict
    findings: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path that was not judged, and why. ``unread``: it may be an instance, or a folder with instances."""

    path: Path
    reason: str
    unread: bool = False


def files_under(paths: Sequence[Path]) -> list[Path]:
    """Return the files named, and those in the folders named, sorted within each folder.

    Folders that cannot be read, and links to folders, which are not followed, are themselves in the list. So is a path
    that cannot be examined, as it may be a file.
    """
    return [file for path in paths for file in (sorted(_files_in(path)) if path.is_dir() else (path,))]


def _files_in(folder: Path) -> Iterator[Path]:
    unreadable: list[Path] = []
    for root, folders, names in os.walk(folder, onerror=lambda error: unreadable.append(Path(error.filename))):
        yield from (path for name in folders if _is(Path.is_symlink, path := Path(root, name)))
        yield from (path for name in names if _is(Path.is_file, path := Path(root, name), unknown=True))
    yield from unreadable


def _is(kind: Callable[[Path], bool], path: Path, *, unknown: bool = False) -> bool:
    """Whether a path is of a kind; ``unknown`` if that cannot be told, as in a folder that may only be listed."""
    try:
        return kind(path)
    except OSError:
        return unknown


def shown(path: Path) -> str:
    """Return a path as text that can be written anywhere: what cannot be printed, or is not UTF-8, is escaped."""
    return printable(str(path))


class Checker:
    """A node without a network: judges files, and remembers them in a ledger of its own.

    A Data Set of more than ``object_bytes`` is not judged, because a node would not store it, whatever is in it.
    """

    def __init__(self, policy: Policy, limits: Limits, object_bytes: int = 1 << 32) -> None:
        self._policy = policy
        self._limits = limits
        self._object_bytes = object_bytes
        self._ledger = SqliteLedger(None, durability="none")
        self._association = Association(as_text(new_id()), "127.0.0.1", 0, "CHECK", "AUDITSCP", "2.25.0", "")
        self._paths: dict[int, Path] = {}

    def check(self, path: Path) -> Checked | Skipped:
        """Judge one file, given those that were judged before."""
        try:
            if path.is_dir() and path.is_symlink():
                return Skipped(path, "a link to a folder: name the folder itself", unread=True)
            if path.is_dir():
                return Skipped(path, "a folder that cannot be read", unread=True)
            if path.exists() and not path.is_file():
                return Skipped(path, "not a file, but a pipe or a device")
            with mapped(path) as whole:
                part10 = read_file(whole)
                if isinstance(part10, NotDicom):
                    return Skipped(path, part10.reason)
                if len(whole) - part10.offset > self._object_bytes:
                    return Skipped(path, ObjectTooLarge.comment, unread=True)
                with whole[part10.offset :] as data:
                    return self._judge(path, part10, data)
        except FileNotFoundError:
            return Skipped(path, "there is no such file")
        except OSError as error:
            return Skipped(path, f"it cannot be looked at ({in_words(error)})", unread=True)
        except NodeFault as fault:
            return Skipped(path, str(fault), unread=True)

    def series(self, *, pixels: bool = False) -> Iterator[SeriesAudit]:
        """Judge each whole series of the files checked so far, in order of UID; ``pixels`` adds DUP-008."""
        auditor = Auditor(self._policy, self._limits, lambda _path, receipt: data_set_in(self._paths[receipt]))
        for uid in sorted(self._ledger.transact(all_series)):
            audited = self._ledger.transact(partial(auditor.audit, uid=uid, pixels=pixels))
            if audited:
                yield audited.audit

    def _judge(self, path: Path, part10: Part10, data: memoryview) -> Checked | Skipped:
        facts = read_facts(data, part10.transfer_syntax, self._limits)
        request = self._request(part10, facts)
        if request.sop_class_uid == MediaStorageDirectoryStorage:
            return Skipped(path, "a DICOMDIR: an index of files, which is never sent")
        subject = Subject(request, facts, tracked(facts, self._ledger.fingerprint_key))
        receipt = new_id()
        draft = Draft(receipt, time.time_ns() // 1000, subject, digest(data), len(data))
        admitted = self._admit(draft, path)
        if admitted.instance == receipt:
            self._paths[receipt] = path
        verdict = admitted.judgement.verdict
        findings = [self._finding(one, data, part10.transfer_syntax) for one in verdict.findings]
        return Checked(path, facts, verdict, findings)

    def _request(self, part10: Part10, facts: Facts) -> Request:
        """Return the request that a storage client would make for a file: with the Data Set's own UIDs."""
        sop_class_uid = facts.sop_class_uid or part10.meta.get(MEDIA_STORAGE_SOP_CLASS_UID, "")
        return Request(
            association=self._association,
            message_id=1,
            sop_class_uid=sop_class_uid,
            sop_instance_uid=facts.sop_instance_uid or part10.meta.get(MEDIA_STORAGE_SOP_INSTANCE_UID, ""),
            abstract_syntax=sop_class_uid,
            transfer_syntax=strip_uid(part10.transfer_syntax.encode()),
        )

    def _admit(self, draft: Draft, path: Path) -> Admitted:
        examination = examine(draft.subject)
        comparison: Comparison | None = None

        def decide(snapshot: Snapshot) -> Judgement | NeedsComparison:
            # No response was lost on its way, as there are none: a file that is checked again is a duplicate.
            held = snapshot.held and replace(snapshot.held, confirmed=True)
            return judge(examination, replace(snapshot, held=held, comparison=comparison), self._policy)

        outcome = self._ledger.admit(draft, decide)
        if isinstance(outcome, NeedsComparison):
            comparison = self._compare(self._paths[outcome.held.other.receipt], path)
            outcome = self._ledger.admit(draft, decide)
        assert isinstance(outcome, Admitted)
        return outcome

    def _compare(self, first: Path, second: Path) -> Comparison:
        with data_set_in(first) as (one, one_syntax), data_set_in(second) as (two, two_syntax):
            return compare(one, one_syntax, two, two_syntax, self._limits)

    def _finding(self, finding: Finding, ours: memoryview, syntax: str) -> Mapping[str, Any]:
        problem = finding.problem
        found, expected = problem.found, problem.expected
        if found is None:
            found = disclosed(ours, syntax, problem.tags, self._limits)
        document = dict(finding_document(finding, expected, found))
        if problem.other:
            path = self._paths[problem.other.receipt]
            document["other"] = {"sop_instance_uid": problem.other.sop_instance_uid, "path": shown(path)}
            if expected is None:
                with data_set_in(path) as (theirs, their_syntax):
                    document["expected"] = disclosed(theirs, their_syntax, problem.tags, self._limits)
        return document
