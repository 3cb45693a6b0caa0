"""Text is decoded in its character set as PS3.5 has it, and whatever the bytes, there is text."""

import warnings

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydicom.charset import convert_encodings, decode_bytes, python_encoding
from pydicom.valuerep import TEXT_VR_DELIMS

from scp.dicom.charset import decode_text

# The names of PS3.5 Annexes H to K, and texts in the single-byte repertoires.
NAMES = {
    "": (b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
    "ISO_IR 100": (b"Buc^J\xe9r\xf4me", "Buc^Jérôme"),
    "ISO_IR 101": (b"W\xb3odarczyk", "Włodarczyk"),
    "ISO_IR 126": (b"\xc4\xe9\xef\xed\xf5\xf3\xe9\xef\xf2", "Διονυσιος"),
    "ISO_IR 127": (b"\xe2\xc8\xc7\xe6\xea^\xe4\xe6\xd2\xc7\xd1", "قباني^لنزار"),
    "ISO_IR 138": (b"\xf9\xf8\xe5\xef^\xe3\xe1\xe5\xf8\xe4", "שרון^דבורה"),
    "ISO_IR 144": (b"\xbb\xee\xda\x63\x65\xdc\xd1\x79\x70\xd3", "Люкceмбypг"),
    "ISO_IR 192": ("Wang^XiaoDong=王^小東=".encode(), "Wang^XiaoDong=王^小東="),
    "GB18030": ("Wang^XiaoDong=王^小东=".encode("gb18030"), "Wang^XiaoDong=王^小东="),
    "GBK": ("王^小东".encode("gbk"), "王^小东"),
    "\\ISO 2022 IR 87": (
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
        "Yamada^Tarou=山田^太郎=やまだ^たろう",
    ),
    "ISO 2022 IR 13\\ISO 2022 IR 87": (
        b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3=\x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J=\x1b$B$d$^$@\x1b(J^\x1b$B$?$m$&\x1b(J",
        "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    ),
    "\\ISO 2022 IR 149": (
        b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
        "Hong^Gildong=洪^吉洞=홍^길동",
    ),
    "\\ISO 2022 IR 58": (
        b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
        "Zhang^XiaoDong=张^小东=",
    ),
}
TERMS = [*python_encoding, "ISO-IR 100", "unicode_escape", "utf_7", "idna", "zlib", "no such thing", "\x1b", "é"]


@pytest.mark.parametrize("charset", NAMES)
def test_a_name_is_decoded_in_its_character_set(charset: str) -> None:
    raw, text = NAMES[charset]
    assert decode_text(raw, charset.encode()) == text


@pytest.mark.parametrize("charset", [b"ISO_IR 144", b"ISO-IR 144 ", b"ISO IR 144", b"ISO_IR_144\0"])
def test_misspelled_and_padded_terms_are_understood(charset: bytes) -> None:
    assert decode_text(b"\xbb\xee\xda", charset) == "Люк"


@pytest.mark.parametrize("term", ["unicode_escape", "utf_7", "zlib", "rot13", "KLINGON", "\xe9"])
def test_a_term_that_is_none_of_dicom_makes_every_byte_one_character(term: str) -> None:
    assert decode_text(b"\\ud800 +2AA- \xe9", term.encode("latin-1")) == "\\ud800 +2AA- é"


def test_padding_is_removed_on_both_sides_and_nothing_else() -> None:
    assert decode_text(b"  A B \0 ", b"") == "A B"
    assert decode_text("\u3000é ".encode(), b"ISO_IR 192") == "\u3000é"


def test_bytes_that_the_character_set_does_not_have_are_replaced() -> None:
    assert decode_text(b"A\xffB", b"ISO_IR 192") == "A\ufffdB"


def test_an_escape_sequence_that_was_not_announced_does_not_switch() -> None:
    assert decode_text(b"\xe9\x1b-F\xe9", b"ISO_IR 100") == "é\x1b-Fé"


def test_a_stand_alone_character_set_allows_no_other_beside_it() -> None:
    assert decode_text(b"\xc3\xa9\x1b-F\xc3\xa9", b"ISO_IR 192\\ISO 2022 IR 126") == "é\x1b-Fé"
    assert decode_text(b"\xe9", b"ISO 2022 IR 100\\ISO_IR 192") == "é"


@pytest.mark.parametrize("delimiter", ["\r\n", "\n", "\f", "\t", "\\"])
def test_after_a_delimiter_the_first_character_set_is_active_again(delimiter: str) -> None:
    raw = b"\x1b-F\xe1" + delimiter.encode() + b"\xe1"
    assert decode_text(raw, b"ISO 2022 IR 100\\ISO 2022 IR 126") == f"α{delimiter}á"


def test_ascii_text_is_ascii_in_every_character_set() -> None:
    assert {decode_text(b"CT^1 \\ 2~", term.encode()) for term in python_encoding} == {"CT^1 \\ 2~"}


def test_only_so_much_of_a_specific_character_set_is_read_as_all_terms_together_need() -> None:
    assert len("\\".join(python_encoding)) <= 512
    assert decode_text(b"\x1b-F\xe1", b"\\".join([b"ISO 2022 IR 6"] * 1000 + [b"ISO 2022 IR 126"])) == "\x1b-Fá"


@given(raw=st.binary(max_size=60) | st.text(max_size=20).map(str.encode), terms=st.lists(st.sampled_from(TERMS)))
@example(raw=b"\\ud800\xff", terms=["unicode_escape"])
@example(raw=b"+2AA-\xff", terms=["utf_7"])
def test_any_bytes_in_any_character_sets_are_text_that_can_be_stored(raw: bytes, terms: list[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = decode_text(raw, "\\".join(terms).encode("utf-8"))
    assert len(text) <= len(raw)
    text.encode("utf-8")


@given(
    parts=st.lists(st.sampled_from([b"Aa", b"\xe1\xe9", b"\xb0\xa1", b"^", b"\r\n", b"\x1b-F", b"\x1b-A", b"\x1b(B"])),
    terms=st.sampled_from([["", "ISO 2022 IR 126"], ["ISO 2022 IR 100", "ISO 2022 IR 126"], ["ISO 2022 IR 144"]]),
)
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_escape_sequences_switch_as_they_do_in_pydicom(parts: list[bytes], terms: list[str]) -> None:
    raw = b"".join(parts).strip(b" \0")
    expected = decode_bytes(raw, convert_encodings(terms), TEXT_VR_DELIMS)
    assert decode_text(raw, "\\".join(terms).encode()) == expected
