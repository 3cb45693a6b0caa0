"""Runs the rules. If a rule fails, the instance gets the finding INT-001, and the other rules run all the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from scp.audit.catalogue import INTERNAL, REQUEST_RULES, RULES
from scp.audit.finding import Outcome, Problem, Verdict
from scp.audit.policy import Found, Policy
from scp.audit.recall import Check, Recall
from scp.audit.rule import Rule, Subject
from scp.audit.snapshot import Held, Snapshot
from scp.dicom import tags as t
from scp.dicom.decoder import Change
from scp.dicom.sop_classes import Kind
from scp.errors import place_of


@dataclass(frozen=True, slots=True)
class Crash:
    """A rule that raised: its code, the type of the error and where it was raised. The error's text may be personal."""

    code: str
    error: str
    place: str


class Judgement(NamedTuple):
    """A verdict, and the rules that failed on the way to it."""

    verdict: Verdict
    crashes: tuple[Crash, ...] = ()


@dataclass(frozen=True, slots=True)
class NeedsComparison:
    """No verdict yet: another object with this SOP Instance UID is stored, and the two must be compared first."""

    held: Held


def _applicable(check_of: Callable[[Rule], Callable[..., Outcome] | None]) -> Mapping[Kind, tuple[Check, ...]]:
    return {
        kind: tuple(
            (rule, check)
            for rule in RULES
            if (check := check_of(rule)) is not None and (rule.kinds is None or kind in rule.kinds)
        )
        for kind in Kind
    }


_INSTANCE = _applicable(lambda rule: rule.instance)
_PAIRWISE = _applicable(lambda rule: rule.pairwise)
_ORDER = {rule.code: position for position, rule in enumerate(RULES)}


class Examination(NamedTuple):
    """What the instance rules found: made before the ledger is asked, so that the ledger's transaction stays short."""

    subject: Subject
    found: tuple[Found, ...]
    crashes: tuple[Crash, ...]


def examine(subject: Subject, recall: Recall | None = None, change: Change = None) -> Examination:
    """Run the rules that look at the instance alone. With ``recall``, only those whose input has changed are run."""
    found, crashes = _run(_INSTANCE[subject.facts.kind], subject, None, recall, change)
    return Examination(subject, found, crashes)


def judge(
    examination: Examination, snapshot: Snapshot, policy: Policy, recall: Recall | None = None, change: Change = None
) -> Judgement | NeedsComparison:
    """Run the pairwise rules against what the ledger holds, and come to the verdict.

    To an identical copy of a stored instance, only the rules about the request are applied: all others have judged the
    first copy.
    """
    subject = examination.subject
    if snapshot.held and not snapshot.identical and snapshot.comparison is None:
        return NeedsComparison(snapshot.held)
    pairwise, crashes = _run(_PAIRWISE[subject.facts.kind], subject, snapshot, recall, change)
    alone = [one for one in examination.found if one.rule in REQUEST_RULES] if snapshot.identical else examination.found
    found = [*alone, *pairwise]
    if snapshot.held and not snapshot.identical and not any(one.problem.unstorable for one in found):
        found.append(_no_place(snapshot.held))
    found.sort(key=lambda one: _ORDER.get(one.rule.code, len(_ORDER)))
    return Judgement(policy.decide(found, duplicate=snapshot.identical), examination.crashes + crashes)


def _no_place(held: Held) -> Found:
    """Refuse another object under a stored UID if the rule that should have done so failed."""
    problem = Problem("another object is stored", (t.SOP_INSTANCE_UID,), other=held.other, unstorable=True)
    return Found(INTERNAL, problem)


def _run(
    checks: Sequence[Check], subject: Subject, snapshot: Snapshot | None, recall: Recall | None, change: Change
) -> tuple[tuple[Found, ...], tuple[Crash, ...]]:
    known = recall.known(checks, change) if recall else None
    return _ask_all(checks, subject, snapshot, recall, change) if known is None else (known, ())


def _ask_all(
    checks: Sequence[Check], subject: Subject, snapshot: Snapshot | None, recall: Recall | None, change: Change
) -> tuple[tuple[Found, ...], tuple[Crash, ...]]:
    crashes: list[Crash] = []

    def ask(check: Check, subject: Subject, snapshot: Snapshot | None) -> Outcome | None:
        rule, look = check
        try:
            return look(subject) if snapshot is None else look(subject, snapshot)
        except Exception as error:  # noqa: BLE001 - contained: no instance is lost because a rule fails
            crashes.append(Crash(rule.code, type(error).__name__, place_of(error)))
            return None

    if recall:
        found = recall.run(checks, subject, snapshot, change, ask)
    else:
        outcomes = [(check[0], ask(check, subject, snapshot)) for check in checks]
        found = [Found(rule, outcome) for rule, outcome in outcomes if isinstance(outcome, Problem)]
    found += [Found(INTERNAL, Problem(f"rule {crash.code} failed")) for crash in crashes]
    return tuple(found), tuple(crashes)
