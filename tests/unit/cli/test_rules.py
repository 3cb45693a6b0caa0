"""The table of rules is whole, in both formats."""

import json
import re

from scp.audit.catalogue import RULES
from tests.unit.cli.conftest import Run


def test_every_case_of_every_rule_is_one_line_with_its_severities_and_status(run: Run) -> None:
    done = run("rules")
    assert (done.code, done.err) == (0, "")
    heading, *lines = done.out.splitlines()
    assert heading.split() == ["code", "problem", "standard", "strict", "status", "applies", "to"]
    rows = [(f"{rule.code}.{case}" if case else rule.code, rule, case) for rule in RULES for case in rule.grades]
    assert len(lines) == len(rows)
    for line, (code, rule, case) in zip(lines, rows, strict=True):
        grade = rule.grade(case)
        status = str(rule.status(case)) if rule.can_refuse(case) else "–"
        problem = re.escape("" if case else rule.problem)
        applies = re.escape("" if case else rule.applies)
        pattern = rf"{re.escape(code)} +{problem} *{grade.standard} +{grade.strict} +{status} *{applies} *"
        assert re.fullmatch(pattern, line), line


def test_as_json_every_rule_is_one_object(run: Run) -> None:
    done = run("rules", "--format", "json")
    documents = [json.loads(line) for line in done.out.splitlines()]
    assert [document["code"] for document in documents] == [rule.code for rule in RULES]
    for document, rule in zip(documents, RULES, strict=True):
        assert document["name"] == rule.name
        assert document["problem"] == rule.problem
        assert document["family"] == rule.family
        assert document["scope"] in ("i", "p", "s")
        assert document["applies"] == rule.applies
        assert document["reference"] == rule.reference
        assert [case["case"] for case in document["cases"]] == list(rule.grades)
        for case in document["cases"]:
            assert {case["standard"], case["strict"]} <= {"off", "info", "warn", "refuse"}
            assert (case["status"] is None) is not rule.can_refuse(case["case"])
