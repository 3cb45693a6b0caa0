"""ENC: every defect of an encoding becomes one finding, and well-formed Data Sets none."""

import zlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from struct import pack

import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

from scp.audit.finding import Answer, Problem, Severity
from scp.audit.rule import Subject
from scp.audit.rules.enc import CUT_SHORT, MALFORMED, OVER_LIMIT, RULES
from scp.dicom.defect import DefectKind
from scp.dicom.part10 import Part10, read_file
from scp.dicom.read import read_facts
from scp.dicom.status import Status
from scp.dicom.walk import Limits
from tests.rules.builders import Case, encoded, fires, image, outcome_of, quiet, subject, subject_of_bytes

UNDEFINED = 0xFFFFFFFF
ITEM, END_OF_ITEM, END_OF_SEQUENCE = (
    pack("<HHL", 0xFFFE, element, length) for element, length in ((0xE000, UNDEFINED), (0xE00D, 0), (0xE0DD, 0))
)


def sequence(element: int, value: bytes, length: int = UNDEFINED) -> bytes:
    """The header of a Sequence of group 0040, and its value as it is given."""
    return pack("<HH2sHL", 0x0040, element, b"SQ", 0, length) + value


def plain(group: int, element: int, vr: bytes, value: bytes) -> bytes:
    return pack("<HH2sH", group, element, vr, len(value)) + value


def nested(depth: int) -> bytes:
    """Sequences within Sequences, each of undefined length and properly closed."""
    value = b""
    for _ in range(depth):
        value = sequence(0xA730, ITEM + value + END_OF_ITEM + END_OF_SEQUENCE)
    return value


def deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def encapsulated(fragments: bytes) -> bytes:
    return encoded(image(PixelData=None)) + pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, UNDEFINED) + fragments


def of_bytes(data: bytes, transfer_syntax: str = ExplicitVRLittleEndian) -> Subject:
    return subject_of_bytes(data, transfer_syntax)


def within(limits: Limits, data: bytes, transfer_syntax: str = ExplicitVRLittleEndian) -> Subject:
    """The subject that bytes make on a node with other limits."""
    return replace(of_bytes(GOOD), facts=read_facts(data, transfer_syntax, limits))


def of_file(name: str) -> Subject:
    """One of the test files that pydicom ships, as if it had been sent."""
    path = get_testdata_file(name)
    assert isinstance(path, str)
    data = Path(path).read_bytes()
    taken_apart = read_file(data)
    assert isinstance(taken_apart, Part10)
    return subject_of_bytes(data[taken_apart.offset :], taken_apart.transfer_syntax)


GOOD = encoded(image())
EMPTY_ITEM = pack("<HHL", 0xFFFE, 0xE000, 0)
FRAGMENT = pack("<HHL", 0xFFFE, 0xE000, 4) + b"\xff\xd8\xff\xd9"

CASES = [
    fires("ENC-001", "one-byte-of-pixels-short", lambda: of_bytes(GOOD[:-1])),
    fires("ENC-001", "in-a-header", lambda: of_bytes(GOOD[:-38])),
    fires("ENC-001", "in-a-fragment", lambda: of_bytes(encapsulated(EMPTY_ITEM + FRAGMENT[:-1]), JPEGBaseline8Bit)),
    fires("ENC-001", "in-a-deflated-stream", lambda: of_bytes(deflated(GOOD)[:-4], DeflatedExplicitVRLittleEndian)),
    fires("ENC-001", "big-endian-as-little", lambda: of_bytes(encoded(image(), ExplicitVRBigEndian))),
    fires("ENC-001", "MR_truncated", lambda: of_file("MR_truncated.dcm")),
    fires("ENC-001", "rtplan_truncated", lambda: of_file("rtplan_truncated.dcm")),
    quiet("ENC-001", "complete", lambda: of_bytes(GOOD)),
    quiet("ENC-001", "between-two-elements", lambda: of_bytes(GOOD[:-44])),
    quiet("ENC-001", "another-defect", lambda: of_bytes(GOOD + b"\0" * 16)),
    fires("ENC-002", "implicit-as-explicit", lambda: of_bytes(encoded(image(), ImplicitVRLittleEndian))),
    fires("ENC-002", "explicit-as-implicit", lambda: of_bytes(GOOD, ImplicitVRLittleEndian)),
    fires("ENC-002", "SC_rgb_jpeg", lambda: of_file("SC_rgb_jpeg.dcm")),
    fires("ENC-002", "sequence-not-closed", lambda: of_bytes(sequence(0xA730, ITEM + END_OF_ITEM))),
    fires("ENC-002", "fragments-not-closed", lambda: of_bytes(encapsulated(EMPTY_ITEM + FRAGMENT), JPEGBaseline8Bit)),
    fires("ENC-002", "delimiter-at-the-top", lambda: of_bytes(GOOD + END_OF_ITEM)),
    fires("ENC-002", "no-item-in-a-sequence", lambda: of_bytes(sequence(0xA730, GOOD, len(GOOD)))),
    fires("ENC-002", "element-longer-than-its-item", lambda: of_bytes(
        sequence(0xA730, pack("<HHL", 0xFFFE, 0xE000, 10) + plain(0x0040, 0xA160, b"UT", b"\0\0\xff\0"), 18) + GOOD)),
    fires("ENC-002", "native-pixels-of-undefined-length", lambda: of_bytes(
        encapsulated(EMPTY_ITEM + FRAGMENT + END_OF_SEQUENCE))),
    fires("ENC-002", "not-a-deflated-stream", lambda: of_bytes(b"\xff" * 64, DeflatedExplicitVRLittleEndian)),
    fires("ENC-002", "bytes-after-a-deflated-stream", lambda: of_bytes(
        deflated(GOOD) + b"junk", DeflatedExplicitVRLittleEndian)),
    fires("ENC-002", "nuls-at-the-end", lambda: of_bytes(GOOD + b"\0" * 16), "trailing"),
    quiet("ENC-002", "explicit", lambda: of_bytes(GOOD)),
    quiet("ENC-002", "implicit", lambda: subject(image(), ImplicitVRLittleEndian)),
    quiet("ENC-002", "big-endian", lambda: subject(image(), ExplicitVRBigEndian)),
    quiet("ENC-002", "deflated", lambda: of_bytes(deflated(GOOD), DeflatedExplicitVRLittleEndian)),
    quiet("ENC-002", "fragments", lambda: of_bytes(
        encapsulated(EMPTY_ITEM + FRAGMENT + END_OF_SEQUENCE), JPEGBaseline8Bit)),
    quiet("ENC-002", "unknown-vr", lambda: of_bytes(plain(0x0008, 0x0005, b"ZZ", b"") + GOOD)),
    quiet("ENC-002", "trailing-padding-element", lambda: of_bytes(
        GOOD + pack("<HH2sHL", 0xFFFC, 0xFFFC, b"OB", 0, 16) + bytes(16)), "trailing"),
    quiet("ENC-002", "cut-short", lambda: of_bytes(GOOD[:-1])),
    fires("ENC-003", "one-level-too-deep", lambda: of_bytes(nested(33))),
    fires("ENC-003", "one-item-too-many", lambda: within(Limits(max_elements=3), sequence(
        0xA730, EMPTY_ITEM * 3 + END_OF_SEQUENCE))),
    fires("ENC-003", "one-fragment-too-many", lambda: within(Limits(max_fragments=2), encapsulated(
        EMPTY_ITEM + FRAGMENT * 2 + END_OF_SEQUENCE), JPEGBaseline8Bit)),
    fires("ENC-003", "inflates-to-one-byte-too-many", lambda: within(
        Limits(inflated_bytes=len(GOOD) - 1), deflated(GOOD), DeflatedExplicitVRLittleEndian)),
    quiet("ENC-003", "deepest-allowed", lambda: of_bytes(nested(32))),
    quiet("ENC-003", "as-many-items-as-allowed", lambda: within(Limits(max_elements=3), sequence(
        0xA730, EMPTY_ITEM * 2 + END_OF_SEQUENCE))),
    quiet("ENC-003", "as-many-fragments-as-allowed", lambda: within(Limits(max_fragments=2), encapsulated(
        EMPTY_ITEM + FRAGMENT + END_OF_SEQUENCE), JPEGBaseline8Bit)),
    quiet("ENC-003", "inflates-to-the-limit", lambda: within(
        Limits(inflated_bytes=len(GOOD)), deflated(GOOD), DeflatedExplicitVRLittleEndian)),
    quiet("ENC-003", "cut-short", lambda: of_bytes(GOOD[:-1])),
    fires("ENC-004", "out-of-order", lambda: of_bytes(plain(0x0010, 0x4000, b"LT", b"") + GOOD)),
    fires("ENC-004", "repeated", lambda: of_bytes(plain(0x0008, 0x0008, b"CS", b"") + GOOD)),
    quiet("ENC-004", "in-order", lambda: of_bytes(GOOD)),
    quiet("ENC-004", "one-element", lambda: of_bytes(plain(0x0008, 0x0060, b"CS", b"CT"))),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_rule_fires_on_its_problem_and_on_nothing_else(case: Case) -> None:
    outcome = outcome_of(RULES, case)

    assert isinstance(outcome, Problem) is case.fires
    if isinstance(outcome, Problem):
        assert outcome.case == case.case
        assert outcome.message.isprintable()


def test_every_kind_of_defect_belongs_to_exactly_one_rule() -> None:
    owned = sorted(chain(CUT_SHORT, MALFORMED, OVER_LIMIT))

    assert owned == sorted(DefectKind)


def test_every_kind_of_defect_is_shown_by_a_case() -> None:
    shown = {defect.kind for case in cases_that_fire() if (defect := case.subject().facts.defect)}

    assert shown == set(DefectKind)


def cases_that_fire() -> Iterator[Case]:
    for parameters in CASES:
        (case,) = parameters.values
        assert isinstance(case, Case)
        if case.fires:
            yield case


def test_after_a_defect_the_other_rules_do_not_pass_but_stand_aside() -> None:
    answers = [outcome_of(RULES, Case(rule.code, "", False, lambda: of_bytes(GOOD[:-1]))) for rule in RULES[1:3]]

    assert answers == [Answer.NOT_APPLICABLE, Answer.NOT_APPLICABLE]


def found_by(code: str, judged: Subject) -> Problem:
    outcome = outcome_of(RULES, Case(code, "", True, lambda: judged))
    assert isinstance(outcome, Problem)
    return outcome


def test_the_message_says_what_and_where_and_the_tag_is_the_offending_element() -> None:
    ds = Dataset()
    ds.Modality = "CT"
    problem = found_by("ENC-001", of_bytes(encoded(ds)[:-1]))

    assert problem.message == "truncated at byte 0 in (0008,0060)"
    assert problem.tags == (0x00080060,)


def test_no_tag_is_offending_where_none_could_be_read() -> None:
    assert found_by("ENC-002", of_bytes(b"\xff" * 64, DeflatedExplicitVRLittleEndian)).tags == ()


def test_the_first_element_out_of_order_is_named() -> None:
    problem = found_by("ENC-004", of_bytes(plain(0x0010, 0x4000, b"LT", b"") + GOOD))

    assert problem.message == "not in ascending order from (0008,0008)"
    assert problem.tags == (0x00080008,)


def test_only_nuls_at_the_end_are_stored_and_only_in_standard() -> None:
    severities = {(rule.code, case): rule.grade(case) for rule in RULES for case in rule.grades}
    lenient = {key for key, grade in severities.items() if grade.standard is not Severity.REFUSE}

    assert lenient == {("ENC-002", "trailing"), ("ENC-004", "")}
    assert all(grade.strict is Severity.REFUSE for grade in severities.values())


def test_each_rule_answers_with_its_own_status() -> None:
    assert [rule.status("") for rule in RULES] == [
        Status.DATA_SET_TRUNCATED,
        Status.DATA_SET_MALFORMED,
        Status.DATA_SET_OVER_LIMIT,
        Status.ELEMENTS_UNORDERED,
    ]
