"""The page *Rules*: what each rule means, its severity on this node, and how often it fired."""

from collections.abc import Mapping
from dataclasses import dataclass

from scp.audit.catalogue import FAMILIES, RULES
from scp.audit.policy import Policy
from scp.audit.rule import Rule


@dataclass(frozen=True, slots=True)
class RuleCase:
    """One case of a rule; ``case`` is empty for the main one. ``status`` is that of a refusal, or None."""

    case: str
    severity: str
    standard: str
    strict: str
    status: str | None


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """A rule. ``fired`` counts its findings of all severities, including those ``warned`` and ``refused``."""

    code: str
    name: str
    family: str
    family_name: str
    problem: str
    applies: str
    reference: str
    severity: str
    cases: tuple[RuleCase, ...]
    fired: int
    warned: int
    refused: int


@dataclass(frozen=True, slots=True)
class RulePage:
    """A rule with its documentation, as pairs of heading and text; the first heading is empty."""

    rule: RuleEntry
    sections: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Fired:
    """How many findings of a rule had each severity."""

    info: int = 0
    warn: int = 0
    refuse: int = 0


def rules(policy: Policy, fired: Mapping[str, Fired]) -> tuple[RuleEntry, ...]:
    """Return every rule in the order of the catalogue."""
    return tuple(entry(rule, policy, fired.get(rule.code, Fired())) for rule in RULES)


def entry(rule: Rule, policy: Policy, fired: Fired) -> RuleEntry:
    """Return a rule with the severities and statuses that it has under a policy."""
    cases = tuple(
        RuleCase(
            case=case,
            severity=str(policy.severities[rule.code, case]),
            standard=str(grade.standard),
            strict=str(grade.strict),
            status=f"{policy.responses.get(rule.code, rule.status(case)):04X}" if rule.can_refuse(case) else None,
        )
        for case, grade in rule.grades.items()
    )
    return RuleEntry(
        code=rule.code, name=rule.name, family=rule.family, family_name=FAMILIES[rule.family], problem=rule.problem,
        applies=rule.applies, reference=rule.reference, severity=cases[0].severity, cases=cases,
        fired=fired.info + fired.warn + fired.refuse, warned=fired.warn, refused=fired.refuse,
    )  # fmt: skip


def page(rule: Rule, policy: Policy, fired: Fired) -> RulePage:
    """Return a rule with its documentation."""
    return RulePage(entry(rule, policy, fired), rule.sections)
