"""Data Sets that no decent toolkit writes: each is answered, kept or stored byte for byte, and harms nobody else."""

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import pytest
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    RLELossless,
)

from tests.rules.builders import encoded, raw
from tests.unit.dicom.encode import UNDEFINED, explicit, implicit, item, item_end, open_sequence, sequence_end
from tests.wire.hostility import closed_line, outcomes, serve_good_peer
from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, ct, ct_image, instance_of
from tests.wire.peer import Peer, Response

PIXELS: Final = 0x7FE00010
LATER, PRIVATE_SQ = 0x7FE10010, 0x7FE11001
"""Private elements that may follow Pixel Data, so that adding them leaves a Data Set in order."""


class Sent(NamedTuple):
    """An object, what is said about it, and what comes of it: a status, and the first of the rules' codes if any."""

    name: str
    make: Callable[[int], Instance]
    status: str
    code: str = ""
    said: Mapping[str, Any] = {}


def with_data(instance: Instance, data: bytes) -> Instance:
    """Return what says that it is an instance, with other bytes."""
    return Instance(instance.sop_class_uid, instance.sop_instance_uid, instance.transfer_syntax, data)


def with_raw(syntax: str = ExplicitVRLittleEndian, **values: bytes) -> Callable[[int], Instance]:
    """Make a slice with values, by keyword, that pydicom would not write."""
    return lambda study: with_data(
        instance_of(ct_image(1, study), syntax), encoded(raw(ct_image(1, study), **values), syntax)
    )


def followed_by(*elements: bytes) -> Callable[[int], Instance]:
    """Make a good slice with more behind its Pixel Data."""
    more = b"".join(elements)
    return lambda study: with_data(ct(1, study), ct(1, study).data + more)


def preceded_by(*elements: bytes) -> Callable[[int], Instance]:
    """Make a good slice with more before its first element."""
    more = b"".join(elements)
    return lambda study: with_data(ct(1, study), more + ct(1, study).data)


def with_bytes(change: Callable[[bytes], bytes], syntax: str = ExplicitVRLittleEndian) -> Callable[[int], Instance]:
    """Make a slice whose bytes are changed."""

    def make(study: int) -> Instance:
        good = instance_of(ct_image(1, study), syntax)
        return with_data(good, change(good.data))

    return make


def swapped(old: bytes, new: bytes) -> Callable[[int], Instance]:
    """Make a slice with bytes replaced where they are, exactly once."""

    def change(data: bytes) -> bytes:
        assert data.count(old) == 1
        return data.replace(old, new)

    return with_bytes(change)


def in_another_syntax(written: str, said: str) -> Callable[[int], Instance]:
    """Make a slice that is not written in the Transfer Syntax that it is sent in."""

    def make(study: int) -> Instance:
        one = instance_of(ct_image(1, study), written)
        return Instance(one.sop_class_uid, one.sop_instance_uid, said, one.data)

    return make


def encapsulated(*fragments: bytes, end: bytes = sequence_end(), syntax: str = JPEGBaseline8Bit, **changes: Any
) -> Callable[[int], Instance]:  # fmt: skip
    """Make a compressed slice; the first fragment is the Basic Offset Table (PS3.5 §A.4)."""

    def make(study: int) -> Instance:
        good = ct(1, study, PixelData=None, **changes)
        pixels = explicit(PIXELS, "OB", b"".join(map(item, fragments)) + end, length=UNDEFINED)
        return Instance(good.sop_class_uid, good.sop_instance_uid, syntax, good.data + pixels)

    return make


def nested(depth: int, *, closed: bool = True) -> bytes:
    """Encode Sequences in Sequences, all of undefined length."""
    begin = explicit(PRIVATE_SQ, "SQ", length=UNDEFINED) + item(length=UNDEFINED)
    return explicit(LATER, "LO", b"X ") + begin * depth + (item_end() + sequence_end()) * depth * closed


def said(uid: str) -> Mapping[str, Any]:
    """Let the request name the SOP Instance as the Data Set does."""
    return {"sop_instance_uid": uid}


def private(number: int) -> int:
    """Return the tag of one of many private elements, in ascending order."""
    return 0x7FE11000 + (number >> 12 << 17) + (number & 0xFFF)


OFFSETS: Final = struct.pack("<4I", 0, 0xFFFFFFFF, 7, 3)
WILD: Final = struct.pack("<3Q", 0, 2**64 - 1, 2**63)

TRUNCATION: Final = (
    Sent("nothing", with_bytes(lambda _: b""), "A910", "REQ-001"),
    Sent("one_byte", with_bytes(lambda data: data[:1]), "C0E1", "ENC-001"),
    Sent("header_of_the_first_element_cut", with_bytes(lambda data: data[:7]), "C0E1", "ENC-001"),
    Sent("first_value_cut", with_bytes(lambda data: data[:9]), "C0E1", "ENC-001"),
    Sent("last_value_cut_by_a_byte", with_bytes(lambda data: data[:-1]), "C0E1", "ENC-001"),
    Sent("last_value_missing", with_bytes(lambda data: data[:-32]), "C0E1", "ENC-001"),
    Sent("length_ffffffff_of_a_string", swapped(b"\x08\0\x60\0CS\2\0", b"\x08\0\x60\0CS\xff\xff"), "C0E1", "ENC-001"),
    Sent("length_fffffffe_of_pixels", swapped(b"OW\0\0 \0\0\0", b"OW\0\0\xfe\xff\xff\xff"), "C0E1", "ENC-001"),
    Sent("item_delimiter_missing", followed_by(nested(1, closed=False)), "C0E2", "ENC-002"),
    Sent(
        "sequence_delimiter_missing",
        followed_by(explicit(PRIVATE_SQ, "SQ", length=UNDEFINED), item(length=UNDEFINED), item_end()),
        "C0E2", "ENC-002",
    ),
    Sent(
        "item_delimiter_in_place_of_the_sequences", followed_by(open_sequence(PRIVATE_SQ, "SQ", item_end())), "C0E2",
        "ENC-002",
    ),
    Sent("pixel_delimiter_missing", encapsulated(b"", b"abcd", end=b""), "C0E2", "ENC-002"),
    Sent("fragment_cut", encapsulated(b"", b"abcd", end=item(b"ab", length=8)), "C0E1", "ENC-001"),
    Sent("item_longer_than_its_sequence", followed_by(explicit(PRIVATE_SQ, "SQ", item(b"", length=64))), "C0E1"),
    Sent("delimiters_at_the_top", followed_by(item_end(), sequence_end()), "C0E2", "ENC-002"),
    Sent("zeros_behind", with_bytes(lambda data: data + bytes(64)), "0000", "ENC-002"),
)  # fmt: skip

SIZE: Final = (
    Sent("nested_32_times", followed_by(nested(32)), "0000"),
    Sent("nested_100_times", followed_by(nested(100)), "C0E3", "ENC-003"),
    Sent("nested_10000_times", followed_by(nested(10_000)), "C0E3", "ENC-003"),
    Sent("nested_10000_times_and_never_closed", followed_by(nested(10_000, closed=False)), "C0E3", "ENC-003"),
    Sent("100000_items", followed_by(open_sequence(PRIVATE_SQ, "SQ", item() * 100_000)), "0000"),
    Sent(
        "200000_elements",
        followed_by(*(explicit(private(at), "UL", b"abcd") for at in range(200_000))),
        "0000",
    ),
    Sent("a_million_items", followed_by(open_sequence(PRIVATE_SQ, "SQ", item() * 1_000_000)), "C0E3", "ENC-003"),
    Sent("100000_fragments", encapsulated(b"", *[b"ab"] * 100_000), "0000"),
    Sent("4_million_backslashes_in_a_code", with_raw(ImplicitVRLittleEndian, ImageType=b"\\" * 4_000_000), "0000"),
    Sent(
        "4_million_backslashes_in_a_position",
        with_raw(ImplicitVRLittleEndian, ImagePositionPatient=b"1\\" * 2_000_000), "0000", "GEO-101",
    ),
    Sent("4_million_digits", with_raw(ImplicitVRLittleEndian, InstanceNumber=b"1" * 4_000_000), "0000", "NUM-001"),
    Sent("a_name_of_4_million_carets", with_raw(ImplicitVRLittleEndian, PatientName=b"^" * 4_000_000), "0000"),
)  # fmt: skip

ENCODING: Final = (
    Sent("implicit_as_explicit", in_another_syntax(ImplicitVRLittleEndian, ExplicitVRLittleEndian), "C0E2", "ENC-002"),
    Sent("explicit_as_implicit", in_another_syntax(ExplicitVRLittleEndian, ImplicitVRLittleEndian), "C0E2", "ENC-002"),
    Sent("big_as_little_endian", in_another_syntax(ExplicitVRBigEndian, ExplicitVRLittleEndian), "C0E1", "ENC-001"),
    Sent("little_as_big_endian", in_another_syntax(ExplicitVRLittleEndian, ExplicitVRBigEndian), "C0E1", "ENC-001"),
    Sent("big_endian_as_implicit", in_another_syntax(ExplicitVRBigEndian, ImplicitVRLittleEndian), "C0E2", "ENC-002"),
    Sent(
        "plain_as_deflated", in_another_syntax(ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian),
        "C0E2", "ENC-002",
    ),
    Sent("native_as_compressed", in_another_syntax(ExplicitVRLittleEndian, RLELossless), "0000"),
    Sent("vr_of_question_marks", swapped(b"\x08\0\x60\0CS", b"\x08\0\x60\0??"), "0000"),
    Sent("vr_of_nul", swapped(b"\x08\0\x60\0CS", b"\x08\0\x60\0\0\0"), "0000"),
    Sent("vr_of_the_future", swapped(b"\x08\0\x60\0CS", b"\x08\0\x60\0ZZ"), "0000"),
    Sent("undefined_length_of_a_text", followed_by(explicit(LATER, "UT", length=UNDEFINED)), "C0E2", "ENC-002"),
    Sent("group_0000_in_front", preceded_by(explicit(0x00000002, "UI", b"1.2\0")), "0000", "UID-011"),
    Sent("group_0002_in_front", preceded_by(explicit(0x00020010, "UI", b"1.2\0")), "0000", "UID-011"),
    Sent("a_whole_file", with_bytes(lambda data: bytes(128) + b"DICM" + data), "C0E2"),
    Sent("preamble_alone", with_bytes(lambda _: bytes(128)), "C0E2", "ENC-002"),
    Sent("duplicate_element", followed_by(*[explicit(LATER, "LO", b"A ")] * 2), "0000", "ENC-004"),
    Sent("patient_twice", followed_by(explicit(0x00100020, "LO", b"OTHER ")), "0000", "ENC-004"),
    Sent("uid_twice", followed_by(explicit(0x00080018, "UI", b"1.2.3\0")), "A902", "UID-007"),
    Sent("random", with_bytes(lambda data: bytes(at * 167 % 251 for at in range(5_000))), "C0E2", "ENC-002"),
)  # fmt: skip

VALUES: Final = (
    Sent("odd_length", with_raw(InstanceNumber=b"1"), "0000"),
    Sent("us_of_length_3", with_raw(Rows=b"\4\0\0"), "0000", "GEO-123"),
    Sent("us_of_length_0", with_raw(Rows=b""), "0000", "GEO-123"),
    Sent("us_of_length_4", with_raw(Rows=b"\4\0\4\0"), "0000", "GEO-123"),
    Sent("is_1e400", with_raw(InstanceNumber=b"1e400 "), "0000", "NUM-001"),
    Sent("is_of_13_digits", with_raw(InstanceNumber=b"1000000000000 "), "0000", "NUM-001"),
    Sent("is_beyond_32_bits", with_raw(InstanceNumber=b"4294967296"), "0000", "NUM-001"),
    Sent("is_of_other_digits", with_raw(InstanceNumber="\u0661\u0662".encode()), "0000", "NUM-001"),
    Sent("is_with_underscores", with_raw(InstanceNumber=b"1_000 "), "0000", "NUM-001"),
    Sent("ds_of_text", with_raw(SliceThickness=b"thick "), "0000"),
    Sent("ds_nan", with_raw(ImagePositionPatient=b"nan\\nan\\nan "), "0000", "GEO-101"),
    Sent("ds_infinite", with_raw(PixelSpacing=b"inf\\1e999 "), "0000", "GEO-101"),
    Sent("ds_1e308_cosines", with_raw(ImageOrientationPatient=b"1e308\\1e308\\1e308\\1\\0\\0 "), "C0A1", "GEO-103"),
    Sent("ds_1e308_position", with_raw(ImagePositionPatient=b"1e308\\-1e308\\0"), "0000", "GEO-101"),
    Sent("at_of_5_bytes", followed_by(explicit(LATER, "AT", b"abcde")), "0000"),
    Sent("charset_unknown", with_raw(SpecificCharacterSet=b"ISO_IR 999"), "0000"),
    Sent("charset_hostile", with_raw(SpecificCharacterSet=b"../../etc/passwd"), "0000"),
    Sent("charset_of_1000_values", with_raw(SpecificCharacterSet=b"ISO 2022 IR 87\\" * 1_000), "0000"),
    Sent("charset_of_idna", with_raw(SpecificCharacterSet=b"idna", PatientName=b"xn--\xff"), "0000"),
    Sent("name_with_control_characters", with_raw(PatientName=b"Test^Case\r\n\x1b[2J<script>x</script>"), "0000"),
    Sent("name_of_escapes", with_raw(SpecificCharacterSet=b"\\ISO 2022 IR 87 ", PatientName=b"\x1b$B\x1b$B^"), "0000"),
    Sent("name_of_8_bit_under_ascii", with_raw(PatientName=b"\xff\xfe\x80^"), "0000"),
    Sent("modality_of_markup", with_raw(Modality=b"<b>CT</b>;DROP TABLE"), "0000"),
    Sent("id_of_a_formula", with_raw(PatientID=b"=1+1|cmd "), "0000"),
    Sent("date_of_nul", with_raw(StudyDate=bytes(8)), "0000"),
)  # fmt: skip

INSTANCE: Final = "1.2.826.0.1.7777"
ARABIC: Final = "1.2.\u0661".encode()
ONE: Final = b"1.2.826.0.1.7773"
LONG: Final = f"{INSTANCE}." + "1" * (64 - len(INSTANCE) - 1)


def named(uid: str, value: bytes | None = None) -> Callable[[int], Instance]:
    """Make a slice with that SOP Instance UID, padded as ``value`` is."""
    return with_raw(SOPInstanceUID=uid.encode() if value is None else value)


UIDS: Final = (
    Sent("of_64_characters", named(LONG), "0000", "", said(LONG)),
    Sent("of_65_characters", named(LONG + "1"), "0117", "UID-001", said(LONG + "1")),
    Sent("of_128_characters", named("1." * 63 + "12"), "0117", "UID-001", said("1." * 63 + "12")),
    Sent("padded_with_a_nul", named("", b"1.2.826.0.1.7771\0\0"), "0000", "UID-004", said("1.2.826.0.1.7771")),
    Sent("padded_with_a_space", named("", b"1.2.826.0.1.77721 "), "0000", "UID-004", said("1.2.826.0.1.77721")),
    Sent("with_a_leading_zero", named("1.2.03.4"), "0117", "UID-001", said("1.2.03.4")),
    Sent("of_a_path", named("../../x"), "0117", "UID-001", said("../../x")),
    Sent("of_dots", named(".."), "0117", "UID-001", said("..")),
    Sent("with_a_newline", named("1.2\n3"), "0117", "UID-001", said("1.2\n3")),
    Sent("with_a_nul_inside", named("1.2\0.3"), "0117", "UID-001", said("1.2\0.3")),
    Sent("of_two_values", named("1.2.3\\1.2.4"), "0117", "UID-001", said("1.2.3\\1.2.4")),
    Sent("of_other_digits", named("", ARABIC), "0117", "UID-001", {"sop_instance_uid": ARABIC}),
    Sent("empty", named(""), "A910", "REQ-001", said("")),
    Sent("of_the_study_is_a_path", with_raw(StudyInstanceUID=b"../../etc\0"), "C010", "UID-002"),
    Sent("of_the_series_is_absolute", with_raw(SeriesInstanceUID=b"/etc/cron.d "), "C010", "UID-002"),
    Sent("of_the_series_is_a_dot", with_raw(SeriesInstanceUID=b".\0"), "C010", "UID-002"),
    Sent("of_the_study_has_a_newline", with_raw(StudyInstanceUID=b"1.2\n\n3\0"), "C010", "UID-002"),
    Sent("of_the_class_is_empty", with_raw(SOPClassUID=b""), "A910", "REQ-001"),
    Sent("of_the_frame_is_text", with_raw(FrameOfReferenceUID=b"none"), "0000", "UID-003"),
    Sent("one_for_all", with_raw(StudyInstanceUID=ONE, SeriesInstanceUID=ONE), "0000", "UID-006"),
)  # fmt: skip

IMAGES: Final = (
    Sent("pixels_short_by_2", lambda study: ct(1, study, PixelData=bytes(30)), "C0A2", "GEO-107"),
    Sent("pixels_long_by_2", lambda study: ct(1, study, PixelData=bytes(34)), "0000", "GEO-107"),
    Sent("pixels_empty", lambda study: ct(1, study, PixelData=b""), "C0A2", "GEO-107"),
    Sent("rows_0", lambda study: ct(1, study, Rows=0), "0000", "GEO-123"),
    Sent("rows_and_columns_65535", lambda study: ct(1, study, Rows=65_535, Columns=65_535), "C0A2", "GEO-107"),
    Sent(
        "rows_as_ul_of_ffffffff", swapped(b"US\2\0\4\0\x28\0\x11", b"UL\4\0\xff\xff\xff\xff\x28\0\x11"),
        "0000", "GEO-123",
    ),
    Sent("frames_2147483647", lambda study: ct(1, study, NumberOfFrames="2147483647"), "C0A2", "GEO-107"),
    Sent("bits_65535", lambda study: ct(1, study, BitsAllocated=65_535), "C0A2", "GEO-107"),
    Sent("offset_table_wild", encapsulated(OFFSETS, b"abcd"), "0000"),
    Sent("offset_table_of_3_bytes", encapsulated(b"abc", b"abcd"), "0000"),
    Sent("offset_table_only", encapsulated(OFFSETS), "0000"),
    Sent("no_item_at_all", encapsulated(), "0000"),
    Sent("fragments_empty", encapsulated(b"", b"", b""), "0000"),
    Sent("rle_of_nothing", encapsulated(b"", b"\xff" * 64, syntax=RLELossless), "0000"),
    Sent(
        "extended_offset_table_wild",
        lambda study: with_extended_offset_table(encapsulated(b"", b"abcd")(study)), "0000",
    ),
    Sent("native_of_undefined_length", encapsulated(b"", b"abcd", syntax=ExplicitVRLittleEndian), "C0E2", "ENC-002"),
)  # fmt: skip


def with_extended_offset_table(instance: Instance) -> Instance:
    """Put an Extended Offset Table and its lengths before Pixel Data, both far beyond any frame."""
    at = instance.data.rindex(struct.pack("<HH", PIXELS >> 16, PIXELS & 0xFFFF) + b"OB")
    tables = explicit(0x7FE00001, "OV", WILD) + explicit(0x7FE00002, "OV", WILD)
    return with_data(instance, instance.data[:at] + tables + instance.data[at:])


def store(node: NodeProcess, one: Sent, study: int) -> tuple[Response, Peer]:
    """Send an object over an association of its own, and serve somebody else meanwhile."""
    instance = one.make(study)
    with Peer.of(node.port, instance) as peer:
        context = peer.request(instance, **one.said)
        half = len(instance.data) // 2
        peer.send_data(instance.data[:half], context=context, last=False)
        serve_good_peer(node)
        peer.send_data(instance.data[half:], context=context)
        return peer.response(), peer


def check(node: NodeProcess, one: Sent, study: int) -> None:
    """Hold the answer, the log line and the receipt to what is expected; the node is looked over by its fixture."""
    response, peer = store(node, one, study)
    closed = closed_line(node, peer)
    (line,) = node.wait_for("instance", association=closed["association"])
    assert (response.status, line["status"]) == (one.status, one.status), (response.comment, line["codes"])
    if one.code:
        assert one.code in line["codes"]
    if response.status != "0000" and one.code:
        assert response.comment.startswith(one.code)
    assert response.comment.isprintable()
    assert len(response.comment) <= 64
    assert len(outcomes(node, closed)) == 1


def cases(*table: Sent) -> pytest.MarkDecorator:
    """Run a test for each object of a table."""
    return pytest.mark.parametrize("one", table, ids=[one.name for one in table])


@cases(*TRUNCATION)
def test_what_is_cut_short_or_not_closed_is_refused(target: NodeProcess, study: int, one: Sent) -> None:
    check(target, one, study)


@cases(*SIZE)
def test_what_is_out_of_proportion_is_read_as_far_as_the_limits_go(target: NodeProcess, study: int, one: Sent) -> None:
    check(target, one, study)


@cases(*ENCODING)
def test_what_is_not_encoded_as_its_transfer_syntax_says_is_found(target: NodeProcess, study: int, one: Sent) -> None:
    check(target, one, study)


@cases(*VALUES)
def test_values_that_are_none_do_not_raise(target: NodeProcess, study: int, one: Sent) -> None:
    check(target, one, study)


@cases(*UIDS)
def test_uids_that_are_none_are_never_names_of_files(target: NodeProcess, study: int, one: Sent) -> None:
    check(target, one, study)


@cases(*IMAGES)
def test_images_that_their_attributes_do_not_describe_are_answered(target: NodeProcess, study: int, one: Sent) -> None:
    check(target, one, study)


def test_every_implicit_element_of_unknown_tag_is_kept_as_it_came(target: NodeProcess, study: int) -> None:
    good = instance_of(ct_image(1, study), ImplicitVRLittleEndian)
    more = b"".join(implicit(0x7FE10000 + at, b"\xff" * at) for at in range(0x10, 0x40))
    check(target, Sent("", lambda _: with_data(good, good.data + more), "0000"), study)
