"""Every rule has a page that people can read."""

from dataclasses import replace

import pytest

from scp.audit.catalogue import FAMILIES, RULES
from scp.audit.rule import Rule
from scp.cli import explain
from tests.unit.cli.conftest import Run


def words(text: str) -> str:
    """The text without the breaks and indents that setting it put in."""
    return " ".join(text.split())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_page_of_a_rule_has_all_of_its_docstring_and_its_grades(run: Run, rule: Rule) -> None:
    done = run("explain", rule.code)
    assert (done.code, done.err) == (0, "")
    page = words(done.out)
    assert page.startswith(f"{rule.code} {rule.problem} {FAMILIES[rule.family]} · {rule.name} · ")
    assert words(rule.reference) in page
    for case, grade in rule.grades.items():
        assert f"{case}: " * bool(case) + f"{grade.standard} in standard, {grade.strict} in strict" in page
        assert not rule.can_refuse(case) or f"answered {rule.status(case)}" in page
    for paragraph in rule.doc.split("\n\n")[1:]:
        _, _, text = words(paragraph).partition(": ")
        assert words(text)[1:] in page


def test_a_paragraph_without_a_heading_is_set_too(capsys: pytest.CaptureFixture[str]) -> None:
    explain._print(replace(RULES[0], doc="The problem.\n\nA word: about it.\n\nWhy: so."))
    assert "A word: about it. Why So." in words(capsys.readouterr().out)


def test_the_code_may_be_written_small(run: Run) -> None:
    assert run("explain", "geo-103") == run("explain", "GEO-103")


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("GEO-13", "there is no rule GEO-13; did you mean GEO-1"),
        ("whatever", "there is no rule whatever; see: auditscp rules"),
        ("[bold]x", "there is no rule [bold]x; see"),
    ],
)
def test_of_an_unknown_code_the_nearest_is_told(run: Run, code: str, hint: str) -> None:
    done = run("explain", code)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"error: {hint}")


def test_a_case_is_explained_with_its_rule(run: Run) -> None:
    assert run("explain", "SER-304.pitch") == run("explain", "SER-304")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("GEO-103.square", "GEO-103 has no case square; its cases: rounded, unusable"),
        ("UID-001.x", "UID-001 has no case x; its cases: none"),
        ("geo", "GEO is a family of rules; see: auditscp rules"),
    ],
)
def test_what_is_no_rule_but_nearly_one_is_told(run: Run, code: str, message: str) -> None:
    assert run("explain", code) == (2, "", f"error: {message}\n")
