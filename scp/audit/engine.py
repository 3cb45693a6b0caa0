"""Runs the rules. A rule that crashes is contained: it becomes a finding about ourselves."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from scp.audit.catalogue import INTERNAL, REQUEST_RULES, RULES
from scp.audit.finding import Outcome, Problem, Verdict
from scp.audit.policy import Found, Policy
from scp.audit.rule import Rule, Scope, Subject
from scp.audit.snapshot import Held, Snapshot
from scp.dicom import tags as t
from scp.dicom.sop_classes import Kind
from scp.errors import place_of


@dataclass(frozen=True, slots=True)
class Crash:
    """A rule that raised: its code, the type of the error and where it was raised. Never the error's text."""

    code: str
    error: str
    place: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the rules that failed on the way to it."""

    verdict: Verdict
    crashes: tuple[Crash, ...] = ()


@dataclass(frozen=True, slots=True)
class NeedsComparison:
    """No verdict yet: another object with this SOP Instance UID is stored, and the two must be compared first."""

    held: Held


def _applicable(scope: Scope) -> Mapping[Kind, tuple[Rule, ...]]:
    return {
        kind: tuple(rule for rule in RULES if rule.scope is scope and (rule.kinds is None or kind in rule.kinds))
        for kind in Kind
    }


_INSTANCE = _applicable(Scope.INSTANCE)
_PAIRWISE = _applicable(Scope.PAIRWISE)
_ORDER = {rule.code: position for position, rule in enumerate(RULES)}


@dataclass(frozen=True, slots=True)
class Examination:
    """What the instance rules found: computed before the ledger is asked, so that its transaction stays short."""

    subject: Subject
    found: tuple[Found, ...]
    crashes: tuple[Crash, ...]


def examine(subject: Subject) -> Examination:
    """Run the rules that look at the instance alone."""
    found, crashes = _run((rule, rule.instance, (subject,)) for rule in _INSTANCE[subject.facts.kind] if rule.instance)
    return Examination(subject, tuple(found), tuple(crashes))


def judge(examination: Examination, snapshot: Snapshot, policy: Policy) -> Judgement | NeedsComparison:
    """Run the pairwise rules against what the ledger holds, and come to the verdict.

    An identical copy of a stored instance is only asked whether it is what the request says: everything else was
    judged when the first copy came.
    """
    subject = examination.subject
    if snapshot.held and not snapshot.identical and snapshot.comparison is None:
        return NeedsComparison(snapshot.held)
    pairwise, crashes = _run(
        (rule, rule.pairwise, (subject, snapshot)) for rule in _PAIRWISE[subject.facts.kind] if rule.pairwise
    )
    alone = [one for one in examination.found if one.rule in REQUEST_RULES] if snapshot.identical else examination.found
    found = [*alone, *pairwise]
    if snapshot.held and not snapshot.identical and not any(one.problem.unstorable for one in found):
        found.append(_no_place(snapshot.held))
    found.sort(key=lambda one: _ORDER.get(one.rule.code, len(_ORDER)))
    all_crashes = examination.crashes + tuple(crashes)
    return Judgement(policy.decide(found, duplicate=snapshot.identical), all_crashes)


def _no_place(held: Held) -> Found:
    """Refuse another object under a stored UID when the rule that should have done so failed."""
    problem = Problem("another object is stored", (t.SOP_INSTANCE_UID,), other=held.other, unstorable=True)
    return Found(INTERNAL, problem)


def _run(
    checks: Iterable[tuple[Rule, Callable[..., Outcome], Sequence[object]]],
) -> tuple[list[Found], list[Crash]]:
    found: list[Found] = []
    crashes: list[Crash] = []
    for rule, check, arguments in checks:
        try:
            outcome = check(*arguments)
        except Exception as error:  # noqa: BLE001 - contained: an instance is never lost to a rule's mistake
            crashes.append(Crash(rule.code, type(error).__name__, place_of(error)))
            found.append(Found(INTERNAL, Problem(f"rule {rule.code} failed")))
            continue
        if isinstance(outcome, Problem):
            found.append(Found(rule, outcome))
    return found, crashes
