"""An examiner says of each instance of an association what would be said of it alone."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256
from typing import Any, Final

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, MRImageStorage

from scp.audit.catalogue import RULES
from scp.audit.engine import Judgement, NeedsComparison, examine, judge
from scp.audit.examiner import Examiner
from scp.audit.finding import Answer, Outcome, Problem
from scp.audit.policy import Found, Profile, make_policy
from scp.audit.recall import Ask, Check, Recall
from scp.audit.rule import Rule, Subject
from scp.audit.snapshot import Snapshot
from scp.audit.tracked import FACTS, tracked
from scp.dicom.compare import compare
from scp.dicom.decoder import Change
from scp.dicom.difference import Comparison
from scp.dicom.facts import Facts
from scp.dicom.part10 import Part10, read_file
from scp.dicom.read import read_facts
from scp.dicom.request import OF_SENDER, Association, Request
from scp.dicom.shape import LONGEST
from scp.dicom.walk import Limits
from scp.examiners import Examiners
from scp.ledger.port import Draft
from scp.ledger.sqlite import SqliteLedger
from tests.corpus import SERIES
from tests.rules.builders import SERIES as SERIES_UID
from tests.rules.builders import encoded, image, subject
from tests.unit.dicom.samples import PYDICOM, names

KEY: Final = b"k" * 32
SENDER: Final = Association("0000000000001", "127.0.0.1", 1, "CT1", "AUDITSCP")
POLICIES: Final = [
    make_policy(RULES, profile=profile, overrides={}, responses={}, warning_status=0) for profile in Profile
]
Sent = tuple[Request, bytes]


def sent(content: bytes, message: int) -> Sent | None:
    found = read_file(content)
    if not isinstance(found, Part10):
        return None
    facts = read_facts(content[found.offset :], found.transfer_syntax, Limits())
    sop_class = facts.sop_class_uid
    request = Request(SENDER, message, sop_class, facts.sop_instance_uid, sop_class, found.transfer_syntax)
    return request, content[found.offset :]


def made(number: int, transfer_syntax: str = ExplicitVRLittleEndian, **changes: Any) -> Sent:
    """A slice of a stack, at its place and with its number; ``changes`` are as those of an image."""
    own = {"SOPInstanceUID": f"{SERIES_UID}.{number}", "InstanceNumber": str(number),
           "ImagePositionPatient": ["0", "0", f"{2.5 * number}"], "SliceLocation": f"{2.5 * number}"}  # fmt: skip
    data = encoded(image(**own | changes), transfer_syntax)
    facts = read_facts(data, transfer_syntax, Limits())
    sop_class = facts.sop_class_uid
    return Request(SENDER, number, sop_class, facts.sop_instance_uid, sop_class, transfer_syntax), data


def made_stack() -> list[Sent]:
    """Forty good slices."""
    return [made(number) for number in range(1, 41)]


def real_stack() -> list[Sent]:
    """A good series of the corpus."""
    series = next(series for series in SERIES if series.is_clean)
    return [one for path in series.paths if (one := sent(path.read_bytes(), 1))]


STACKS: Final = pytest.mark.parametrize("stack", [made_stack, real_stack])
CHANGES: Final[list[dict[str, Any]]] = [
    {"PatientID": None}, {"PatientName": "Other^Name"}, {"PatientSex": "M"}, {"StudyDate": "20260103"},
    {"Modality": "MR"}, {"StationName": "CT2"}, {"FrameOfReferenceUID": "1.2.826.0.1.1.10"}, {"SeriesNumber": "3"},
    {"Rows": 8, "PixelData": bytes(64)}, {"PixelSpacing": ["0.6", "0.5"]}, {"PixelData": bytes(30)},
    {"ImagePositionPatient": None}, {"ImageOrientationPatient": ["1", "0", "0", "0", "0", "-1"]},
    {"InstanceNumber": "1"}, {"InstanceNumber": None}, {"SOPInstanceUID": f"{SERIES_UID}.1"},
    {"SeriesInstanceUID": "1.2.826.0.1.1.2"}, {"StudyInstanceUID": "1.2.826.0.1.2"},
    {"SeriesInstanceUID": "1.2.826.0.1.2.1", "StudyInstanceUID": "1.2.826.0.1.2", "PatientID": "P2"},
    {"SOPClassUID": MRImageStorage, "Modality": "MR"}, {"transfer_syntax": str(ImplicitVRLittleEndian)},
]  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_slices_of_a_stack_of_which_some_are_other_than_the_one_before(seed: int) -> None:
    chance = random.Random(seed)
    association = [made(number, **chance.choice([{}, {}, chance.choice(CHANGES)])) for number in range(1, 41)]
    for number in chance.sample(range(40), 3):
        request, data = association[number]
        association[number] = replace(request, abstract_syntax="1.2.4"), data
    association += association[10:20]
    assert check(association, seed % len(POLICIES)) == 50


def check(association: Sequence[Sent], policy: int = 1) -> int:
    """Judge all with those who know the instance before, and each alone, against one ledger; return how many."""
    ledger = SqliteLedger(None, "none")
    examiners = Examiners(Limits(), ledger.fingerprint_key)
    stored: dict[str, Sent] = {}
    for number, (request, data) in enumerate(association, 1):
        examiner = examiners.of(request.association)
        facts = read_facts(data, request.transfer_syntax, Limits())
        alone = examine(Subject(request, facts, tracked(facts, ledger.fingerprint_key)))
        examination = examiner.examine(data, request)
        assert examination.subject == alone.subject
        assert sorted(map(repr, examination.found)) == sorted(map(repr, alone.found))
        assert not examination.crashes

        def decide(snapshot: Snapshot, comparison: Comparison | None = None) -> Judgement | NeedsComparison:
            snapshot = replace(snapshot, comparison=comparison)
            by_itself = judge(alone, snapshot, POLICIES[policy])  # noqa: B023 - called in this turn of the loop
            found = examiner.judge(examination, snapshot, POLICIES[policy])  # noqa: B023
            assert found == by_itself
            return found

        draft = Draft(number, number, examination.subject, sha256(data).digest(), len(data))
        if isinstance(ledger.admit(draft, decide), NeedsComparison):
            before, kept = stored[facts.sop_instance_uid]
            comparison = compare(kept, before.transfer_syntax, data, request.transfer_syntax)
            ledger.admit(draft, partial(decide, comparison=comparison))
        stored.setdefault(facts.sop_instance_uid, (request, data))
        if number < len(association) and association[number][0].association.id != request.association.id:
            examiners.ended(request.association)
    ledger.close()
    return len(association)


@pytest.mark.parametrize("policy", range(len(POLICIES)))
def test_every_series_of_the_corpus_in_one_association(policy: int) -> None:
    association = [one for series in SERIES for path in series.paths if (one := sent(path.read_bytes(), 1))]
    assert check(association, policy) > 200


@pytest.mark.parametrize("seed", range(3))
def test_instances_of_all_series_in_any_order(seed: int) -> None:
    association = [one for series in SERIES for path in series.paths[:8] if (one := sent(path.read_bytes(), 1))]
    association += [one for name in names(PYDICOM)[:60] if (one := sent((PYDICOM / name).read_bytes(), 1))]
    random.Random(seed).shuffle(association)
    assert check(association) > 60


@pytest.mark.parametrize("seed", range(3))
def test_an_association_for_each_instance_of_one_of_three_senders(seed: int) -> None:
    instances = [one for series in SERIES for path in series.paths[:8] if (one := sent(path.read_bytes(), 1))]
    senders = [replace(SENDER, calling_ae_title=f"CT{number}", implementation_class_uid="1.2"[:number + 1])
               for number in range(3)]  # fmt: skip
    chance = random.Random(seed)
    associations = [
        (replace(request, association=replace(chance.choice(senders), id=f"{number:013}", port=number)), data)
        for number, (request, data) in enumerate(instances)
    ]
    assert check(associations) > 60


def test_no_rule_looks_at_what_each_association_has_for_itself() -> None:
    read: set[str] = set()

    class Seen(Association):
        def __getattribute__(self, name: str) -> object:
            read.add(name)
            return super().__getattribute__(name)

    mine = subject(image())
    watched = Seen(**{name: getattr(SENDER, name) for name in SENDER.__slots__})
    mine = replace(mine, request=replace(mine.request, association=watched))
    read.clear()
    assert examine(mine).crashes == ()
    judge(examine(mine), Snapshot(), POLICIES[0])
    assert read
    assert read <= {*OF_SENDER, "__class__"}


@STACKS
def test_a_request_that_is_wrong_in_the_middle_of_a_series_is_seen(stack: Callable[[], list[Sent]]) -> None:
    good = stack()[:6]
    wrong = [
        (replace(request, sop_instance_uid="1.2.3"), data) if number == 3
        else (replace(request, abstract_syntax="1.2.4"), data) if number == 4
        else (request, data)
        for number, (request, data) in enumerate(good)
    ]  # fmt: skip
    examiner = Examiner(Limits(), KEY)
    codes = [{one.rule.code for one in examiner.examine(data, request).found} for request, data in wrong]
    assert "UID-007" in codes[3]
    assert "UID-008" in codes[4]
    assert all(not {"UID-007", "UID-008"} & codes[number] for number in (0, 1, 2, 5))


@STACKS
def test_a_slice_is_recognised_by_its_beginning_and_examined_as_if_all_of_it_were_read(
    stack: Callable[[], list[Sent]],
) -> None:
    association = stack()
    examiner, alone, by_beginning = Examiner(Limits(), KEY), Examiner(Limits(), KEY), 0
    assert examiner.recognise(association[0][1], len(association[0][1]), association[0][0]) is None
    for request, data in association:
        found = examiner.recognise(data[:LONGEST], len(data), request)
        by_beginning += found is not None
        expected = alone.examine(data, request)
        found = found or examiner.examine(data, request)
        assert found.subject == expected.subject
        assert sorted(map(repr, found.found)) == sorted(map(repr, expected.found))
    assert by_beginning > len(association) / 2


@STACKS
def test_in_a_stack_of_good_slices_no_rule_has_to_be_asked_about_each(
    stack: Callable[[], list[Sent]], monkeypatch: pytest.MonkeyPatch
) -> None:
    association = stack()
    ledger, asked = SqliteLedger(None, "none"), list[str]()
    examiner = Examiner(Limits(), ledger.fingerprint_key)

    def run(self: Recall, checks: Sequence[Check], mine: Subject, *rest: Any) -> list[Found]:
        asked.append(mine.facts.sop_instance_uid)
        return original(self, checks, mine, *rest)

    original = Recall.run
    monkeypatch.setattr(Recall, "run", run)
    for number, (request, data) in enumerate(association, 1):
        examination = examiner.examine(data, request)
        draft = Draft(number, number, examination.subject, bytes(32), len(data))
        ledger.admit(draft, partial(examiner.judge, examination, policy=POLICIES[1]))
    ledger.close()
    assert len(set(asked)) < len(association) / 10


def test_the_facts_that_make_compared_values_are_all_named() -> None:
    facts = subject(image()).facts
    read: set[str] = set()

    class Seen(Facts):
        def __getattribute__(self, name: str) -> object:
            if not name.startswith("_"):
                read.add(name)
            return super().__getattribute__(name)

    tracked(Seen(**vars(facts)), KEY)
    anew = {"kind", "image_position", "image_orientation", "acquisition_date", "acquisition_time"}
    assert read - FACTS == anew | {"acquisition_datetime"}
    assert read >= FACTS


def rule(code: str) -> Rule:
    return replace(RULES[0], code=code)


def asked(log: list[str]) -> Ask:
    def ask(check: Check, mine: Subject, snapshot: Snapshot | None) -> Outcome | None:
        log.append(check[0].code)
        return check[1](mine)

    return ask


def test_a_rule_is_asked_again_only_if_what_it_read_has_changed() -> None:
    first = subject(image())
    by_modality = (rule("A"), lambda subject: Problem(subject.facts.modality))
    by_number = (rule("B"), lambda subject: Problem(str(subject.facts.instance_number)))
    by_frames = (rule("C"), lambda subject: Problem(str(subject.facts.frames)))
    checks = (by_modality, by_number, by_frames)
    recall, log = Recall(), list[str]()
    ask = asked(log)

    def run(mine: Subject, change: Change) -> tuple[list[str], list[str]]:
        log.clear()
        problems = recall.run(checks, mine, None, change, ask)
        return list(log), sorted(problem.message for _, problem in problems)

    second = replace(first, facts=replace(first.facts, instance_number=77))
    third = replace(second, facts=replace(second.facts, number_of_frames=5))
    assert run(first, None)[0] == ["A", "B", "C"]
    assert run(second, frozenset({"instance_number"})) == (["B"], sorted([first.facts.modality, "77", "1"]))
    assert run(second, frozenset()) == (["B"], sorted([first.facts.modality, "77", "1"]))
    assert run(third, frozenset({"number_of_frames"})) == (["B", "C"], sorted([first.facts.modality, "77", "5"]))
    assert run(first, None)[0] == ["A", "B", "C"]


def test_a_rule_that_failed_is_asked_each_time() -> None:
    recall, log = Recall(), list[str]()

    def ask(check: Check, mine: Subject, snapshot: Snapshot | None) -> Outcome | None:
        log.append(check[0].code)
        return None if check[0].code == "A" else Answer.PASS

    checks: tuple[Check, ...] = ((rule("A"), lambda _: Answer.PASS), (rule("B"), lambda _: Answer.PASS))
    for change in (None, frozenset[str](), frozenset[str]()):
        assert recall.run(checks, subject(image()), None, change, ask) == []
    assert log == ["A", "B", "A", "A"]


@STACKS
def test_an_error_of_ours_leaves_nothing_behind(
    stack: Callable[[], list[Sent]], monkeypatch: pytest.MonkeyPatch
) -> None:
    association = stack()[:3]
    examiner = Examiner(Limits(), KEY)
    examiner.examine(association[0][1], association[0][0])
    with monkeypatch.context() as patch:
        patch.setattr("scp.audit.examiner.tracked", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            examiner.examine(association[1][1], association[1][0])
    request, data = association[2]
    facts = read_facts(data, request.transfer_syntax, Limits())
    assert examiner.examine(data, request).subject == Subject(request, facts, tracked(facts, KEY))
