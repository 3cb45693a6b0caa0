r"""GEO, STK and SER on any text where numbers should be: no rule fails, and none passes what it says it finds.

Expectations are computed with fractions, which neither overflow nor round; only the tolerances are floats.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    EnhancedCTImageStorage,
    NuclearMedicineImageStorage,
    RTDoseStorage,
)

from scp.audit.catalogue import RULES
from scp.audit.finding import Answer, Outcome, Problem
from scp.audit.policy import Profile, make_policy
from scp.audit.rule import Subject
from scp.audit.series.judge import audit_series
from scp.audit.series.member import Context, Member
from scp.dicom.geometry import FARTHEST, geometry_of, read_geometry
from tests.rules.builders import after, image, raw, subject

OF_ONE = [rule for rule in RULES if rule.family == "GEO"]
OF_TWO = [rule for rule in RULES if rule.family in ("STK", "DUP", "NUM")]
BY_CODE = {rule.code: rule for rule in RULES}
POLICY = make_policy(RULES, Profile.STRICT)
DECIMAL = re.compile(r" *[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)? *")
COUNTS = {
    "ImagePositionPatient": 3, "ImageOrientationPatient": 6, "PixelSpacing": 2, "ImagerPixelSpacing": 2,
    "NominalScannedPixelSpacing": 2, "SliceThickness": 1, "SpacingBetweenSlices": 1, "SliceLocation": 1,
    "GantryDetectorTilt": 1, "GridFrameOffsetVector": 3,
}  # fmt: skip
CLASSES = [
    CTImageStorage, ComputedRadiographyImageStorage, NuclearMedicineImageStorage, RTDoseStorage, EnhancedCTImageStorage
]  # fmt: skip
ODD = [
    "1e308", "-1e308", "1.7e308", "1e309", "-1e309", "1e200", "1e155", "1e-155", "1e-320", "-1e-320", "1e-400", "1e16",
    "-0", "nan", "NaN", "inf", "-inf", "Infinity", "", " ", "-", ".", "e5", "1,5", "0x1", "1_0", "--1", "+.5", "5.",
]  # fmt: skip
LARGE = Fraction(2) ** 1024
SHORTEST, LONGEST = (one * one for one in (Fraction("0.999899"), Fraction("1.000101")))
LEAST = Fraction(1, 10**300)
"""Below it a thousandth has too few digits for a float."""

plain = st.sampled_from(["0", "1", "-1", "0.5", "2.5", "5", "7.5", " 1 ", "0.70710678"])
texts = (
    plain
    | st.sampled_from(ODD)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.from_regex(re.compile(r"[+-]?[0-9]{0,4}\.?[0-9]{0,4}([eE][+-]?[0-9]{1,3})?"), fullmatch=True)
    | st.text("0123456789+-.eE ,infa", max_size=12)
)


@st.composite
def slices(draw: st.DrawFn, keywords: Sequence[str] = tuple(COUNTS), count: int | None = None) -> dict[str, str]:
    """Texts of attributes with decimal numbers, mostly as many values as there should be."""
    chosen = (
        draw(st.lists(st.sampled_from(keywords), min_size=1, max_size=4, unique=True)) if count is None else keywords
    )
    return {
        keyword: "\\".join(
            draw(st.lists(texts, min_size=COUNTS[keyword], max_size=COUNTS[keyword]) | st.lists(texts, max_size=7))
        )
        for keyword in chosen
    }


def made(values: dict[str, str], sop_class: str = CTImageStorage) -> Subject:
    plane = (
        image(SOPClassUID=sop_class, NumberOfFrames="3") if sop_class == RTDoseStorage else image(SOPClassUID=sop_class)
    )
    return subject(raw(plane, **{keyword: text.encode() + b" " * (len(text) % 2) for keyword, text in values.items()}))


def asked(code: str, one: Subject) -> Outcome:
    rule = BY_CODE[code]
    assert rule.instance is not None
    assert rule.kinds is None or one.facts.kind in rule.kinds
    return rule.instance(one)


def numbers(text: str, count: int) -> tuple[Fraction, ...] | None:
    """What a value of several decimal strings says; None if it is not so many numbers."""
    parts = text.split("\\")
    if len(parts) != count or not all(DECIMAL.fullmatch(part) for part in parts):
        return None
    found = tuple(Fraction(part.strip()) for part in parts)
    return None if any(abs(one) >= LARGE for one in found) else found


def as_floats(values: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """The same, as near as a computer keeps them: 1e-400 is 0."""
    return tuple(Fraction(float(one)) for one in values)


@given(slices(), st.sampled_from(CLASSES))
@settings(deadline=None, max_examples=300)
def test_no_rule_fails_whatever_stands_where_numbers_should_be(values: dict[str, str], sop_class: str) -> None:
    one = made(values, sop_class)
    for rule in OF_ONE:
        if rule.instance and (rule.kinds is None or one.facts.kind in rule.kinds):
            assert isinstance(rule.instance(one), Answer | Problem)
    snapshot = after(made({}, sop_class))
    for rule in OF_TWO:
        if rule.pairwise and (rule.kinds is None or one.facts.kind in rule.kinds):
            assert isinstance(rule.pairwise(one, snapshot), Answer | Problem)
            assert isinstance(rule.pairwise(made({}, sop_class), after(one)), Answer | Problem)


@given(st.lists(slices(), min_size=1, max_size=7), st.sampled_from([CTImageStorage, RTDoseStorage]))
@example([{"ImagePositionPatient": f"0\\0\\{place}"} for place in ("0", "0.01", "0.02", "1e16")], CTImageStorage)
@example([{"SliceLocation": f"{place}"} for place in ("1e308", "-1e308", "1e308")], CTImageStorage)
@settings(deadline=None, max_examples=150)
def test_no_series_audit_fails_either(values: list[dict[str, str]], sop_class: str) -> None:
    members = []
    for number, own in enumerate(values, 1):
        facts = made({"ImagePositionPatient": f"0\\0\\{2.5 * number}"} | own, sop_class).facts
        kept = read_geometry(geometry_of(facts, "a", "v"))
        members.append(Member(number, f"1.2.{number}", sop_class, number, "", "", None, kept))
    audit = audit_series(members, Context(), POLICY)
    assert audit.failures == ()
    assert all(len(finding.message) < 300 for finding in audit.findings)


@given(slices(("ImageOrientationPatient",), 1))
@settings(deadline=None)
def test_directions_pass_only_if_they_are_orthonormal(values: dict[str, str]) -> None:
    text = values["ImageOrientationPatient"]
    found = asked("GEO-103", made(values))
    cosines = numbers(text, 6)
    if cosines is None:
        assert found is not Answer.PASS
        return
    row, column = cosines[:3], cosines[3:]
    squares = [sum(one * one for one in direction) for direction in (row, column)]
    dot = abs(sum((one * other for one, other in zip(row, column, strict=True)), Fraction()))
    if found is Answer.PASS:
        assert dot <= 1.001e-4
        assert all(SHORTEST <= square <= LONGEST for square in squares)
    if max(squares) > 2.001**2:
        assert isinstance(found, Problem)
        assert found.case == "unusable"


@pytest.mark.parametrize(
    "text", ["nan\\0\\0\\0\\1\\0", "1\\0\\0\\0\\inf\\0", "1e309\\0\\0\\0\\1\\0", "1e308\\0\\0\\0\\1\\0"]
)
def test_what_cannot_be_a_cosine_is_unusable(text: str) -> None:
    found = asked("GEO-103", made({"ImageOrientationPatient": text}))
    assert isinstance(found, Problem)
    assert found.case == "unusable"


@given(slices(("ImagePositionPatient",), 1))
@settings(deadline=None)
def test_a_position_passes_only_if_it_is_a_place(values: dict[str, str]) -> None:
    place = numbers(values["ImagePositionPatient"], 3)
    is_place = place is not None and all(abs(one) <= FARTHEST for one in place)
    assert (asked("GEO-101", made(values)) is Answer.PASS) == is_place


@given(slices(("PixelSpacing", "ImagerPixelSpacing"), 2))
@settings(deadline=None)
def test_spacings_pass_only_if_they_are_positive_and_differ_only_if_they_do(values: dict[str, str]) -> None:
    one = made(values, ComputedRadiographyImageStorage)
    read = [numbers(values[keyword], 2) for keyword in ("PixelSpacing", "ImagerPixelSpacing")]
    absent = [not text.strip(" ") for text in values.values()]
    positive = [pair is not None and min(as_floats(pair)) > 0 for pair in read]
    if not all(absent):
        passes = all(good or missing for good, missing in zip(positive, absent, strict=True))
        assert (asked("GEO-104", one) is Answer.PASS) == passes
    spacing, measured = (as_floats(pair or ()) for pair in read)
    if spacing and measured and all(b == 0 or abs(b) > LEAST for b in measured):
        # Of nothing everything differs, however small it is.
        ratio = max(abs(a - b) / abs(b) if b else Fraction(a != 0) for a, b in zip(spacing, measured, strict=True))
        if not Fraction("0.00099") < ratio < Fraction("0.00101"):
            assert (asked("GEO-105", one) is Answer.PASS) == (ratio < Fraction("0.001"))


@given(slices(("SliceThickness", "SliceLocation"), 2))
@settings(deadline=None)
def test_thickness_and_location_pass_only_if_they_are_numbers(values: dict[str, str]) -> None:
    one = made(values)
    thickness, location = numbers(values["SliceThickness"], 1), numbers(values["SliceLocation"], 1)
    assert (asked("GEO-109", one) is Answer.PASS) == (location is not None)
    if thickness:
        assert (asked("GEO-106", one) is Answer.PASS) == (as_floats(thickness)[0] >= 0)


@given(slices(("GridFrameOffsetVector",), 1))
@settings(deadline=None)
def test_a_dose_grid_passes_only_if_it_rises_or_falls(values: dict[str, str]) -> None:
    offsets = numbers(values["GridFrameOffsetVector"], 3)
    found = asked("GEO-122", made(values, RTDoseStorage))
    steps = [later - earlier for earlier, later in pairwise(as_floats(offsets or ()))]
    goes = bool(steps) and (min(steps) > 0 or max(steps) < 0)
    assert (found is Answer.PASS) == goes
