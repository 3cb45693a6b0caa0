"""From what was found to what is done: profiles, severities, statuses.

======== ===================================================================================================
Profile  What it does
======== ===================================================================================================
observe  Refuses only what cannot be stored; every other refusal becomes a warning.
standard The default: refuses what, by the evidence of the catalogue, is never good data.
strict   For trials and quality assurance.
======== ===================================================================================================

The most specific setting wins: ``CODE.case``, then ``CODE``, then the family, then the profile. What cannot be stored
(:attr:`~scp.audit.finding.Problem.unstorable`) is refused whatever the settings say.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from scp.audit.finding import Decision, Finding, Problem, Severity, Verdict
from scp.audit.rule import Rule
from scp.dicom.status import Status


class Profile(StrEnum):
    """How much is refused."""

    OBSERVE = "observe"
    STANDARD = "standard"
    STRICT = "strict"


class Found(NamedTuple):
    """A problem and the rule that found it; the policy has yet to give it a severity."""

    rule: Rule
    problem: Problem


@dataclass(frozen=True, slots=True)
class Policy:
    """What the findings of one sender lead to. Make it with :func:`make_policy`."""

    profile: Profile
    severities: Mapping[tuple[str, str], Severity]
    responses: Mapping[str, int]
    warning_status: int
    stricter: Mapping[Profile, Mapping[tuple[str, str], Severity]]

    def decide(self, found: Sequence[Found], *, duplicate: bool = False) -> Verdict:
        """Turn what was found, in catalogue order, into the verdict and its response.

        Of several findings that refuse, the first gives the status; all of them give Offending Elements.
        """
        if not found and not duplicate:
            return _CLEAN
        findings = tuple(self._findings(found, self.severities))
        worst = max((finding.severity for finding in findings), default=Severity.OFF)
        if worst is Severity.REFUSE:
            refusing = [finding for finding in findings if finding.severity is worst]
            return Verdict(
                decision=Decision.REFUSE, status=refusing[0].status, comment=refusing[0].comment,
                offending=_offending(refusing), findings=findings, duplicate=duplicate,
            )  # fmt: skip
        warnings = [finding for finding in findings if finding.severity is Severity.WARN]
        status = self.warning_status if warnings else Status.SUCCESS
        return Verdict(
            decision=Decision.WARN if warnings else Decision.ACCEPT,
            status=status,
            comment=warnings[0].comment if status != Status.SUCCESS else "",
            offending=_offending(warnings) if status != Status.SUCCESS else (),
            findings=findings,
            duplicate=duplicate,
            tightened={
                profile.value: refusal
                for profile, severities in self.stricter.items()
                if (refusal := _status(self._findings(found, severities))) is not None
            },
        )

    def _findings(self, found: Iterable[Found], severities: Mapping[tuple[str, str], Severity]) -> Iterable[Finding]:
        for rule, problem in found:
            severity = severities[rule.code, problem.case if (rule.code, problem.case) in severities else ""]
            if problem.unstorable:
                severity = Severity.REFUSE
            if severity is not Severity.OFF:
                status = self.responses.get(rule.code, rule.status(problem.case))
                yield Finding(rule.code, severity, status, problem)


_CLEAN = Verdict(Decision.ACCEPT, Status.SUCCESS)


def _status(findings: Iterable[Finding]) -> int | None:
    return next((finding.status for finding in findings if finding.severity is Severity.REFUSE), None)


def _offending(findings: Iterable[Finding]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(tag for finding in findings for tag in finding.problem.tags))


def _severities(
    rules: Sequence[Rule], profile: Profile, overrides: Mapping[str, Severity]
) -> Mapping[tuple[str, str], Severity]:
    def of_profile(rule: Rule, case: str) -> Severity:
        grade = rule.grade(case)
        if profile is Profile.STRICT:
            return grade.strict
        return min(grade.standard, Severity.WARN) if profile is Profile.OBSERVE else grade.standard

    def severity(rule: Rule, case: str) -> Severity:
        for key in (f"{rule.code}.{case}", rule.code, rule.family):
            if key in overrides:
                return overrides[key]
        return of_profile(rule, case)

    return {(rule.code, case): severity(rule, case) for rule in rules for case in rule.grades}


def make_policy(
    rules: Sequence[Rule],
    profile: Profile = Profile.STANDARD,
    overrides: Mapping[str, Severity] | None = None,
    responses: Mapping[str, int] | None = None,
    warning_status: int = Status.SUCCESS,
) -> Policy:
    """Work out the severity of every rule and case once, so that deciding is a look-up.

    Args:
        rules: those of the catalogue.
        profile: gives the severities where ``overrides`` has nothing.
        overrides: severity by ``CODE.case``, ``CODE`` or family.
        responses: status of a refusal by code, in place of the rule's own.
        warning_status: the status for a stored instance with warnings: 0000, or one of B000, B006, B007.
    """
    overrides = overrides or {}
    order = tuple(Profile)
    return Policy(
        profile=profile,
        severities=_severities(rules, profile, overrides),
        responses=dict(responses or {}),
        warning_status=warning_status,
        stricter={tighter: _severities(rules, tighter, overrides) for tighter in order[order.index(profile) + 1 :]},
    )
