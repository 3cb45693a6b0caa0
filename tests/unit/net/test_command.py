"""Command sets: whatever is read does not raise, and whatever is written others can read."""

import struct
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.dsutils import decode

from scp.net.command import Command, plain_response, read_command, store_response

UIDS = st.lists(st.integers(0, 10**11), min_size=1, max_size=5).map(lambda numbers: ".".join(map(str, numbers)))
SHORTS = st.integers(0, 0xFFFF)


def element(number: int, value: bytes, group: int = 0) -> bytes:
    return struct.pack("<HHI", group, number, len(value)) + value


def decoded(raw: bytes) -> Dataset:
    """Read a command set as pynetdicom does, after its group length was checked."""
    tag_and_length = struct.unpack_from("<HHII", raw)
    assert tag_and_length == (0, 0, 4, len(raw) - 12)
    return decode(BytesIO(raw), is_implicit_vr=True, is_little_endian=True)


class TestReading:
    @given(st.binary(max_size=300))
    def test_never_raises_whatever_the_bytes(self, raw: bytes) -> None:
        read_command(raw)

    @given(st.lists(st.tuples(st.integers(0, 0x1002), st.binary(max_size=70)), max_size=12))
    def test_every_well_formed_command_set_is_read(self, elements: list[tuple[int, bytes]]) -> None:
        command = read_command(b"".join(element(number, value) for number, value in elements))
        assert command is not None
        assert command.sop_class_uid.isascii()
        assert command.sop_instance_uid.isascii()

    @given(st.lists(st.tuples(st.integers(0, 0x1002), st.binary(max_size=70)), min_size=1, max_size=5), st.data())
    def test_nothing_is_read_of_a_command_set_that_is_cut(
        self, elements: list[tuple[int, bytes]], data: st.DataObject
    ) -> None:
        whole = [element(number, value) for number, value in elements]
        cut = data.draw(st.integers(1, len(whole[-1]) - 1))
        assert read_command(b"".join(whole)[:-cut]) is None

    @given(UIDS, UIDS, SHORTS)
    def test_says_what_pynetdicom_wrote(self, sop_class: str, sop_instance: str, message_id: int) -> None:
        request: Any = C_STORE()
        request.MessageID, request.Priority, request.DataSet = message_id, 2, BytesIO(b"x")
        request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = UID("1.2"), UID("1.2")
        message = C_STORE_RQ()
        message.primitive_to_message(request)
        message.command_set.AffectedSOPClassUID = sop_class
        message.command_set.AffectedSOPInstanceUID = sop_instance
        (pdata, *_) = message.encode_msg(1, 0)
        ((_, value),) = pdata.presentation_data_value_list
        command = read_command(value[1:])
        assert command is not None
        assert (command.field, command.message_id, command.has_data_set) == (0x0001, message_id, True)
        assert (command.sop_class_uid, command.sop_instance_uid) == (sop_class, sop_instance)

    def test_requested_uids_stand_in_for_affected_ones(self) -> None:
        command = read_command(element(0x0003, b"1.2\0") + element(0x1001, b"1.3\0"))
        assert command is not None
        assert (command.sop_class_uid, command.sop_instance_uid) == ("1.2", "1.3")

    @pytest.mark.parametrize("value", [b"", b"\1", b"\1\0\0", b"\1\0\0\0"])
    def test_a_number_of_another_length_is_none(self, value: bytes) -> None:
        command = read_command(element(0x0100, value))
        assert command is not None
        assert command.field is None

    def test_elements_of_other_groups_are_not_part_of_a_command_set(self) -> None:
        assert read_command(element(0x0100, b"\1\0") + element(0x0016, b"1.2\0", group=8)) is None

    @pytest.mark.parametrize(("field", "is_response"), [(0x8001, True), (0x0001, False), (0x0FFF, False)])
    def test_the_highest_bit_tells_responses(self, field: int, is_response: bool) -> None:
        command = read_command(element(0x0100, struct.pack("<H", field)))
        assert command is not None
        assert command.is_response is is_response


class TestWriting:
    @given(
        SHORTS,
        st.one_of(st.just(""), UIDS),
        st.one_of(st.just(""), UIDS),
        SHORTS,
        st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\"), max_size=64),
        st.lists(st.integers(0, 0xFFFFFFFF), max_size=16),
    )
    def test_a_response_is_read_by_pynetdicom_as_it_was_meant(
        self, message_id: int, sop_class: str, sop_instance: str, status: int, comment: str, offending: list[int]
    ) -> None:
        ds = decoded(store_response(message_id, sop_class, sop_instance, status, comment, offending))
        assert (ds.CommandField, ds.MessageIDBeingRespondedTo, ds.Status) == (0x8001, message_id, status)
        assert ds.CommandDataSetType == 0x0101
        assert ds.get("AffectedSOPClassUID", "") == sop_class
        assert ds.get("AffectedSOPInstanceUID", "") == sop_instance
        assert ds.get("ErrorComment", "") == comment
        tags = ds.get("OffendingElement", [])
        assert (list(tags) if len(offending) > 1 else [tags] if offending else []) == offending
        assert [item.tag for item in ds] == sorted(item.tag for item in ds)

    @given(SHORTS, UIDS, SHORTS, SHORTS)
    def test_a_plain_response_answers_the_request(
        self, field: int, sop_class: str, message_id: int, status: int
    ) -> None:
        ds = decoded(plain_response(Command(field, message_id, None, 0, sop_class, ""), status))
        assert (ds.CommandField, ds.MessageIDBeingRespondedTo) == (field | 0x8000, message_id)
        assert (ds.Status, ds.CommandDataSetType, ds.AffectedSOPClassUID) == (status, 0x0101, sop_class)

    def test_text_that_is_not_ascii_does_not_break_a_response(self) -> None:
        assert decoded(store_response(1, "1.2", "1.3", 0xA700, "zurück")).ErrorComment == "zur?ck"
