import math
import re
import struct
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scp.dicom import values
from scp.dicom.values import Malformed
from tests.unit.system import calls_of

# The grammar of PS3.5 Table 6.2-1, put down a second time and in another way: character by character.
FIXED = r"(?:\d+|\d+\.|\.\d+|\d+\.\d+)"
DECIMAL = re.compile(rf"^[ ]*(?:\+|-|){FIXED}(?:|[Ee](?:\+|-|)\d+)[ ]*\Z", re.ASCII)
INTEGER = re.compile(r"^[ ]*(?:\+|-|)\d+[ ]*\Z", re.ASCII)

NUMERIC = st.text("0123456789+-.eE \0_\n", max_size=20).map(str.encode)
ONE_NUMBER = st.one_of(NUMERIC, st.from_regex(DECIMAL, fullmatch=True).map(str.encode), st.binary(max_size=20))


def refused(found: object) -> str:
    assert isinstance(found, Malformed)
    return found.reason


def is_integer_string(raw: bytes) -> bool:
    text = raw.decode("latin-1")
    return len(raw) <= 12 and INTEGER.match(text) is not None and -(2**31) <= int(text) < 2**31


@given(ONE_NUMBER.filter(lambda raw: b"\\" not in raw))
@example(b"1e400")
@example(b"1_0")
@example(b"1\n")
@example(b"." + b"1" * 16)
def test_decimal_strings_of_one_value_are_read_if_and_only_if_the_grammar_allows(raw: bytes) -> None:
    body = raw.rstrip(b"\0").decode("latin-1")
    found = values.decimal_strings(raw)
    if not body.strip(" "):
        assert found == ()
    elif len(body) <= 64 and DECIMAL.match(body) and math.isfinite(float(body)):
        assert found == (float(body),)
    else:
        refused(found)


@given(ONE_NUMBER.filter(lambda raw: b"\\" not in raw))
@example(b"2147483647")
@example(b"2147483648")
@example(b"-2147483648 ")
@example(b"-2147483649 ")
@example(b"00000000000001")
@example(b"1\n")
def test_integer_strings_of_one_value_are_read_if_and_only_if_they_are_integer_strings(raw: bytes) -> None:
    raw, found = raw.rstrip(b"\0"), values.integer_strings(raw)
    if not raw.strip(b" "):
        assert found == ()
    elif is_integer_string(raw):
        assert found == (int(raw),)
    else:
        refused(found)


@pytest.mark.parametrize("decode", [values.decimal_strings, values.integer_strings])
@given(raw=st.one_of(NUMERIC, st.binary(max_size=200), st.text("0123456789\\ -.", max_size=300).map(str.encode)))
def test_number_strings_never_raise(decode: Callable[[bytes], object], raw: bytes) -> None:
    found = decode(raw)
    assert isinstance(found, tuple | Malformed)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_decimal_strings_come_back_as_they_were_written(numbers: list[float]) -> None:
    raw = "\\".join(map(repr, numbers)).encode()
    assert values.decimal_strings(raw) == tuple(numbers)


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=30))
def test_integer_strings_come_back_as_they_were_written(numbers: list[int]) -> None:
    raw = "\\".join(map(str, numbers)).encode()
    assert values.integer_strings(raw) == tuple(numbers)


@pytest.mark.parametrize(
    ("raw", "numbers"),
    [
        (b"", ()),
        (b"  ", ()),
        (b"\0", ()),
        (b" \0", ()),
        (b"\0\0", ()),
        (b"1", (1.0,)),
        (b" -1.50 ", (-1.5,)),
        (b"+.5", (0.5,)),
        (b"5.", (5.0,)),
        (b"1E-3\\2e+2", (0.001, 200.0)),
        (b"0.1\\0.2\0", (0.1, 0.2)),
        (b"0.1\0\0\0", (0.1,)),
        (b"1 \\ 2", (1.0, 2.0)),
        (b"0.30000000000000004441", (0.30000000000000004,)),
        (b"1" + b"0" * 63, (1e63,)),
        (b"1e-400", (0.0,)),
    ],
)
def test_decimal_strings_that_circulate(raw: bytes, numbers: tuple[float, ...]) -> None:
    assert values.decimal_strings(raw) == numbers


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"nan", "value 1 of 1 is not a decimal string"),
        (b"1\\inf\\3", "value 2 of 3 is not a decimal string"),
        (b"1\\-Infinity", "value 2 of 2 is not a decimal string"),
        (b"1_000", "value 1 of 1 is not a decimal string"),
        (b"0x10", "value 1 of 1 is not a decimal string"),
        (b"1 2", "value 1 of 1 is not a decimal string"),
        (b"1,5", "value 1 of 1 is not a decimal string"),
        (b"- 1", "value 1 of 1 is not a decimal string"),
        (b"1e", "value 1 of 1 is not a decimal string"),
        (b".", "value 1 of 1 is not a decimal string"),
        (b"1\0 ", "value 1 of 1 is not a decimal string"),
        (b"1\0\\2", "value 1 of 2 is not a decimal string"),
        (b"1\n", "value 1 of 1 is not a decimal string"),
        ("１".encode(), "value 1 of 1 is not a decimal string"),
        (b"1\\\\3", "value 2 of 3 is empty"),
        (b"1\\ ", "value 2 of 2 is empty"),
        (b"\\", "value 1 of 2 is empty"),
        (b"1e400", "a value too large for a number"),
        (b"1\\-1e400", "a value too large for a number"),
        (b"1" + b"0" * 64, "a value of more than 64 bytes"),
        (b"1\\" + b"1" * 65, "a value of more than 64 bytes"),
    ],
)
def test_malformed_decimal_strings_say_why(raw: bytes, reason: str) -> None:
    assert refused(values.decimal_strings(raw)) == reason


@pytest.mark.parametrize(
    ("raw", "numbers"),
    [
        (b"", ()),
        (b" ", ()),
        (b"\0\0", ()),
        (b"0", (0,)),
        (b"1\0", (1,)),
        (b"12" + b"\0" * 14, (12,)),
        (b" -7 ", (-7,)),
        (b"+007", (7,)),
        (b"1\\2\\3 ", (1, 2, 3)),
        (b"-2147483648\\2147483647", (-(2**31), 2**31 - 1)),
    ],
)
def test_integer_strings_that_circulate(raw: bytes, numbers: tuple[int, ...]) -> None:
    assert values.integer_strings(raw) == numbers


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"1A", "value 1 of 1 is not an integer string"),
        (b"1.0", "value 1 of 1 is not an integer string"),
        (b"1e400", "value 1 of 1 is not an integer string"),
        (b"1_0", "value 1 of 1 is not an integer string"),
        (b"1\0 ", "value 1 of 1 is not an integer string"),
        (b"1\0\\2", "value 1 of 2 is not an integer string"),
        (b"1\n", "value 1 of 1 is not an integer string"),
        (b"1\\\\2", "value 2 of 3 is empty"),
        (b"0000000000001", "a value of more than 12 bytes"),
        (b"1\\           12", "a value of more than 12 bytes"),
        (b"2147483648", "a value that does not fit into 32 bits"),
        (b"1\\-2147483649", "a value that does not fit into 32 bits"),
    ],
)
def test_malformed_integer_strings_say_why(raw: bytes, reason: str) -> None:
    assert refused(values.integer_strings(raw)) == reason


@pytest.mark.parametrize("decode", [values.decimal_strings, values.integer_strings])
@given(secret=st.text("SECRET^NAME 1967", min_size=6, max_size=30).filter(lambda text: set(text) & set("SCRTNAM^")))
def test_reasons_never_hold_the_value(decode: Callable[[bytes], object], secret: str) -> None:
    found = decode(f"{secret}\\1".encode())
    assert refused(found).startswith("value 1 of 2 is ")
    assert secret.strip() == "" or secret not in refused(found)


@pytest.mark.parametrize("decode", [values.decimal_strings, values.integer_strings])
def test_more_values_than_asked_for_are_refused(decode: Callable[..., object]) -> None:
    assert decode(b"1\\2\\3", max_values=3) == (1, 2, 3)
    assert refused(decode(b"1\\2\\3", max_values=2)) == "too many values"
    assert isinstance(decode(b"\\".join([b"1"] * 4096)), tuple)
    assert refused(decode(b"\\".join([b"1"] * 4097))) == "too many values"


@pytest.mark.parametrize("decode", [values.decimal_strings, values.integer_strings])
@pytest.mark.parametrize(
    "raw", [b"\\" * 4_000_000, b"1" * 4_000_000, b" " * 4_000_000], ids=["backslashes", "digits", "spaces"]
)
def test_four_million_bytes_are_refused_without_being_taken_apart(
    decode: Callable[[bytes], object], raw: bytes
) -> None:
    calls, found = calls_of(lambda: decode(raw))
    assert refused(found) == "too many values"
    assert calls < 10


@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize(
    ("decode", "code", "numbers"),
    [
        (values.unsigned_shorts, "H", (0, 1, 65535)),
        (values.unsigned_longs, "I", (0, 1, 2**32 - 1)),
        (values.floats, "f", (0.0, -1.5, math.inf)),
        (values.doubles, "d", (0.1, -1e300, math.inf)),
    ],
)
def test_binary_numbers_come_back_in_either_byte_order(
    decode: Callable[..., object], code: str, numbers: tuple[float, ...], little: bool
) -> None:
    raw = struct.pack(f"{'<' if little else '>'}3{code}", *numbers)
    assert decode(raw, little=little) == numbers
    assert decode(b"", little=little) == ()
    assert refused(decode(raw[:-1], little=little)).startswith("the length is not a multiple of")
    assert decode(raw, little=little, max_values=3) == numbers
    assert refused(decode(raw, little=little, max_values=2)) == "too many values"


def test_tags_come_back_in_either_byte_order() -> None:
    assert values.tags(b"\x18\x00\x63\x10\x54\x00\x10\x00", little=True) == (0x00181063, 0x00540010)
    assert values.tags(b"\x00\x18\x10\x63", little=False) == (0x00181063,)
    assert values.tags(b"", little=True) == ()
    assert refused(values.tags(b"\x18\x00", little=True)) == "the length is not a multiple of 4"
    assert refused(values.tags(bytes(12), little=True, max_values=2)) == "too many values"


@given(st.binary(max_size=64), st.booleans())
def test_binary_decoders_never_raise(raw: bytes, little: bool) -> None:
    for decode in (
        values.unsigned_shorts,
        values.unsigned_longs,
        values.floats,
        values.doubles,
        values.tags,
    ):
        assert isinstance(decode(raw, little=little), tuple | Malformed)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"", ""),
        (b" CT ", "CT"),
        (b"CT\0", "CT"),
        (b"CT \0", "CT"),
        (b"A  B", "A  B"),
        (b"ORIGINAL\\PRIMARY ", "ORIGINAL\\PRIMARY"),
        (b"M\xfcller", "M\\xfcller"),
    ],
)
def test_text_is_stripped_of_padding_only(raw: bytes, text: str) -> None:
    assert values.text(raw) == text
