"""When two values are the same, whatever their encoding, and how they are shown."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.dicom.canonical import LONGEST, Value, equal, shown

SOME = ["DS", "LO", "OW", "UN", "US"]
MANY = b"\\".join([b"1"] * 70000)


def value(raw: bytes, vr: str, *, little: bool = True, charset: bytes = b"ISO_IR 192") -> Value:
    return Value(raw, vr, little, charset)


def text(content: str, vr: str = "LO") -> Value:
    return value(content.encode(), vr)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(text("a"), text("a "), id="trailing space"),
        pytest.param(text("a"), value(b"a\0", "LO"), id="trailing NUL"),
        pytest.param(text(" a"), text("a"), id="leading space"),
        pytest.param(text("a \\ b"), text("a\\b"), id="spaces around each value"),
        pytest.param(text("a", "CS"), text("a", "SH"), id="other text VR"),
        pytest.param(text("A^B", "PN"), text("A^B^^", "PN"), id="empty components at the end of a name"),
        pytest.param(text("A^B=", "PN"), text("A^B", "PN"), id="empty group at the end of a name"),
        pytest.param(text("A^B=C ", "PN"), text("A^B^ =C^", "PN"), id="padded groups of a name"),
        pytest.param(text("x", "LT"), text("x  ", "LT"), id="space after a long text"),
        pytest.param(text("1", "IS"), text("+01 ", "IS"), id="integers"),
        pytest.param(text("1.5e1", "DS"), text("15", "DS"), id="decimals"),
        pytest.param(text("1\\2", "DS"), text("1.0\\2.0", "DS"), id="several decimals"),
        pytest.param(text("1", "IS"), text("1.0", "DS"), id="integer and decimal"),
        pytest.param(text("1", "DS"), text("1", "LO"), id="decimal and text"),
        pytest.param(text("5", "IS"), value(b"\5\0", "US"), id="integer as text and as bytes"),
        pytest.param(text("one", "DS"), text("one ", "DS"), id="decimals that are none"),
        pytest.param(text("", "DS"), text("  ", "DS"), id="empty"),
        pytest.param(value(b"\5\0", "US"), value(b"\0\5", "US", little=False), id="byte order"),
        pytest.param(value(b"\5\0", "US"), value(b"\5\0\0\0", "UL"), id="width"),
        pytest.param(value(b"\xff\xff", "SS"), value(b"\xff\xff", "US"), id="the same bits"),
        pytest.param(value(pack("<f", 1.5), "FL"), value(pack(">d", 1.5), "FD", little=False), id="floats"),
        pytest.param(value(b"\0\0\xc0\x7f", "FL"), value(b"\x7f\xc0\0\0", "FL", little=False), id="not a number"),
        pytest.param(value(b"\1\2\3\4", "AT"), value(b"\2\1\4\3", "AT", little=False), id="tags"),
        pytest.param(value(b"\1\2\3\4", "OW"), value(b"\2\1\4\3", "OW", little=False), id="words"),
        pytest.param(value(b"\1\2", "OB"), value(b"\1\2", "OB", little=False), id="bytes have no order"),
        pytest.param(value(b"\1\2\3", "OB"), value(b"\1\2\3\0", "OB"), id="even length"),
        pytest.param(value(b"\1\2\3\4\5\6", "OL", little=False), value(b"\4\3\2\1\5\6", "OL"), id="half a word"),
        pytest.param(value(b"\1\2\3", "US"), value(b"\1\2\3", "US"), id="half a number"),
        pytest.param(value(b"ab", "UN"), value(b"ab", "LO"), id="unknown bytes and text"),
        pytest.param(value(MANY, "DS"), value(MANY + b" ", "DS"), id="many"),
        pytest.param(value("ü".encode(), "LO"), value(b"\xfc", "LO", charset=b"ISO_IR 100"), id="character set"),
        pytest.param(value(b"\xfc", "CS"), value(b"\xfc", "CS", charset=b"ISO_IR 100"), id="no character set counts"),
    ],
)  # fmt: skip
def test_values_that_are_the_same(first: Value, second: Value) -> None:
    assert equal(first, second)
    assert equal(second, first)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(text("a"), text("A"), id="case"),
        pytest.param(text("a\\"), text("a"), id="an empty value more"),
        pytest.param(text("A^B", "PN"), text("^A^B", "PN"), id="another component of a name"),
        pytest.param(text(" x", "LT"), text("x", "LT"), id="space before a long text"),
        pytest.param(text("1\\2", "LT"), text("1\\ 2", "LT"), id="a backslash in a long text"),
        pytest.param(text("1", "DS"), text("1.0000000001", "DS"), id="decimals"),
        pytest.param(text("1", "DS"), text("one", "DS"), id="no decimal"),
        pytest.param(text("5", "IS"), value(b"\6\0", "US"), id="text and bytes"),
        pytest.param(value(b"\xff\xff", "SS"), value(b"\xff\xff\0\0", "UL"), id="sign"),
        pytest.param(value(b"\5\0", "US"), value(b"\5\0\1\0", "US"), id="one number more"),
        pytest.param(value(b"\1\2\3", "US"), value(b"\1\2\4", "US"), id="half a number"),
        pytest.param(value(b"\1\2", "OB"), value(b"\2\1", "OB"), id="bytes"),
        pytest.param(value(b"ab", "UN"), value(b"ac", "LO"), id="unknown bytes and text"),
        pytest.param(value(MANY, "DS"), value(MANY + b"\\1", "DS"), id="many"),
        pytest.param(value(b"\xfc", "LO", charset=b"ISO_IR 144"), value(b"\xfc", "LO", charset=b"ISO_IR 100"),
                     id="character set"),
    ],
)  # fmt: skip
def test_values_that_are_not(first: Value, second: Value) -> None:
    assert not equal(first, second)
    assert not equal(second, first)


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (text("A^B^^ ", "PN"), "A^B"),
        (text(" 1.50 ", "DS"), "1.50"),
        (value(b"\5\0\6\0", "US"), "5\\6"),
        (value(b"\0\5", "US", little=False), "5"),
        (value(b"\x10\0\x20\0", "AT"), "(0010,0020)"),
        (value(pack("<d", 0.5), "FD"), "0.5"),
        (value(pack("<3d", 1, -2, 1e300), "FD"), "1\\-2\\1e+300"),
        (value(pack("<3f", 1, 0.1, float("nan")), "FL"), "1\\0.1\\nan"),
        (value(b"\1\2\3", "US"), "01020300"),
        (value(b"\1\xfe", "OB"), "01fe"),
        (value(b"", "UN"), ""),
        (text(" x ", "LT"), " x"),
    ],
)
def test_a_value_is_shown(of: Value, expected: str) -> None:
    assert shown(of) == expected


def test_bulk_is_shown_by_its_digest() -> None:
    assert shown(value(bytes(LONGEST), "OB")) == "00" * (LONGEST // 2)
    ours, theirs = value(b"\1\2" * 150, "OW"), value(b"\2\1" * 150, "OW", little=False)
    assert shown(ours) == shown(theirs)
    assert shown(ours).startswith("blake3:")
    assert shown(ours).endswith(" (300 bytes)")


@given(
    st.binary(max_size=3000),
    st.sampled_from(["AT", "DS", "FD", "LO", "LT", "OB", "OF", "OW", "PN", "SV", "UN", "US", "UT"]),
    st.booleans(),
)
def test_every_value_can_be_shown_and_is_equal_to_itself(raw: bytes, vr: str, little: bool) -> None:
    one = value(raw, vr, little=little)
    assert len(shown(one)) <= LONGEST
    assert equal(one, one)


@given(st.binary(max_size=64), st.binary(max_size=64), st.sampled_from(SOME), st.sampled_from(SOME))  # fmt: skip
def test_it_does_not_matter_which_comes_first(first: bytes, second: bytes, vr: str, other: str) -> None:
    assert equal(value(first, vr), value(second, other)) == equal(value(second, other), value(first, vr))
