"""What was found becomes one decision: by profile and settings, and never against what can be stored."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.audit.catalogue import RULES
from scp.audit.finding import Answer, Decision, Outcome, Problem, Severity, Verdict
from scp.audit.policy import Found, Policy, Profile, make_policy
from scp.audit.rule import Rule, Subject, grades, instance_rule
from scp.dicom.status import Status

OFF, INFO, WARN, REFUSE = Severity
OBSERVE, STANDARD, STRICT = Profile


@instance_rule(
    "TST-001", grades(WARN, REFUSE, worse=(REFUSE, REFUSE), noted=(INFO, INFO)),
    {"": Status.UID_REUSED, "worse": Status.UID_MALFORMED}, reference="–",
)  # fmt: skip
def graded(subject: Subject) -> Outcome:
    """A rule with cases."""
    return Answer.PASS


@instance_rule("TST-002", grades(REFUSE, REFUSE), Status.IDENTITY_MISSING, reference="–")
def grave(subject: Subject) -> Outcome:
    """A rule that refuses."""
    return Answer.PASS


@instance_rule("OTH-001", grades(INFO, WARN), reference="–")
def mild(subject: Subject) -> Outcome:
    """A rule of another family, which no profile lets refuse."""
    return Answer.PASS


ALL = (graded, grave, mild)


def policy(profile: Profile = STANDARD, **settings: Any) -> Policy:
    return make_policy(ALL, profile, **settings)


def decide(one: Policy, *found: tuple[Rule, Problem]) -> Verdict:
    return one.decide([Found(*each) for each in found])


def severity_of(one: Policy, rule: Rule, case: str = "") -> Severity:
    """The severity that a finding gets; OFF if there is none."""
    findings = decide(one, (rule, Problem("found", case=case))).findings
    return findings[0].severity if findings else OFF


@pytest.mark.parametrize(
    ("rule", "case", "severities"),
    [
        (graded, "", (WARN, WARN, REFUSE)),
        (graded, "worse", (WARN, REFUSE, REFUSE)),
        (graded, "noted", (INFO, INFO, INFO)),
        (graded, "not named", (WARN, WARN, REFUSE)),
        (grave, "", (WARN, REFUSE, REFUSE)),
        (mild, "", (INFO, INFO, WARN)),
    ],
)
def test_a_profile_gives_each_case_its_severity(rule: Rule, case: str, severities: tuple[Severity, ...]) -> None:
    assert tuple(severity_of(policy(profile), rule, case) for profile in Profile) == severities


@pytest.mark.parametrize(
    ("settings", "severities"),
    [
        ({"TST": OFF}, {"": OFF, "worse": OFF, "noted": OFF}),
        ({"TST": OFF, "TST-001": INFO}, {"": INFO, "worse": INFO, "noted": INFO}),
        ({"TST": OFF, "TST-001": INFO, "TST-001.worse": WARN}, {"": INFO, "worse": WARN, "noted": INFO}),
        ({"TST-001.noted": REFUSE}, {"": WARN, "worse": REFUSE, "noted": REFUSE}),
        ({"OTH": REFUSE, "TST-002": OFF}, {"": WARN, "worse": REFUSE, "noted": INFO}),
    ],
    ids=["family", "code over family", "case over code", "case over profile", "others"],
)
@pytest.mark.parametrize("profile", [STANDARD])
def test_the_most_specific_setting_wins(
    settings: Mapping[str, Severity], severities: Mapping[str, Severity], profile: Profile
) -> None:
    one = policy(profile, overrides=settings)
    assert {case: severity_of(one, graded, case) for case in ("", "worse", "noted")} == severities


@pytest.mark.parametrize("profile", Profile)
def test_a_setting_wins_over_every_profile(profile: Profile) -> None:
    assert severity_of(policy(profile, overrides={"TST-002": INFO}), grave) is INFO
    assert severity_of(policy(profile, overrides={"OTH": REFUSE}), mild) is REFUSE


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("severity", Severity)
def test_what_has_no_place_is_refused_whatever_the_settings_say(profile: Profile, severity: Severity) -> None:
    one = policy(profile, overrides={"OTH-001": severity, "OTH": severity})
    verdict = decide(one, (mild, Problem("no place", unstorable=True)))
    assert verdict.decision is Decision.REFUSE
    assert verdict.status == Status.REFUSED_BY_SETTINGS


def test_nothing_found_is_accepted() -> None:
    assert decide(policy()) == Verdict(Decision.ACCEPT, Status.SUCCESS)


def test_a_duplicate_stays_one_whatever_was_found() -> None:
    assert policy().decide([], duplicate=True) == Verdict(Decision.ACCEPT, Status.SUCCESS, duplicate=True)
    for rule in ALL:
        assert policy().decide([Found(rule, Problem("found"))], duplicate=True).duplicate


def test_what_is_switched_off_is_not_even_told() -> None:
    verdict = decide(policy(overrides={"OTH": OFF}), (mild, Problem("found")))
    assert (verdict.decision, verdict.findings) == (Decision.ACCEPT, ())


def test_information_is_told_and_accepted() -> None:
    verdict = decide(policy(warning_status=Status.STORED_WITH_WARNING), (mild, Problem("found", tags=(1,))))
    assert (verdict.decision, verdict.status) == (Decision.ACCEPT, Status.SUCCESS)
    assert [finding.code for finding in verdict.findings] == ["OTH-001"]


def test_a_warning_is_stored_and_by_default_the_sender_is_not_bothered() -> None:
    verdict = decide(policy(), (graded, Problem("found", tags=(1,))))
    assert (verdict.decision, verdict.status) == (Decision.WARN, Status.SUCCESS)
    assert (verdict.comment, verdict.offending) == ("", ())


def test_a_warning_status_comes_with_the_first_warning_and_the_elements_of_all() -> None:
    found = (
        (mild, Problem("only noted", tags=(9,))),
        (graded, Problem("first", tags=(1, 2))),
        (graded, Problem("second", tags=(2, 3))),
    )
    verdict = decide(policy(warning_status=Status.STORED_WITH_WARNING), *found)
    assert (verdict.decision, verdict.status) == (Decision.WARN, Status.STORED_WITH_WARNING)
    assert verdict.comment == "TST-001 first"
    assert verdict.offending == (1, 2, 3)


def test_of_several_refusals_the_first_gives_the_status_and_all_give_elements() -> None:
    found = (
        (graded, Problem("a warning", tags=(9,))),
        (graded, Problem("first", tags=(2, 1), case="worse")),
        (grave, Problem("second", tags=(1, 3))),
    )
    verdict = decide(policy(), *found)
    assert (verdict.decision, verdict.status) == (Decision.REFUSE, Status.UID_MALFORMED)
    assert verdict.comment == "TST-001 first"
    assert verdict.offending == (2, 1, 3)
    assert [finding.severity for finding in verdict.findings] == [WARN, REFUSE, REFUSE]


def test_a_case_without_a_status_of_its_own_has_that_of_the_rule() -> None:
    verdict = decide(policy(STRICT), (graded, Problem("found")))
    assert verdict.status == Status.UID_REUSED
    noted = decide(policy(overrides={"TST": REFUSE}), (graded, Problem("found", case="noted")))
    assert noted.status == Status.UID_REUSED


def test_a_rule_that_only_settings_let_refuse_says_so() -> None:
    verdict = decide(policy(overrides={"OTH-001": REFUSE}), (mild, Problem("found")))
    assert verdict.status == Status.REFUSED_BY_SETTINGS


def test_a_configured_response_replaces_the_status_of_the_rule_in_every_case() -> None:
    one = policy(responses={"TST-001": 0xC123})
    assert decide(one, (graded, Problem("found", case="worse"))).status == 0xC123
    assert decide(one, (grave, Problem("found"))).status == Status.IDENTITY_MISSING


def test_a_response_is_for_refusals_only() -> None:
    verdict = decide(policy(responses={"TST-001": 0xC123}), (graded, Problem("found")))
    assert verdict.status == Status.SUCCESS


@pytest.mark.parametrize(
    ("profile", "tightened"),
    [
        (OBSERVE, {"standard": 0xA910, "strict": 0xC011}),
        (STANDARD, {}),
        (STRICT, {}),
    ],
)
def test_what_stricter_profiles_would_have_answered_is_told(profile: Profile, tightened: dict[str, int]) -> None:
    verdict = decide(policy(profile), (graded, Problem("first")), (grave, Problem("second")))
    assert verdict.tightened == tightened


def test_a_stored_instance_knows_what_strict_would_have_answered() -> None:
    assert decide(policy(), (graded, Problem("found"))).tightened == {"strict": Status.UID_REUSED}
    assert decide(policy(responses={"TST-001": 0xC123}), (graded, Problem("found"))).tightened == {"strict": 0xC123}
    assert decide(policy(), (mild, Problem("found"))).tightened == {}


def test_settings_hold_in_the_stricter_profiles_too() -> None:
    assert decide(policy(overrides={"TST": WARN}), (graded, Problem("found"))).tightened == {}


def test_the_names_of_the_profiles_are_those_of_the_settings() -> None:
    assert [profile.value for profile in Profile] == ["observe", "standard", "strict"]


cases = st.sampled_from([(rule, case) for rule in RULES for case in rule.grades])


@given(st.lists(st.tuples(cases, st.booleans()), max_size=6))
def test_a_stricter_profile_never_stores_what_a_milder_one_refuses(
    drawn: list[tuple[tuple[Rule, str], bool]],
) -> None:
    found = [Found(rule, Problem("found", case=case, unstorable=lost)) for (rule, case), lost in drawn]
    verdicts = [make_policy(RULES, profile).decide(found) for profile in Profile]
    refused = [verdict.decision is Decision.REFUSE for verdict in verdicts]
    assert refused == sorted(refused)
    for verdict in verdicts:
        assert bool(verdict.status) is (verdict.decision is Decision.REFUSE)
        assert len(verdict.comment) <= 64
    for number, verdict in enumerate(verdicts):
        for profile, other in list(zip(Profile, verdicts, strict=True))[number + 1 :]:
            if verdict.is_stored:
                assert verdict.tightened.get(profile.value, 0) == other.status
