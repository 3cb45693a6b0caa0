"""Whatever the bytes: the walk ends, never raises, never looks outside, and its cost grows with the size only."""

from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scp.dicom.defect import DefectKind
from scp.dicom.syntax import ENCAPSULATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding
from scp.dicom.walk import Limits, Scan, Span, fragments, walk
from tests.unit.dicom import samples
from tests.unit.dicom.compare import places
from tests.unit.dicom.encode import UNDEFINED, explicit, implicit, item, item_end, open_sequence, sequence_end, tag
from tests.unit.system import calls_of

SYNTAXES = [
    Encoding(explicit=explicit_vr, little=little, encapsulated=encapsulated)
    for explicit_vr in (True, False)
    for little in (True, False)
    for encapsulated in (True, False)
]
LIMITS = Limits(max_depth=5, max_elements=200, max_fragments=20)
SQ = 0x00081140
PIXELS = 0x7FE00010

SMALL = [
    name
    for name in samples.names(samples.PYDICOM)
    if "TINY_ALPHA" not in name and (samples.PYDICOM / name).stat().st_size < 12_000
]

TAGS = st.sampled_from([0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD, SQ, PIXELS, 0x00091001, 0x00080018])
# Pieces that something can be made of by chance: tags, VRs, lengths, whole elements.
PIECES = st.one_of(
    st.builds(tag, TAGS),
    st.builds(tag, TAGS, little=st.just(False)),
    st.sampled_from([b"SQ\0\0", b"UN\0\0", b"OB\0\0", b"UT\0\0", b"UI", b"UK", b"??", b"XY\0\0"]),
    st.sampled_from([bytes(4), b"\xff" * 4, b"\x08\0\0\0", b"\0\0\0\x08", b"\x08\0", b"\0\x08", b"\xff\xff"]),
    st.sampled_from([item(), item_end(), sequence_end()]),
    st.sampled_from([explicit(0x00200013, "IS", b"1 "), implicit(0x00200013, b"1 ")]),
    st.sampled_from([explicit(SQ, "SQ", length=UNDEFINED), item(length=UNDEFINED), implicit(SQ, length=UNDEFINED)]),
    st.binary(max_size=12),
)  # fmt: skip
BYTES = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=25).map(b"".join))


def count(elements: Mapping[int, Span]) -> int:
    return sum(1 + sum(1 + count(inside) for inside in span.items or ()) for span in elements.values())


def depth(elements: Mapping[int, Span]) -> int:
    return max((1 + depth(inside) for span in elements.values() for inside in span.items or ()), default=0)


def check(data: bytes, syntax: Encoding, limits: Limits = LIMITS) -> Scan:
    """Everything that is promised of a walk over any bytes."""
    scan = walk(data, syntax, limits)
    assert list(places(scan.elements, 0, scan.end)) == []
    assert 0 <= scan.end <= len(data)
    assert scan.end == (scan.defect.offset if scan.defect else len(data))
    assert count(scan.elements) <= limits.max_elements
    assert depth(scan.elements) <= limits.max_depth
    for span in scan.elements.values():
        assert all(
            span.offset < offset <= offset + length <= span.offset + span.length
            for offset, length in fragments(data, span, little=syntax.little)
        )
    return scan


@given(BYTES, st.sampled_from(SYNTAXES))
@settings(max_examples=500)
def test_any_bytes_can_be_walked(data: bytes, syntax: Encoding) -> None:
    check(data, syntax)


@given(BYTES, st.binary(max_size=40), st.binary(max_size=40), st.sampled_from(SYNTAXES))
@settings(max_examples=300)
def test_what_lies_around_the_bytes_makes_no_difference(
    data: bytes, before: bytes, after: bytes, syntax: Encoding
) -> None:
    around = memoryview(before + data + after)[len(before) : len(before) + len(data)]
    assert walk(around, syntax, LIMITS) == walk(data, syntax, LIMITS)


@pytest.mark.parametrize("name", SMALL)
@given(choice=st.data())
@settings(max_examples=15)
def test_real_files_can_be_walked_after_any_change(name: str, choice: st.DataObject) -> None:
    sample = samples.load(samples.PYDICOM / name)
    data = bytearray(sample.data[sample.start :])
    for _ in range(choice.draw(st.integers(1, 3))):
        at = choice.draw(st.integers(0, max(len(data) - 1, 0)))
        change = choice.draw(st.sampled_from(["flip", "insert", "delete", "truncate", "copy"]))
        if change == "flip" and data:
            data[at] ^= 1 << choice.draw(st.integers(0, 7))
        elif change == "insert":
            data[at:at] = choice.draw(st.one_of(PIECES, st.binary(max_size=8)))
        elif change == "delete":
            del data[at : at + choice.draw(st.integers(1, 12))]
        elif change == "copy":
            data[at:at] = data[at // 2 : at // 2 + choice.draw(st.integers(1, 60))]
        else:
            del data[at:]
    check(bytes(data), sample.encoding)
    check(bytes(data), choice.draw(st.sampled_from(SYNTAXES)))


@pytest.mark.parametrize("name", SMALL)
def test_a_real_file_cut_off_anywhere_keeps_exactly_the_elements_that_are_whole(name: str) -> None:
    sample = samples.load(samples.PYDICOM / name)
    data = sample.data[sample.start :]
    complete = walk(data, sample.encoding)
    for end in {*range(0, len(data), 61), *range(max(0, len(data) - 40), len(data))}:
        scan = walk(data[:end], sample.encoding)
        assert list(places(scan.elements, 0, end)) == []
        whole = {
            tag: span
            for tag, span in complete.elements.items()
            if span.offset + span.length <= end and span.items is None and span.fragments is None
        }
        kept = {tag: span for tag, span in scan.elements.items() if span.items is None and span.fragments is None}
        assert kept == whole
        ends = {span.offset + span.length for span in complete.elements.values()}
        assert scan.defect is not None or end in {0, *ends, *(offset + 8 for offset in ends)}


def steps(data: bytes, syntax: Encoding, limits: Limits | None = None) -> tuple[int, Scan]:
    """How many function calls a walk takes, and what it finds."""
    return calls_of(lambda: walk(data, syntax, limits or Limits()))


def nested(levels: int, *, syntax: Encoding = EXPLICIT_LITTLE) -> bytes:
    """Sequences in Sequences, all of undefined length and all closed."""
    begin = explicit(SQ, "SQ", length=UNDEFINED) if syntax.explicit else implicit(SQ, length=UNDEFINED)
    return (begin + item(length=UNDEFINED)) * levels + (item_end() + sequence_end()) * levels


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, IMPLICIT_LITTLE])
@pytest.mark.parametrize("levels", [33, 100, 10_000])
def test_deep_nesting_is_refused_at_the_limit(levels: int, syntax: Encoding) -> None:
    scan = walk(nested(levels, syntax=syntax), syntax)
    assert scan.defect is not None
    assert scan.defect.kind is DefectKind.TOO_DEEP
    assert scan.defect.path == ((SQ, 0),) * 32
    assert depth(scan.elements) == 32


def test_nesting_up_to_any_limit_needs_no_recursion() -> None:
    scan = walk(nested(10_000), EXPLICIT_LITTLE, Limits(max_depth=10_000))
    assert scan.defect is None
    elements, levels = scan.elements, 0
    while elements:
        (elements,) = elements[SQ].items or ({},)
        levels += 1
    assert levels == 10_000


def test_a_hundred_thousand_items_are_read() -> None:
    scan = walk(open_sequence(SQ, "SQ", item() * 100_000), EXPLICIT_LITTLE)
    assert scan.defect is None
    assert len(scan.elements[SQ].items or ()) == 100_000


def test_a_million_elements_are_read_and_one_more_is_not() -> None:
    data = b"".join(explicit(0x00091000 + (n % 0xF000) + (n // 0xF000 << 17), "UN", b"") for n in range(1_000_001))
    assert walk(data[:-12], EXPLICIT_LITTLE).defect is None
    scan = walk(data, EXPLICIT_LITTLE)
    assert scan.defect is not None
    assert scan.defect.kind is DefectKind.TOO_MANY_ELEMENTS
    assert len(scan.elements) == 1_000_000


def test_four_million_backslashes_are_one_value() -> None:
    data = explicit(0x00080018, "UI", b"1.2\0") + explicit(0x00091001, "UN", b"\\" * 4_000_000)
    calls, scan = steps(data, EXPLICIT_LITTLE)
    assert scan.defect is None
    assert calls < 100


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE, ENCAPSULATED])
@pytest.mark.parametrize("length", [0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, UNDEFINED])
@pytest.mark.parametrize("number", [0x00080018, SQ, 0x00091001, PIXELS])
def test_wild_lengths_are_defects(syntax: Encoding, length: int, number: int) -> None:
    for vr in ("OB", "UN", "SQ", "UT"):
        header = explicit(number, vr, b"some bytes", length=length, little=syntax.little)
        data = header if syntax.explicit else implicit(number, b"some bytes", length=length)
        scan = check(data, syntax)
        assert scan.defect is not None
        assert scan.defect.tag == number


LINEAR: dict[str, tuple[Encoding, Callable[[int], bytes]]] = {
    "items": (EXPLICIT_LITTLE, lambda n: open_sequence(SQ, "SQ", item() * n)),
    "open items": (EXPLICIT_LITTLE, lambda n: open_sequence(SQ, "SQ", (item(length=UNDEFINED) + item_end()) * n)),
    "plain": (EXPLICIT_LITTLE, lambda n: b"".join(explicit(0x00091000 + i, "LO", b"ab") for i in range(n))),
    "implicit": (IMPLICIT_LITTLE, lambda n: b"".join(implicit(0x00091000 + i, b"ab") for i in range(n))),
    "unsorted": (EXPLICIT_LITTLE, lambda n: b"".join(explicit(0x0009FFFF - i, "LO", b"ab") for i in range(n))),
    "repeated": (EXPLICIT_LITTLE, lambda n: explicit(0x00091000, "LO", b"ab") * n),
    "odd": (EXPLICIT_LITTLE, lambda n: b"".join(explicit(0x00091000 + i, "LO", b"a") for i in range(n))),
    "irregular": (EXPLICIT_LITTLE, lambda n: b"".join(explicit(0x00091000 + i, "??", b"ab") for i in range(n))),
    "sequences": (EXPLICIT_LITTLE, lambda n: b"".join(open_sequence(0x00091000 + i, "UN", item()) for i in range(n))),
    "nesting": (EXPLICIT_LITTLE, nested),
    "unclosed": (EXPLICIT_LITTLE, lambda n: (explicit(SQ, "SQ", length=UNDEFINED) + item(length=UNDEFINED)) * n),
    "fragments": (ENCAPSULATED, lambda n: open_sequence(PIXELS, "OB", item() * n)),
    "icons": (
        ENCAPSULATED,
        lambda n: open_sequence(SQ, "SQ", item(open_sequence(PIXELS, "OB", item())) * n),
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", LINEAR)
def test_the_work_is_proportional_to_the_size(shape: str) -> None:
    syntax, build = LINEAR[shape]
    limits = Limits(max_depth=10_000)
    once, scan = steps(build(1000), syntax, limits)
    twice, _ = steps(build(2000), syntax, limits)
    assert scan.defect is None or shape == "unclosed"
    assert twice <= 2.01 * once
    assert once < 60 * 1000
