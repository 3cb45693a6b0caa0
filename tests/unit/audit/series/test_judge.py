"""The verdict on a series follows from its findings and refusals, and not from the order of arrival."""

import random
from dataclasses import FrozenInstanceError

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.audit.catalogue import RULES
from scp.audit.finding import Severity
from scp.audit.policy import Policy, Profile, make_policy
from scp.audit.series import judge
from scp.audit.series.judge import audit_series
from scp.audit.series.member import Context, Member
from scp.audit.series.result import SeriesAudit, SeriesVerdict, document
from scp.audit.series.view import SeriesProblem, SeriesView
from scp.dicom import tags as t
from tests.rules.series import again, changed, member, moved, slices, without

STANDARD = make_policy(RULES)
CONTEXT = Context("1.2.3", "1.2", "CT")


def audit(members: list[Member], context: Context = CONTEXT, policy: Policy = STANDARD) -> SeriesAudit:
    return audit_series(members, context, policy)


def codes(found: SeriesAudit) -> list[str]:
    return [one.code for one in found.findings]


def test_a_whole_series_is_consistent() -> None:
    found = audit([*slices(), member(90, None)])
    assert found.verdict is SeriesVerdict.CONSISTENT
    assert found.findings == ()
    assert (found.instances, found.images) == (11, 10)
    assert (found.series_instance_uid, found.study_instance_uid, found.modality) == ("1.2.3", "1.2", "CT")


def test_what_is_only_noted_leaves_it_consistent() -> None:
    found = audit(slices(between=1.0))
    assert codes(found) == ["SER-308"]
    assert found.verdict is SeriesVerdict.CONSISTENT


def test_a_warning_asks_for_attention() -> None:
    found = audit(without(slices(), 4))
    assert codes(found) == ["NUM-005", "SER-305"]
    assert found.verdict is SeriesVerdict.ATTENTION


def test_a_finding_has_all_that_its_rule_says() -> None:
    hole = audit(without(slices(), 4)).findings[1]
    assert (hole.stack, hole.tags, hole.instances) == (1, (t.IMAGE_POSITION_PATIENT,), ("1.2.4", "1.2.6"))
    assert (hole.expected, hole.found) == (2.5, 5.0)


def test_a_refused_instance_makes_it_contradictory() -> None:
    found = audit(slices(), Context(refused={"ENT-203": 2, "GEO-107": 1}))
    assert found.verdict is SeriesVerdict.CONTRADICTORY
    assert found.refused == {"ENT-203": 2, "GEO-107": 1}


def test_what_was_refused_because_it_is_stored_already_says_nothing() -> None:
    found = audit(slices(), Context(refused={"DUP-001": 2, "DUP-002": 1, "ENT-203": 0}))
    assert found.verdict is SeriesVerdict.CONSISTENT
    assert found.refused == {}


def test_values_that_a_series_must_share_and_does_not_make_it_contradictory() -> None:
    context = Context(variants={"v": {"manufacturer": "A"}, "w": {"manufacturer": "B"}})
    assert audit(changed(slices(), 4, variant="w"), context).verdict is SeriesVerdict.CONTRADICTORY


def test_instances_are_named_in_the_order_of_their_numbers_and_last_those_without_one() -> None:
    context = Context(variants={"v": {"manufacturer": "A"}, "w": {"manufacturer": "B"}})
    members = [*slices(), member(None, None, uid="1.1.9")]
    members = [one._replace(geometry=one.geometry._replace(variant="w")) if index in (2, 6, 10) else one
               for index, one in enumerate(members)]  # fmt: skip
    (found,) = audit(members[::-1], context).findings
    assert found.instances == ("1.2.3", "1.2.7", "1.1.9")


def test_settings_decide_how_much_a_finding_matters_but_never_refuse() -> None:
    members = without(slices(), 4)
    assert (
        audit(members, policy=make_policy(RULES, overrides={"SER": Severity.OFF})).verdict is SeriesVerdict.CONSISTENT
    )
    found = audit(members, policy=make_policy(RULES, overrides={"SER-305": Severity.REFUSE}))
    assert [one.severity for one in found.findings if one.code == "SER-305"] == [Severity.WARN]
    context = Context(variants={"v": {"manufacturer": "A"}, "w": {"manufacturer": "B"}})
    mild = make_policy(RULES, overrides={"ENT-299": Severity.INFO})
    assert audit(changed(slices(), 4, variant="w"), context, mild).verdict is SeriesVerdict.CONSISTENT


def test_a_case_has_a_severity_of_its_own() -> None:
    members = moved(slices(), 4, (0, 0, 0.125))
    assert [(one.case, one.severity) for one in audit(members).findings] == [("slight", Severity.INFO)]
    strict = audit(members, policy=make_policy(RULES, Profile.STRICT))
    assert [(one.case, one.severity) for one in strict.findings] == [("slight", Severity.WARN)]


def test_a_rule_that_fails_does_not_take_the_others_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: SeriesView) -> list[object]:
        raise KeyError("Doe^John")

    first, *others = judge.SERIES_RULES
    monkeypatch.setattr(judge, "SERIES_RULES", ((first[0], broken), *others))
    found = audit(without(slices(), 4))
    assert codes(found) == ["INT-001", "NUM-005", "SER-305"]
    assert found.findings[0].message == f"rule {first[0].code} failed"
    assert found.failures[0].startswith(f"{first[0].code} KeyError ")
    assert "Doe" not in repr(found)


def test_a_case_that_a_rule_does_not_have_is_as_severe_as_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    (rule,) = (rule for rule, _ in judge.SERIES_RULES if rule.code == "SER-305")
    monkeypatch.setattr(judge, "SERIES_RULES", ((rule, lambda _: [SeriesProblem("a mistake", case="other")]),))
    (found,) = audit(slices()).findings
    assert (found.case, found.severity) == ("other", Severity.WARN)


@given(seed=st.integers(0, 2**32))
def test_the_audit_is_a_function_of_the_set(seed: int) -> None:
    members = [*without(slices(20), 4), *again(slices(20)[7:8]), *again(slices(4), stack="b"), member(None, (0, 0, 7))]
    expected = audit(members)
    random.Random(seed).shuffle(members)
    assert audit(members) == expected


def test_its_document_is_json_and_in_short() -> None:
    shown = document(audit(without(slices(), 4)))
    assert orjson.loads(orjson.dumps(shown)) == shown
    assert shown["type"] == "series"
    assert shown["verdict"] == "attention"
    assert [one["code"] for one in shown["findings"]] == ["NUM-005", "SER-305"]
    assert shown["findings"][1] == {
        "code": "SER-305",
        "case": None,
        "severity": "warn",
        "message": "1 slice missing between Instance Number 4 (z −92.5) and 6 (z −87.5), step 2.5 mm",
        "stack": 1,
        "tags": ["(0020,0032) ImagePositionPatient"],
        "instances": ["1.2.4", "1.2.6"],
        "expected": 2.5,
        "found": 5.0,
    }
    (stack,) = shown["stacks"]
    assert stack["planes"] == 9
    assert stack["matrix"] == [512, 512]
    assert stack["spacing"] == {"minimum": 2.5, "median": 2.5, "maximum": 5.0}
    assert stack["gaps"] == [{"after": -92.5, "before": -87.5, "axis": "z", "missing": 1}]
    (lone,) = document(audit([member(1, (0, 0, 0), rows=None)]))["stacks"]
    assert (lone["spacing"], lone["matrix"], lone["tilt"]) == (None, None, None)
    (tilted,) = document(audit([member(n, (0, 2.5 * n, 2.5 * n)) for n in range(5)]))["stacks"]
    assert (tilted["tilt"], tilted["orientation"]) == (45.0, [1, 0, 0, 0, 1, 0])


def test_a_result_cannot_be_changed() -> None:
    found = audit(slices())
    with pytest.raises(FrozenInstanceError):
        found.verdict = SeriesVerdict.ATTENTION  # type: ignore[misc]  # that is what is tested
