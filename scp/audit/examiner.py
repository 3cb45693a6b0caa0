"""Reads, examines and judges the instances of one association, one after another.

The outcome for each instance is the same as that of :func:`~scp.dicom.read.read_facts`,
:func:`~scp.audit.engine.examine` and :func:`~scp.audit.engine.judge` for it alone. What instances of a series have in
common is only decoded and judged once, which saves time.
"""

from collections.abc import Callable
from dataclasses import fields
from itertools import compress
from operator import attrgetter, is_not
from typing import Final

from scp.audit.engine import Examination, Judgement, NeedsComparison, examine, judge
from scp.audit.policy import Policy
from scp.audit.recall import Recall
from scp.audit.rule import Subject
from scp.audit.snapshot import Snapshot
from scp.audit.tracked import FACTS, Tracked, tracked
from scp.audit.traits import Traits
from scp.dicom.decoder import Change, Decoder
from scp.dicom.facts import Facts
from scp.dicom.read import read_facts, recognised
from scp.dicom.request import OF_SENDER, Request
from scp.dicom.walk import Limits

_NOTHING: Final = Snapshot()
_REQUEST: Final = (
    *("sop_class_uid", "abstract_syntax", "transfer_syntax", "related_general_classes"),
    *(f"association.{name}" for name in OF_SENDER),
)
"""What two requests of one series have in common; if it differs, nothing is reused."""
_NEW: Final = frozenset(("request.message_id", "request.sop_instance_uid"))
_DERIVED: Final = (
    *(f"tracked.{name}" for name in Tracked._fields),
    *(f"traits.{name}" for name in Traits._fields),
)
_SNAPSHOT: Final = tuple(f"snapshot.{one.name}" for one in fields(Snapshot))
_PARENTS: Final = frozenset(("snapshot.study", "snapshot.series"))


_of_request: Final = attrgetter(*_REQUEST)
_of_snapshot: Final = attrgetter(*(one.name for one in fields(Snapshot)))


def _moved(names: tuple[str, ...], before: tuple[object, ...], now: tuple[object, ...]) -> list[str]:
    """Return the names of the values that differ. Nearly all are the same object as before, which is checked first."""
    others = compress(zip(names, before, now, strict=True), map(is_not, before, now))
    return [name for name, old, new in others if old != new]


class Examiner:
    """Reads and judges the instances of one association. Not for two threads."""

    def __init__(self, limits: Limits, key: bytes) -> None:
        """``key`` is the fingerprint key of the ledger."""
        self._limits = limits
        self._key = key
        self._start()

    def _start(self) -> None:
        """Forget the previous instance."""
        self._decoder = Decoder()
        self._alone, self._pairwise = Recall(), Recall()
        self._subject: Subject | None = None
        self._snapshot = _NOTHING
        self._since: Change = None
        """What has changed since the pairwise rules were run."""

    def recognise(self, head: bytes, length: int, request: Request) -> Examination | None:
        """Examine a Data Set of ``length`` bytes by its beginning.

        Returns None if it is not encoded like an earlier one: then :meth:`examine` has to read all of it.
        """
        return self._examine(request, lambda: recognised(head, length, request.transfer_syntax, self._decoder))

    def examine(self, data: memoryview | bytes, request: Request) -> Examination:
        """Read a Data Set and run the rules that look at it alone."""
        found = self._examine(request, lambda: read_facts(data, request.transfer_syntax, self._limits, self._decoder))
        assert found
        return found

    def _examine(self, request: Request, read: Callable[[], Facts | None]) -> Examination | None:
        try:
            facts = read()
            if facts is None:
                return None
            subject = Subject(request, facts, self._tracked(facts))
            change = self._change(subject)
            self._subject = subject
            self._since = None if change is None or self._since is None else self._since | change
            return examine(subject, self._alone, change)
        except BaseException:
            self._start()
            raise

    def judge(self, examination: Examination, snapshot: Snapshot, policy: Policy) -> Judgement | NeedsComparison:
        """Judge the instance that was examined last against what the ledger holds."""
        change, before = self._since, self._snapshot
        if change is not None:
            moved = _moved(_SNAPSHOT, _of_snapshot(before), _of_snapshot(snapshot))
            if moved:
                change = None if not _PARENTS.isdisjoint(moved) else change.union(moved)
        outcome = judge(examination, snapshot, policy, self._pairwise, change)
        if not isinstance(outcome, NeedsComparison):
            self._since, self._snapshot = frozenset(), snapshot
        return outcome

    def _tracked(self, facts: Facts) -> Tracked:
        """Return the compared values. If none of their facts has changed, only place and time are made anew."""
        change, before = self._decoder.change, self._subject
        if change is None or before is None:
            return tracked(facts, self._key)
        return tracked(facts, self._key, None if not FACTS.isdisjoint(change) else before.tracked)

    def _change(self, subject: Subject) -> Change:
        """Return the names of what differs from the previous subject; None if that is of another series."""
        change, before = self._decoder.change, self._subject
        if change is None or before is None or "series_instance_uid" in change:
            return None
        if _of_request(before.request) != _of_request(subject.request):
            return None
        moved = _moved(_DERIVED, before.tracked + before.traits, subject.tracked + subject.traits)
        return change.union(_NEW, moved)
