"""The rules are run in order, each where it applies; one that fails harms neither the instance nor the others."""

from dataclasses import replace
from typing import Any, cast

import pytest
from pydicom.uid import CTImageStorage, MRImageStorage

from scp.audit import engine
from scp.audit.catalogue import INTERNAL, REQUEST_RULES, RULES
from scp.audit.engine import Crash, Examination, Judgement, NeedsComparison, examine, judge
from scp.audit.finding import Answer, Decision, Outcome, Problem
from scp.audit.policy import Policy, make_policy
from scp.audit.rule import Scope, Subject
from scp.audit.snapshot import Held, Snapshot
from scp.dicom.difference import Comparison, Pixels
from scp.dicom.sop_classes import Kind
from scp.dicom.status import Status
from tests.rules.builders import after, image, other, subject

SECRET = "Zebulon^Quirinius"


@pytest.fixture
def policy() -> Policy:
    return make_policy(RULES)


def held(sent: Subject, *, confirmed: bool = True) -> Held:
    """The stored copy of an instance."""
    facts = sent.facts
    return Held(
        other(facts.sop_instance_uid), b"digest", sent.request.transfer_syntax, facts.sop_class_uid,
        facts.series_instance_uid, facts.study_instance_uid, sent.tracked.study.get("patient", ""), confirmed,
    )  # fmt: skip


def verdict_of(examination: Examination, snapshot: Snapshot, policy: Policy) -> Judgement:
    found = judge(examination, snapshot, policy)
    assert isinstance(found, Judgement)
    return found


def unreadable(sent: Subject) -> Subject:
    """A subject that a rule cannot look at: a mistake of ours, not of the sender."""
    return replace(sent, facts=replace(sent.facts, other_uids=cast("Any", {0x00200052: 5})))


def codes(found: Examination) -> list[str]:
    return [one.rule.code for one in found.found]


def test_a_good_instance_is_accepted_with_nothing_found(policy: Policy) -> None:
    examination = examine(subject(image()))
    assert examination.found == ()
    judgement = verdict_of(examination, Snapshot(), policy)
    assert (judgement.verdict.decision, judgement.verdict.status, judgement.crashes) == (Decision.ACCEPT, 0, ())


def test_instance_rules_look_at_the_instance_and_pairwise_rules_at_what_is_there(policy: Policy) -> None:
    first = subject(image())
    second = examine(subject(image(SOPInstanceUID="1.2.826.0.1.1.1.2", Rows=8, PixelData=bytes(64))))
    assert second.found == ()
    verdict = verdict_of(second, after(first), policy).verdict
    assert {"NUM-004", "STK-251"} <= {finding.code for finding in verdict.findings}


def test_findings_come_in_the_order_of_the_catalogue(policy: Policy) -> None:
    first = subject(image())
    sent = subject(
        image(SOPInstanceUID="1.2.826.0.1.1.1.2", Modality="MR", PatientID=None, ImagePositionPatient=None),
        abstract_syntax=MRImageStorage,
    )
    verdict = verdict_of(examine(sent), after(first), policy).verdict
    order = [rule.code for rule in RULES]
    found = [finding.code for finding in verdict.findings]
    assert len(found) >= 5
    assert found == sorted(found, key=order.index)
    assert found[0] == "UID-008"


def test_a_rule_is_only_asked_about_the_kinds_that_it_applies_to() -> None:
    for kind in Kind:
        asked = {rule.code for rule, _ in (*engine._INSTANCE[kind], *engine._PAIRWISE[kind])}
        of_instances = [rule for rule in RULES if rule.scope is not Scope.SERIES]
        assert asked == {rule.code for rule in of_instances if rule.kinds is None or kind in rule.kinds}
    assert "NUM-002" in codes(examine(subject(image(InstanceNumber=None))))
    private = subject(image(InstanceNumber=None, SOPClassUID="1.3.12.2.1107.5.9.1"))
    assert "NUM-002" not in codes(examine(private))


def test_rules_are_divided_by_what_they_look_at() -> None:
    for rule in RULES:
        assert (rule.scope is Scope.INSTANCE) is (rule.instance is not None)
        assert (rule.scope is Scope.PAIRWISE) is (rule.pairwise is not None)
        assert (rule.scope is Scope.SERIES) is (rule.series is not None)


def test_a_rule_that_fails_becomes_a_finding_about_ourselves(policy: Policy) -> None:
    examination = examine(unreadable(subject(image())))
    failed = [one for one in examination.found if one.rule is INTERNAL]
    assert failed
    assert [one.problem.message for one in failed] == [f"rule {crash.code} failed" for crash in examination.crashes]
    judgement = verdict_of(examination, Snapshot(), policy)
    assert judgement.verdict.decision is Decision.WARN
    assert judgement.verdict.is_stored
    assert judgement.crashes == examination.crashes


def test_a_crash_says_which_rule_where_and_what_kind_of_error_and_nothing_else() -> None:
    crash = examine(unreadable(subject(image()))).crashes[0]
    rule = next(rule for rule in RULES if rule.code == crash.code)
    assert rule.instance is not None
    module, _, line = crash.place.rpartition(":")
    assert module.startswith("scp.")
    assert int(line) > 0
    assert crash.error in ("TypeError", "AttributeError")
    assert set(Crash.__slots__) == {"code", "error", "place"}


def test_the_finding_about_ourselves_is_never_made_by_looking() -> None:
    assert INTERNAL.instance is not None
    assert INTERNAL.instance(subject(image())) is Answer.NOT_APPLICABLE


def test_the_other_rules_are_asked_all_the_same() -> None:
    sent = subject(image(PatientID=None, ImagePositionPatient=None))
    assert set(codes(examine(unreadable(sent)))) >= {"INT-001", "REQ-002", "GEO-101"}


def test_a_pairwise_rule_that_fails_is_contained_too(policy: Policy) -> None:
    snapshot = Snapshot(neighbours=cast("Any", (None,)))
    judgement = verdict_of(examine(subject(image())), snapshot, policy)
    assert {crash.code for crash in judgement.crashes} >= {"NUM-004"}
    assert judgement.verdict.decision is Decision.WARN
    assert judgement.verdict.findings[-1].code == "INT-001"


def test_the_text_of_an_error_is_shown_nowhere(policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(sent: Subject) -> Outcome:
        raise ValueError(SECRET)

    rule = replace(RULES[0], instance=fail)
    monkeypatch.setitem(cast("dict[Kind, object]", engine._INSTANCE), Kind.CT, ((rule, rule.instance),))
    judgement = verdict_of(examine(subject(image())), Snapshot(), policy)
    assert SECRET not in repr(judgement)
    assert judgement.crashes == (Crash(rule.code, "ValueError", judgement.crashes[0].place),)
    assert judgement.crashes[0].place.startswith(f"{__name__}:")


def test_another_object_with_the_same_uid_has_to_be_compared_first(policy: Policy) -> None:
    sent = subject(image())
    stored = held(sent)
    assert judge(examine(sent), Snapshot(held=stored), policy) == NeedsComparison(stored)


def test_once_compared_it_is_judged(policy: Policy) -> None:
    sent = subject(image())
    comparison = Comparison((), Pixels.DIFFERENT, sent.request.transfer_syntax, sent.request.transfer_syntax)
    judgement = verdict_of(examine(sent), Snapshot(held=held(sent), comparison=comparison), policy)
    assert judgement.verdict.decision is Decision.REFUSE
    assert [finding.code for finding in judgement.verdict.findings] == ["DUP-005"]
    assert not judgement.verdict.duplicate


def test_an_identical_resend_is_refused_as_a_duplicate_and_needs_no_comparison(policy: Policy) -> None:
    sent = subject(image())
    verdict = verdict_of(examine(sent), Snapshot(held=held(sent), identical=True), policy).verdict
    assert (verdict.decision, verdict.status, verdict.duplicate) == (Decision.REFUSE, 0x0111, True)
    assert [finding.code for finding in verdict.findings] == ["DUP-001"]


def test_an_identical_resend_of_what_the_sender_could_not_know_is_accepted(policy: Policy) -> None:
    sent = subject(image())
    verdict = verdict_of(examine(sent), Snapshot(held=held(sent, confirmed=False), identical=True), policy).verdict
    assert (verdict.decision, verdict.status, verdict.duplicate) == (Decision.ACCEPT, 0, True)


def test_an_identical_resend_is_asked_only_whether_it_is_what_the_request_says(policy: Policy) -> None:
    faulty = subject(
        image(PatientID=None, ImagePositionPatient=None, InstanceNumber=None),
        sop_class_uid=MRImageStorage, abstract_syntax=CTImageStorage,
    )  # fmt: skip
    alone = {finding.code for finding in verdict_of(examine(faulty), Snapshot(), policy).verdict.findings}
    assert {"UID-007", "UID-008", "REQ-002", "GEO-101"} <= alone
    again = verdict_of(examine(faulty), Snapshot(held=held(faulty), identical=True), policy).verdict
    assert [finding.code for finding in again.findings] == ["UID-007", "UID-008", "DUP-001"]
    assert again.status == 0xA901
    assert {rule.code for rule in REQUEST_RULES} == {"UID-007", "UID-008", "UID-009"}


def test_a_crash_is_told_of_an_identical_resend_too(policy: Policy) -> None:
    sent = subject(image())
    judgement = verdict_of(examine(unreadable(sent)), Snapshot(held=held(sent), identical=True), policy)
    assert judgement.crashes
    assert [finding.code for finding in judgement.verdict.findings] == ["DUP-001"]


def test_examining_does_not_depend_on_what_was_examined_before() -> None:
    faulty, good = subject(image(PatientID=None)), subject(image())
    assert examine(good) == examine(good)
    assert codes(examine(faulty)) == codes(examine(faulty)) == ["REQ-002"]
    assert isinstance(examine(faulty).found[0].problem, Problem)


def test_another_object_under_a_stored_uid_is_never_accepted_even_if_the_rules_about_it_failed(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cast("dict[Kind, object]", engine._PAIRWISE), Kind.CT, ())
    sent = subject(image())
    stored = replace(held(sent), digest=b"other")
    snapshot = Snapshot(held=stored, comparison=Comparison((), Pixels.DIFFERENT, "1.2", "1.2"))
    verdict = verdict_of(examine(sent), snapshot, policy).verdict
    assert (verdict.decision, verdict.status) == (Decision.REFUSE, Status.NOT_JUDGED)
    assert [finding.problem.other for finding in verdict.findings] == [stored.other]
