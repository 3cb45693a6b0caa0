import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scp.dicom.uid import is_safe_name, is_standards_own, is_uid, padding_is_standard, root_problem, strip_uid

COMPONENTS = st.integers(0, 10**12).map(str)
UIDS = st.lists(COMPONENTS, min_size=1, max_size=5).map(".".join)
NEARLY = st.text(st.sampled_from("0123456789.  \0\n-/²٣"), max_size=70)
FULLWIDTH = "１.２"


def obeys_the_standard(text: str) -> bool:
    """PS3.5 §9.1, read aloud."""
    if not 1 <= len(text) <= 64:
        return False
    for component in text.split("."):
        if not component or any(character not in string.digits for character in component):
            return False
        if component[0] == "0" and component != "0":
            return False
    return True


@given(st.one_of(UIDS, NEARLY, st.text()))
@example("1." + "2" * 62)
@example("1." + "2" * 63)
@example("1.02")
@example("1.2\n")
def test_a_uid_is_what_the_standard_says(text: str) -> None:
    assert is_uid(text) == obeys_the_standard(text)


@pytest.mark.parametrize("text", ["0", "0.0", "1.2.840.10008.1.2", "2.25.0", "1" * 64])
def test_uids(text: str) -> None:
    assert is_uid(text)
    assert is_safe_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "1.",
        ".1",
        "1..2",
        "1.2 ",
        " 1.2",
        "1.2\n",
        "1.2\0",
        "../1",
        "1/2",
        "1.a",
        "-1",
        "+1",
        "1" * 65,
        FULLWIDTH,
    ],
)
def test_what_is_neither_a_uid_nor_a_safe_name(text: str) -> None:
    assert not is_uid(text)
    assert not is_safe_name(text)


@pytest.mark.parametrize("text", ["01", "1.02.3", "00.00", "0" * 64])
def test_leading_zeros_are_safe_as_a_name_but_not_a_uid(text: str) -> None:
    assert not is_uid(text)
    assert is_safe_name(text)


@given(st.one_of(UIDS, NEARLY, st.text()))
def test_a_safe_name_is_one_plain_step_of_a_path(text: str) -> None:
    if is_safe_name(text):
        assert 1 <= len(text) <= 64
        assert set(text) <= set("0123456789.")
        assert not text.startswith(".")
        assert not text.endswith(".")
        assert ".." not in text
    else:
        assert not is_uid(text)


@pytest.mark.parametrize(
    ("raw", "uid"),
    [
        (b"1.2.3", "1.2.3"),
        (b"1.2.3\0", "1.2.3"),
        (b"1.2.3\0\0\0", "1.2.3"),
        (b" 1.2.3 ", "1.2.3"),
        (b"1.2.3 \0 \0", "1.2.3"),
        (b"1.2\0.3\0", "1.2\0.3"),
        (b"\0001.2", "\0001.2"),
        (b"1.2.\xe9", "1.2.\\xe9"),
        (b"\0\0", ""),
        (b"", ""),
    ],
)
def test_padding_is_taken_off_and_nothing_else(raw: bytes, uid: str) -> None:
    assert strip_uid(raw) == uid


@given(st.binary())
def test_stripping_never_fails_and_never_makes_a_uid_of_strange_bytes(raw: bytes) -> None:
    text = strip_uid(raw)
    if is_uid(text):
        assert raw.strip(b"\0 ") == text.encode()


@given(UIDS)
def test_a_uid_padded_by_the_standard_survives(uid: str) -> None:
    raw = uid.encode() + b"\0" * (len(uid) % 2)
    assert strip_uid(raw) == uid
    assert padding_is_standard(raw)


@pytest.mark.parametrize("raw", [b"", b"1.23", b"1.2", b"1.2\0"])
def test_standard_padding(raw: bytes) -> None:
    assert padding_is_standard(raw)


@pytest.mark.parametrize(
    "raw", [b"1.2 ", b" 1.2", b"1.23\0", b"1.23\0\0", b"1.2\0\0\0", b"1.2 \0", b"\0", b"\0\0", b" "]
)
def test_other_padding(raw: bytes) -> None:
    assert not padding_is_standard(raw)


@pytest.mark.parametrize(
    "uid",
    [
        "0.39.1",
        "1.39",
        "1",
        "2.40.0.13.1",
        "2.999",
        "1.2.840.10008.5.1",
        "2.25.0",
        f"2.25.{2**128 - 1}",
        "2.250.1.1",
        "not a uid",
        "9.9.",
    ],
)
def test_roots_with_nothing_to_say_about(uid: str) -> None:
    assert root_problem(uid) is None


@pytest.mark.parametrize(
    ("uid", "problem"),
    [
        ("3.1", "first component"),
        ("10.2", "first component"),
        ("0.40", "second component"),
        (f"1.{'9' * 60}", "second component"),
        ("2.25", "no UUID"),
        ("2.25.1.2", "no UUID"),
        (f"2.25.{2**128}", "no UUID"),
        (f"2.25.{'1' * 40}", "no UUID"),
    ],
)
def test_implausible_roots_are_named(uid: str, problem: str) -> None:
    found = root_problem(uid)
    assert found is not None
    assert found.startswith(problem)


@given(st.one_of(UIDS, st.text()))
def test_the_root_of_anything_can_be_asked_for(text: str) -> None:
    problem = root_problem(text)
    assert problem is None or is_uid(text)


@pytest.mark.parametrize("uid", ["1.2.840.10008", "1.2.840.10008.1.2"])
def test_the_standards_own_root(uid: str) -> None:
    assert is_standards_own(uid)


@pytest.mark.parametrize("uid", ["1.2.840.100080.1", "1.2.840.1000", "2.25.1", ""])
def test_other_roots(uid: str) -> None:
    assert not is_standards_own(uid)
