"""The catalogue is whole: every rule of the design, with a page, a status and examples, and none says too much."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any, Final

import orjson
import pytest

from scp.audit import catalogue
from scp.audit.catalogue import FAMILIES, INTERNAL, RULES, find
from scp.audit.finding import Finding, Outcome, Problem, Severity
from scp.audit.rule import SECTIONS, Rule, Scope
from scp.audit.tracked import SERIES, STUDY
from scp.dicom.sop_classes import Kind
from scp.dicom.status import Status
from tests import rules as tables
from tests.rules.builders import Case
from tests.rules.series import SeriesCase, found_by
from tests.rules.stated import STATED, Stated


def _codes(family: str, *ranges: tuple[int, int]) -> set[str]:
    return {f"{family}-{number:03}" for first, last in ranges for number in range(first, last + 1)}


DESIGNED: Final = {
    *_codes("UID", (1, 13)),
    *_codes("REQ", (1, 2)),
    *_codes("DUP", (1, 8)),
    *_codes("NUM", (1, 6)),
    *_codes("GEO", (101, 109), (120, 123)),
    *_codes("ENT", (201, 210), (299, 299)),
    *_codes("STK", (251, 253)),
    *_codes("SER", (301, 311)),
    *_codes("REF", (401, 401)),
}
BY_ID: Final[dict[str, Any]] = {"argvalues": RULES, "ids": [rule.code for rule in RULES]}
JUDGED: Final = [rule for rule in RULES if rule is not INTERNAL]


def _cases(table: str) -> Iterator[Any]:
    """Every row of such a table in the tests of the rules."""
    for module in pkgutil.iter_modules(tables.__path__, f"{tables.__name__}."):
        if module.name.rpartition(".")[2].startswith("test_"):
            for parameters in getattr(importlib.import_module(module.name), table, ()):
                yield parameters.values[0]


CASES: Final[list[Case]] = list(_cases("CASES"))
SERIES_CASES: Final[list[SeriesCase]] = list(_cases("SERIES_CASES"))
SHOWN: Final[list[Case | SeriesCase]] = [*CASES, *SERIES_CASES]


def outcome(case: Case) -> Outcome:
    rule = find(case.code)
    assert rule is not None
    if rule.instance:
        return rule.instance(case.subject())
    assert rule.pairwise is not None
    return rule.pairwise(case.subject(), case.snapshot())


def paragraphs(rule: Rule) -> list[tuple[str, str]]:
    """Heading and text of each paragraph after the first line; no heading where it goes on."""
    split = (" ".join(one.split()).partition(": ") for one in rule.doc.split("\n\n")[1:])
    return [(head, text) if colon and head in SECTIONS else ("", head + colon + text) for head, colon, text in split]


def sections(rule: Rule) -> list[str]:
    return [heading for heading, _ in paragraphs(rule) if heading]


def refuses_by_default(rule: Rule) -> bool:
    return any(grade.standard is Severity.REFUSE for grade in rule.grades.values())


# Which rules there are


def test_every_rule_of_the_design_is_there() -> None:
    assert {rule.code for rule in RULES} >= DESIGNED


def test_no_code_and_no_name_is_used_twice() -> None:
    assert len({rule.code for rule in RULES}) == len({rule.name for rule in RULES}) == len(RULES)


def test_rules_are_grouped_by_family_and_sorted_by_code() -> None:
    families = list(dict.fromkeys(rule.family for rule in RULES))
    assert families == list(FAMILIES)
    order = [(families.index(rule.family), rule.code) for rule in RULES]
    assert order == sorted(order)


def test_what_we_find_out_about_ourselves_comes_last() -> None:
    assert RULES[-1] is INTERNAL
    assert INTERNAL.kinds == frozenset()


def test_rules_about_the_request_are_rules_of_the_catalogue() -> None:
    assert all(rule in RULES for rule in catalogue.REQUEST_RULES)


def test_a_rule_is_found_by_its_code_whatever_its_case() -> None:
    assert find("dup-001") is find("DUP-001")
    assert [find(rule.code) for rule in RULES] == list(RULES)
    assert find("DUP-999") is None


# What each rule says of itself


@pytest.mark.parametrize("rule", **BY_ID)
def test_a_code_is_a_family_and_a_number_and_a_name_says_what_is_wrong(rule: Rule) -> None:
    assert re.fullmatch(r"[A-Z]{3}-\d{3}", rule.code)
    assert re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", rule.name)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", case) for case in rule.cases)


@pytest.mark.parametrize("rule", **BY_ID)
def test_a_page_begins_with_the_problem_in_one_sentence(rule: Rule) -> None:
    first, _, _ = rule.doc.partition("\n")
    assert re.fullmatch(r"[A-Z].{8,98}\.", first)
    assert rule.problem == first[:-1]


@pytest.mark.parametrize("rule", **BY_ID)
def test_a_page_has_the_sections_that_people_need_in_their_order(rule: Rule) -> None:
    found = sections(rule)
    assert found == sorted(set(found), key=SECTIONS.index)
    assert {"Checks", "Why", "What to do"} <= set(found)
    assert all(text for _, text in paragraphs(rule))
    assert paragraphs(rule)[0][0] == "Checks"


@pytest.mark.parametrize("rule", **BY_ID)
def test_a_rule_that_refuses_by_default_has_evidence(rule: Rule) -> None:
    assert "Evidence" in sections(rule) or not refuses_by_default(rule)


@pytest.mark.parametrize("rule", **BY_ID)
def test_evidence_is_finished(rule: Rule) -> None:
    assert not re.search(r"EVIDENCE|TODO|FIXME|XXX", rule.doc)


@pytest.mark.parametrize("rule", **BY_ID)
def test_a_page_names_every_case(rule: Rule) -> None:
    assert all(re.search(rf"\b{case}\b", rule.doc) for case in rule.cases)


@pytest.mark.parametrize("rule", **BY_ID)
def test_a_rule_says_where_it_applies_and_on_what_it_stands(rule: Rule) -> None:
    assert rule.applies
    assert rule.kinds in (None, frozenset(Kind)) or rule.applies != "all"
    assert rule.reference == "–" or "PS3." in rule.reference or re.match(r"[A-C]\.\d", rule.reference)
    assert rule.kinds is None or rule.kinds <= set(Kind)
    assert rule.kinds != frozenset() or rule is INTERNAL
    checks = {Scope.INSTANCE: rule.instance, Scope.PAIRWISE: rule.pairwise, Scope.SERIES: rule.series}
    assert [scope for scope, check in checks.items() if check] == [rule.scope]


@pytest.mark.parametrize("rule", **BY_ID)
def test_strict_is_never_milder_than_standard(rule: Rule) -> None:
    assert "" in rule.grades
    assert all(grade.strict >= grade.standard for grade in rule.grades.values())
    assert all(grade.standard > Severity.OFF for grade in rule.grades.values())


@pytest.mark.parametrize("rule", **BY_ID)
def test_a_refusal_is_a_failure_about_the_data(rule: Rule) -> None:
    for case in rule.grades:
        status = rule.status(case)
        assert status.is_failure
        assert status >> 8 != Status.OUT_OF_RESOURCES >> 8
        general = status is Status.REFUSED_BY_SETTINGS
        assert general is not any(map(rule.can_refuse, rule.grades)) or rule is INTERNAL
    assert set(rule.statuses) <= set(rule.grades)


# What the examples show


def test_examples_are_of_rules_and_cases_that_exist() -> None:
    for case in SHOWN:
        rule = find(case.code)
        assert rule is not None
        assert case.case in rule.grades


@pytest.mark.parametrize("fires", [True, False], ids=["fires", "quiet"])
@pytest.mark.parametrize("rule", JUDGED, ids=[rule.code for rule in JUDGED])
def test_every_case_of_every_rule_has_an_example(rule: Rule, fires: bool) -> None:
    shown = {case.case for case in SHOWN if case.code == rule.code and case.fires is fires}
    assert shown >= set(rule.grades)


FIRING: Final = [pytest.param(case, id=f"{number}-{case.code}") for number, case in enumerate(CASES) if case.fires]


@pytest.mark.parametrize("case", FIRING)
def test_what_a_rule_finds_fits_the_response_and_can_be_written_down(case: Case) -> None:
    found = outcome(case)
    assert isinstance(found, Problem)
    assert found.case == case.case
    comment = Finding(case.code, Severity.REFUSE, 0xC0F1, found).comment
    assert re.fullmatch(r"[ ->@-\[\]-~]{9,64}", comment), "printable characters, none of them replaced"
    assert all(0 <= tag <= 0xFFFFFFFF for tag in found.tags)
    assert orjson.dumps([found.expected, found.found])


def test_of_every_case_of_every_rule_is_known_what_it_states() -> None:
    assert set(STATED) == {(rule.code, case) for rule in JUDGED for case in rule.grades}


@pytest.mark.parametrize("code_and_case", STATED, ids="-".join)
def test_a_finding_states_the_elements_and_what_was_expected_and_found(code_and_case: tuple[str, str]) -> None:
    example = next(case for case in SHOWN if case.fires and (case.code, case.case) == code_and_case)
    if isinstance(example, SeriesCase):
        rule = find(example.code)
        assert rule is not None
        one = found_by(rule, example.members(), example.context)[0]
        states = Stated(one.tags, one.expected, one.found, one.stack, one.instances)
    else:
        found = outcome(example)
        assert isinstance(found, Problem)
        states = Stated(found.tags, found.expected, found.found)
    assert states == STATED[code_and_case]


@pytest.mark.parametrize("case", FIRING)
def test_what_a_rule_finds_names_no_person(case: Case) -> None:
    facts = case.subject().facts
    personal = [facts.patient_name, facts.patient_id, facts.study_description, facts.series_description]
    personal += [facts.patient_birth_date, facts.operators_name, facts.performing_physician_name]
    said = repr(outcome(case))
    assert not any(value in said for value in personal if len(value) > 3)


@pytest.mark.parametrize("case", FIRING)
def test_personal_values_are_left_to_the_case_file(case: Case) -> None:
    found = outcome(case)
    assert isinstance(found, Problem)
    tracked = {attribute.tag for attribute in (*STUDY.values(), *SERIES.values()) if attribute.personal}
    if tracked & set(found.tags):
        assert (found.expected, found.found) == (None, None)


@pytest.mark.parametrize("case", [case for case in SERIES_CASES if case.fires], ids=lambda case: case.code)
def test_what_is_found_in_a_series_can_be_written_down_and_read_in_one_line(case: SeriesCase) -> None:
    rule = find(case.code)
    assert rule is not None
    for found in found_by(rule, case.members(), case.context):
        assert re.fullmatch(r"[^\n]{10,200}", found.message)
        assert orjson.dumps([found.expected, found.found, found.instances, found.tags])
        assert len(found.instances) <= 100


def test_what_a_series_rule_finds_never_answers_anybody() -> None:
    judged = [rule for rule in RULES if rule.scope is Scope.SERIES]
    assert judged
    assert not any(rule.can_refuse(case) for rule in judged for case in rule.grades)


def test_every_status_is_sent_by_somebody() -> None:
    refusing = {rule.status(case) for rule in RULES for case in rule.grades if rule.can_refuse(case)}
    usual = {rule.statuses[""] for rule in RULES}
    of_the_node = {Status.SUCCESS, Status.UNRECOGNISED_OPERATION, Status.MISTYPED_ARGUMENT, Status.OUT_OF_RESOURCES}
    of_settings = {status for status in Status if status.is_warning} | {Status.NOT_AUTHORISED}
    assert {str(status) for status in Status} == {
        str(status) for status in refusing | usual | of_the_node | of_settings
    }
