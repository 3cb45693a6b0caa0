"""From the members of a series to its verdict: stacks, rules, findings."""

from collections.abc import Iterable
from operator import attrgetter
from typing import Final

from scp.audit.catalogue import INTERNAL, RULES
from scp.audit.finding import Severity
from scp.audit.policy import Policy
from scp.audit.rule import Rule
from scp.audit.rules.ent_series import majority_contradicts
from scp.audit.series.member import Context, Member
from scp.audit.series.result import SeriesAudit, SeriesFinding, SeriesVerdict
from scp.audit.series.stacks import stacks_of
from scp.audit.series.view import SeriesProblem, SeriesView
from scp.errors import place_of

SERIES_RULES: Final = tuple((rule, rule.series) for rule in RULES if rule.series is not None)

NO_CONTRADICTION: Final = frozenset({"DUP-001", "DUP-002"})
"""Refusals because an instance is stored already do not contradict the series."""


def audit_series(members: Iterable[Member], context: Context, policy: Policy) -> SeriesAudit:
    """Judge a whole series. The order of the members does not matter.

    Severities are those of the policy, but never more than a warning: nothing can be refused any more.
    """
    ordered = tuple(sorted(members, key=attrgetter("order")))
    view = SeriesView(ordered, stacks_of(ordered), context)
    findings: list[SeriesFinding] = []
    failures: list[str] = []
    for rule, check in SERIES_RULES:
        try:
            problems = list(check(view))
        except Exception as error:  # noqa: BLE001 - contained: if one rule fails, the others still run
            failures.append(f"{rule.code} {type(error).__name__} {place_of(error)}")
            problems, rule = [SeriesProblem(f"rule {rule.code} failed")], INTERNAL
        findings.extend(_findings(rule, problems, policy))
    refused = {code: amount for code, amount in context.refused.items() if code not in NO_CONTRADICTION and amount}
    return SeriesAudit(
        series_instance_uid=context.series_instance_uid,
        study_instance_uid=context.study_instance_uid,
        modality=context.modality,
        verdict=_verdict(findings, contradicted=bool(refused)),
        findings=tuple(findings),
        stacks=view.stacks,
        instances=len(ordered),
        images=len({member for stack in view.stacks for member in stack.members}),
        refused=refused,
        failures=tuple(failures),
    )


def _findings(rule: Rule, problems: Iterable[SeriesProblem], policy: Policy) -> Iterable[SeriesFinding]:
    for problem in problems:
        known = (rule.code, problem.case) in policy.severities
        severity = min(policy.severities[rule.code, problem.case if known else ""], Severity.WARN)
        if severity is not Severity.OFF:
            yield SeriesFinding(
                code=rule.code, severity=severity, message=problem.message, case=problem.case, stack=problem.stack,
                tags=problem.tags, instances=problem.instances, expected=problem.expected, found=problem.found,
            )  # fmt: skip


def _verdict(findings: Iterable[SeriesFinding], *, contradicted: bool) -> SeriesVerdict:
    warnings = {finding.code for finding in findings if finding.severity is Severity.WARN}
    if contradicted or majority_contradicts.code in warnings:
        return SeriesVerdict.CONTRADICTORY
    return SeriesVerdict.ATTENTION if warnings else SeriesVerdict.CONSISTENT
