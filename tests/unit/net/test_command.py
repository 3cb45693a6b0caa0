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

from scp.net.command import Command, Commands, plain_response, read_command, store_response

UIDS = st.lists(st.integers(0, 10**11), min_size=1, max_size=5).map(lambda numbers: ".".join(map(str, numbers)))
SHORTS = st.integers(0, 0xFFFF)


def element(number: int, value: bytes, group: int = 0) -> bytes:
    return struct.pack("<HHI", group, number, len(value)) + value


MESSAGE_ID, CLASS, INSTANCE, REQUESTED = 0x0110, 0x0002, 0x1000, 0x1001
USUAL = ((CLASS, b"1.2.3.40"), (0x0100, b"\1\0"), (MESSAGE_ID, b"\1\0"), (0x0800, b"\0\0"), (INSTANCE, b"1.2.3.44"))
NUMBERS = st.sampled_from((CLASS, 0x0003, 0x0100, MESSAGE_ID, 0x0120, 0x0700, 0x0800, INSTANCE, REQUESTED))
VALUES = st.one_of(st.sampled_from((b"", b"1", b"\1\0", b"1.2.3.44", b"  1.2.3\0")), st.binary(max_size=9))
ODD = st.lists(st.tuples(NUMBERS, VALUES), max_size=8)
"""Elements in any order, some of them twice, some without a value or with one of the wrong length."""


def command_of(*elements: tuple[int, bytes]) -> bytes:
    return b"".join(element(number, value) for number, value in elements)


def decoded(raw: bytes) -> Dataset:
    """Read a command set as pynetdicom does, after its group length was checked."""
    tag_and_length = struct.unpack_from("<HHII", raw)
    assert tag_and_length == (0, 0, 4, len(raw) - 12)
    return decode(BytesIO(raw), is_implicit_vr=True, is_little_endian=True)


class TestReading:
    @pytest.mark.parametrize("number", [CLASS, INSTANCE])
    def test_of_what_is_too_long_for_a_uid_the_beginning_is_read(self, number: int) -> None:
        command = read_command(element(number, b"1.2" + b".1" * 30_000))
        assert command
        assert len(command.sop_class_uid) + len(command.sop_instance_uid) == 4096

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


class TestReadingOneAfterTheOther:
    """A command set that is read with those before in mind says what it says alone."""

    @given(st.lists(ODD, min_size=1, max_size=3), st.data())
    def test_whatever_came_before(self, sets: list[list[tuple[int, bytes]]], data: st.DataObject) -> None:
        commands = Commands()
        for elements in sets:
            whole = command_of(*USUAL, *elements) if data.draw(st.booleans()) else command_of(*elements)
            for _ in range(3):
                assert commands.read(whole) == read_command(whole)
                position = data.draw(st.integers(0, max(len(whole) - 1, 0)))
                whole = whole[:position] + data.draw(st.binary(min_size=1, max_size=2)) + whole[position + 1 :]

    @given(ODD, st.lists(st.tuples(SHORTS, st.binary(min_size=8, max_size=8)), min_size=2, max_size=4))
    def test_whatever_else_a_command_set_has_and_whatever_message_id_and_uid_are(
        self, others: list[tuple[int, bytes]], said: list[tuple[int, bytes]]
    ) -> None:
        commands = Commands()
        for message_id, instance in said:
            own = {MESSAGE_ID: struct.pack("<H", message_id), INSTANCE: instance}
            whole = command_of(*((number, own.get(number, value)) for number, value in (*USUAL, *others)))
            assert commands.read(whole) == read_command(whole)

    def test_only_what_is_new_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        commands, other = Commands(), command_of(*USUAL).replace(b"\x10\x01\2\0\0\0\1", b"\x10\x01\2\0\0\0\7")
        commands.read(command_of(*USUAL))
        monkeypatch.setattr("scp.net.command._places", lambda _: 1 / 0)
        found = commands.read(other.replace(b"1.2.3.44", b"1.2.3.5\0"))
        assert found == Command(1, 7, 0, "1.2.3.40", "1.2.3.5")

    @pytest.mark.parametrize("length", [0, 2000])
    def test_what_is_unusual_is_not_remembered(self, length: int, monkeypatch: pytest.MonkeyPatch) -> None:
        commands, unusual = Commands(), command_of(*USUAL[:4], (INSTANCE, b"1" * length))
        assert commands.read(unusual) == read_command(unusual)
        monkeypatch.setattr("scp.net.command._places", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            commands.read(unusual)

    def test_forms_of_all_lengths_are_not_kept(self) -> None:
        commands = Commands()
        for length in range(1, 60):
            whole = command_of(*USUAL[:4], (INSTANCE, b"1" * length))
            assert commands.read(whole) == read_command(whole) == commands.read(whole)
        assert len(commands._forms) <= 16


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
        said = {"AffectedSOPClassUID": sop_class, "AffectedSOPInstanceUID": sop_instance, "ErrorComment": comment}
        assert {name for name in said if name in ds} == {name for name, value in said.items() if value}
        tags = ds.get("OffendingElement", [])
        assert (list(tags) if len(offending) > 1 else [tags] if offending else []) == offending
        assert [item.tag for item in ds] == sorted(item.tag for item in ds)

    @given(SHORTS, UIDS, SHORTS, SHORTS)
    def test_a_plain_response_answers_the_request(
        self, field: int, sop_class: str, message_id: int, status: int
    ) -> None:
        ds = decoded(plain_response(Command(field, message_id, 0, sop_class, ""), status))
        assert (ds.CommandField, ds.MessageIDBeingRespondedTo) == (field | 0x8000, message_id)
        assert (ds.Status, ds.CommandDataSetType, ds.AffectedSOPClassUID) == (status, 0x0101, sop_class)

    def test_text_that_is_not_ascii_does_not_break_a_response(self) -> None:
        assert decoded(store_response(1, "1.2", "1.3", 0xA700, "zurück")).ErrorComment == "zur?ck"
