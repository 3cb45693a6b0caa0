"""How a table of cases is held against the rules."""

from collections.abc import Callable, Iterable

import pytest
from _pytest.mark.structures import ParameterSet
from pydicom.dataset import Dataset

from scp.audit.finding import Answer, Outcome, Problem
from scp.audit.rule import Rule, Subject
from tests.rules.builders import Case, encoded, subject_of_bytes

Maker = Callable[[], Subject]


def beside(code: str, what: str, make: Maker) -> ParameterSet:
    """A row: the rule says that it does not apply to the subject."""
    return pytest.param(code, make, id=f"{code}-not-applicable-{what}")


def cut(ds: Dataset, tag: int) -> Subject:
    """What arrives if a Data Set breaks off in the middle of one element."""
    header = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")
    data = encoded(ds)
    return subject_of_bytes(data[: data.index(header) + 9])


def by_code(rules: Iterable[Rule]) -> dict[str, Rule]:
    """Return the rules of a module by their codes."""
    return {rule.code: rule for rule in rules}


def outcome(rule: Rule, subject: Subject) -> Outcome:
    """Ask a rule about a subject of a kind that it applies to."""
    assert rule.instance is not None
    assert rule.kinds is None or subject.facts.kind in rule.kinds
    return rule.instance(subject)


def problem(rule: Rule, subject: Subject) -> Problem:
    """Return the problem that a rule finds."""
    found = outcome(rule, subject)
    assert isinstance(found, Problem)
    return found


def check(rule: Rule, row: Case) -> None:
    """Hold a row of a table against its rule."""
    found = outcome(rule, row.subject())
    if not row.fires:
        assert found is Answer.PASS
        return
    assert isinstance(found, Problem)
    assert found.case == row.case
    assert found.case in rule.grades
    assert found.tags
    assert len(f"{rule.code} {found.message}") <= 64, "does not fit an Error Comment"
