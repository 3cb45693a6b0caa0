"""What a sender is told: status, Error Comment, Offending Element and both Affected UIDs of every response."""

import struct
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, MRImageStorage

from tests.rules.builders import encoded, raw
from tests.wire.conftest import StartNode
from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, contexts_of, ct, ct_image, instance_of
from tests.wire.peer import VERIFICATION, Peer, Response

ELSEWHERE: Final = "1.2.826.0.2"
"""A root that no study of these tests has."""


def assert_answer(response: Response, status: str, code: str, *offending: int) -> None:
    """Hold a refusal or a warning to the standard's form, and to what is expected."""
    assert response.status == status
    assert response.comment.startswith(f"{code} ")
    assert len(response.comment) <= 64
    assert set(response.offending) == set(offending)


def store(node: NodeProcess, *instances: Instance, **said: Any) -> list[Response]:
    """Send instances over one association and return the responses."""
    with Peer.of(node.port, *instances) as peer:
        return [peer.store(instance, **said) for instance in instances]


class TestSuccess:
    def test_an_accepted_instance_is_answered_0000_without_comment(self, shared_node: NodeProcess, study: int) -> None:
        (response,) = store(shared_node, ct(1, study))
        assert response.status == "0000"
        assert response.comment == ""
        assert response.offending == ()

    @pytest.mark.parametrize("message_id", [0, 1, 65_535])
    def test_the_response_repeats_message_id_and_affected_uids(
        self, shared_node: NodeProcess, study: int, message_id: int
    ) -> None:
        instance = ct(1, study)
        (response,) = store(shared_node, instance, message_id=message_id)
        assert response.message_id == message_id
        assert response.sop_class_uid == instance.sop_class_uid
        assert response.sop_instance_uid == instance.sop_instance_uid

    def test_padding_of_affected_uids_does_not_count(self, shared_node: NodeProcess, study: int) -> None:
        instance = ct(1, study)
        padded = instance.sop_instance_uid.encode() + b" " * (2 - len(instance.sop_instance_uid) % 2)
        (response,) = store(shared_node, instance, sop_instance_uid=padded)
        assert response.status == "0000"


class Conflict(NamedTuple):
    """A second object that contradicts slice 1 of a study, and the answer to it."""

    name: str
    second: Callable[[int], Instance]
    status: str
    code: str
    offending: tuple[int, ...]


CONFLICTS: Final = (
    Conflict("same_bytes", lambda n: ct(1, n), "0111", "DUP-001", (0x00080018,)),
    Conflict(
        "re_encoded", lambda n: instance_of(ct_image(1, n), ImplicitVRLittleEndian), "0111", "DUP-002", (0x00080018,)
    ),
    Conflict("other_patient_name", lambda n: ct(1, n, PatientName="Other^Name"), "C116", "DUP-003", (0x00100010,)),
    Conflict("other_attribute", lambda n: ct(1, n, WindowCenter="40"), "C111", "DUP-004", (0x00281050,)),
    Conflict("other_pixels", lambda n: ct(1, n, PixelData=bytes(32)), "C115", "DUP-005", (0x7FE00010,)),
    Conflict(
        "other_series", lambda n: ct(1, n, SeriesInstanceUID=f"{ELSEWHERE}.{n}"), "C112", "DUP-006", (0x0020000E,)
    ),
    Conflict(
        "series_in_other_study", lambda n: ct(2, n, StudyInstanceUID=f"{ELSEWHERE}.{n}"), "C131", "ENT-201",
        (0x0020000D,),
    ),
    Conflict("other_patient", lambda n: ct(2, n, PatientID="SOMEBODY"), "C132", "ENT-202", (0x00100020,)),
    Conflict("other_modality", lambda n: ct(2, n, Modality="MR"), "C133", "ENT-203", (0x00080060,)),
    Conflict(
        "other_frame_of_reference", lambda n: ct(2, n, FrameOfReferenceUID=f"{ELSEWHERE}.{n}"), "C134", "ENT-204",
        (0x00200052,),
    ),
    Conflict("other_matrix", lambda n: ct(2, n, Rows=2, Columns=8), "C141", "STK-251", (0x00280010, 0x00280011)),
    Conflict("other_spacing", lambda n: ct(2, n, PixelSpacing=["0.5", "0.6"]), "C142", "STK-252", (0x00280030,)),
    Conflict(
        "other_orientation", lambda n: ct(2, n, ImageOrientationPatient=["1", "0", "0", "0", "0", "-1"]), "C143",
        "STK-253", (0x00200037,),
    ),
    Conflict("instance_number_again", lambda n: ct(2, n, InstanceNumber="1"), "C024", "NUM-004", (0x00200013,)),
)  # fmt: skip


class TestContradictions:
    @pytest.mark.parametrize("conflict", CONFLICTS, ids=[conflict.name for conflict in CONFLICTS])
    def test_what_contradicts_a_stored_instance_is_refused_with_status_and_reason(
        self, shared_node: NodeProcess, study: int, conflict: Conflict
    ) -> None:
        first, second = ct(1, study), conflict.second(study)
        accepted, refused = store(shared_node, first, second)
        assert accepted.status == "0000"
        assert_answer(refused, conflict.status, conflict.code, *conflict.offending)
        assert refused.sop_class_uid == second.sop_class_uid
        assert refused.sop_instance_uid == second.sop_instance_uid

    @pytest.mark.parametrize("conflict", CONFLICTS, ids=[conflict.name for conflict in CONFLICTS])
    def test_the_same_is_refused_when_it_comes_over_another_association(
        self, shared_node: NodeProcess, study: int, conflict: Conflict
    ) -> None:
        store(shared_node, ct(1, study))
        (refused,) = store(shared_node, conflict.second(study))
        assert_answer(refused, conflict.status, conflict.code, *conflict.offending)


class Defect(NamedTuple):
    """An object that is wrong by itself, and the answer to it."""

    name: str
    sent: Callable[[int], Instance]
    status: str
    code: str
    offending: tuple[int, ...]
    said: Mapping[str, Any] = {}


def with_data(instance: Instance, data: bytes) -> Instance:
    """Return what says that it is an instance, with other bytes."""
    return Instance(instance.sop_class_uid, instance.sop_instance_uid, instance.transfer_syntax, data)


def with_raw(number: int, **values: bytes) -> Instance:
    """Return a slice with values, by keyword, that pydicom would not write."""
    return with_data(ct(1, number), encoded(raw(ct_image(1, number), **values)))


def nested(number: int, depth: int) -> Instance:
    """Return a slice whose Data Set ends with Sequences in Sequences."""
    opened = struct.pack("<HH2sHI", 0x7FFF, 0x0010, b"SQ", 0, 0xFFFFFFFF)
    item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    good = ct(1, number)
    return with_data(good, good.data + (opened + item) * depth)


DEFECTS: Final = (
    Defect(
        "class_is_not_the_requests", lambda n: ct(1, n), "A901", "UID-007", (0x00000002, 0x00080016),
        {"sop_class_uid": MRImageStorage},
    ),
    Defect(
        "instance_is_not_the_requests", lambda n: ct(1, n), "A902", "UID-007", (0x00001000, 0x00080018),
        {"sop_instance_uid": f"{ELSEWHERE}.1"},
    ),
    Defect(
        "affected_instance_is_empty", lambda n: ct(1, n), "A902", "UID-007", (0x00001000, 0x00080018),
        {"sop_instance_uid": ""},
    ),
    Defect(
        "sop_instance_uid_is_none", lambda n: with_raw(n, SOPInstanceUID=b"1.2.03.4"), "0117", "UID-001",
        (0x00001000, 0x00080018), {"sop_instance_uid": "1.2.03.4"},
    ),
    Defect(
        "sop_instance_uid_is_a_path", lambda n: with_raw(n, SOPInstanceUID=b"../../../x"), "0117", "UID-001",
        (0x00001000, 0x00080018), {"sop_instance_uid": "../../../x"},
    ),
    Defect(
        "study_uid_is_a_path", lambda n: with_raw(n, StudyInstanceUID=b"../../etc\0"), "C010", "UID-002", (0x0020000D,)
    ),
    Defect("no_modality", lambda n: ct(1, n, Modality=None), "A910", "REQ-001", (0x00080060,)),
    Defect("no_series", lambda n: ct(1, n, SeriesInstanceUID=""), "A910", "REQ-001", (0x0020000E,)),
    Defect(
        "unusable_orientation", lambda n: ct(1, n, ImageOrientationPatient=["1", "0", "0", "1", "0", "0"]), "C0A1",
        "GEO-103", (0x00200037,),
    ),
    Defect("pixels_short", lambda n: ct(1, n, PixelData=bytes(30)), "C0A2", "GEO-107", (0x7FE00010,)),
    Defect("spacing_zero", lambda n: ct(1, n, PixelSpacing=["0", "0.5"]), "C0A3", "GEO-104", (0x00280030,)),
    Defect("cut_short", lambda n: with_data(ct(1, n), ct(1, n).data[:-5]), "C0E1", "ENC-001", (0x7FE00010,)),
    Defect("nested_too_deep", lambda n: nested(n, 100), "C0E3", "ENC-003", (0x7FFF0010,)),
)  # fmt: skip


class TestDefects:
    @pytest.mark.parametrize("defect", DEFECTS, ids=[defect.name for defect in DEFECTS])
    def test_what_is_wrong_by_itself_is_refused_with_status_and_reason(
        self, shared_node: NodeProcess, study: int, defect: Defect
    ) -> None:
        (response,) = store(shared_node, defect.sent(study), **defect.said)
        assert_answer(response, defect.status, defect.code, *defect.offending)
        instance = defect.sent(study)
        assert (response.sop_class_uid or "") == defect.said.get("sop_class_uid", instance.sop_class_uid)
        assert (response.sop_instance_uid or "") == defect.said.get("sop_instance_uid", instance.sop_instance_uid)

    def test_class_that_the_context_is_not_for_is_refused(self, shared_node: NodeProcess, study: int) -> None:
        instance = ct(1, study)
        with Peer(shared_node.port, [(MRImageStorage, [ExplicitVRLittleEndian])]) as peer:
            response = peer.store(instance, context=1)
        assert_answer(response, "A903", "UID-008", 0x00000002)

    def test_empty_data_set_is_refused(self, shared_node: NodeProcess, study: int) -> None:
        (response,) = store(shared_node, with_data(ct(1, study), b""))
        assert response.status == "A910"
        assert response.comment.startswith("REQ-001 ")

    def test_data_set_in_another_transfer_syntax_than_negotiated_is_refused(
        self, shared_node: NodeProcess, study: int
    ) -> None:
        implicit = instance_of(ct_image(1, study), ImplicitVRLittleEndian)
        (response,) = store(shared_node, with_data(ct(1, study), implicit.data))
        assert response.status == "C0E2"
        assert response.comment.startswith("ENC-002 ")

    def test_affected_uids_come_back_as_they_were_said(self, shared_node: NodeProcess, study: int) -> None:
        said = {"sop_class_uid": MRImageStorage, "sop_instance_uid": f"{ELSEWHERE}.1"}
        (response,) = store(shared_node, ct(1, study), **said)
        assert (response.sop_class_uid, response.sop_instance_uid) == tuple(said.values())

    def test_a_refusal_does_not_end_the_association(self, shared_node: NodeProcess, study: int) -> None:
        bad, good = ct(1, study, Modality=None), ct(2, study)
        assert [response.status for response in store(shared_node, bad, good)] == ["A910", "0000"]


class TestRequestsThatAreNone:
    def test_c_store_that_says_it_has_no_data_set_is_refused_and_has_one_receipt(self, node: NodeProcess) -> None:
        instance = ct()
        with Peer.of(node.port, instance) as peer:
            peer.send_command(
                peer.context_of(instance),
                {
                    0x00000002: b"1.2.840.10008.5.1.4.1.1.2\0",
                    0x00000100: struct.pack("<H", 0x0001),
                    0x00000110: struct.pack("<H", 1),
                    0x00000700: struct.pack("<H", 0),
                    0x00000800: struct.pack("<H", 0x0101),
                    0x00001000: b"1.2.826.0.1.1",
                },
            )
            response = peer.response()
        assert response.status == "0212"
        assert response.comment == "The C-STORE request says that it has no Data Set."
        assert [(row["outcome"], row["kept"]) for row in node.receipts()] == [("refuse", "nowhere")]

    def test_c_store_on_the_context_of_verification_is_refused_and_has_one_receipt(self, node: NodeProcess) -> None:
        instance = ct()
        with Peer(node.port, [(VERIFICATION, [ExplicitVRLittleEndian])]) as peer:
            response = peer.store(instance, context=1)
        assert_answer(response, "A903", "UID-008", 0x00000002)
        assert [row["outcome"] for row in node.receipts()] == ["refuse"]

    def test_c_echo_on_a_storage_context_is_not_offered(self, shared_node: NodeProcess) -> None:
        with Peer.of(shared_node.port, ct()) as peer:
            assert peer.echo(context=1).status == "0211"


class TestSettings:
    def test_responses_replace_statuses(self, start_node: StartNode) -> None:
        node = start_node('[responses]\nDUP-001 = "C111"\nSTK-251 = "A920"\n')
        answers = store(node, ct(1), ct(1), ct(2, Rows=2, Columns=8))
        assert [answer.status for answer in answers] == ["0000", "C111", "A920"]
        assert_answer(answers[1], "C111", "DUP-001", 0x00080018)

    def test_warnings_are_answered_0000_unless_configured(self, shared_node: NodeProcess, study: int) -> None:
        (response,) = store(shared_node, ct(1, study, PixelSpacing=None))
        assert response.status == "0000"
        (receipt,) = shared_node.rows(
            "SELECT outcome FROM receipt WHERE affected_sop_instance_uid = ?", response.sop_instance_uid
        )
        assert receipt["outcome"] == "warn"

    def test_a_peers_warning_status_is_sent_with_the_reason_and_the_instance_is_stored(
        self, start_node: StartNode
    ) -> None:
        node = start_node('[[peer]]\nae_title = "STRICT"\nwarning_status = "B007"\n')
        instance = ct(1, PixelSpacing=None)
        with Peer.of(node.port, instance, calling="STRICT") as peer:
            assert_answer(peer.store(instance), "B007", "GEO-101", 0x00280030)
        assert len(node.archived()) == 1

    def test_severity_of_a_rule_and_of_a_family_can_be_set(self, start_node: StartNode) -> None:
        node = start_node('[audit.severity]\nSTK = "warn"\nSTK-252 = "refuse"\nGEO-101 = "refuse"\n')
        instances = ct(1), ct(2, Rows=2, Columns=8), ct(3, PixelSpacing=["1", "1"]), ct(4, PixelSpacing=None)
        assert [answer.status for answer in store(node, *instances)] == ["0000", "0000", "C142", "A920"]

    def test_settings_come_from_the_environment_too(self, start_node: StartNode) -> None:
        node = start_node(environ={"AUDITSCP_AUDIT__PROFILE": "observe"})
        assert [answer.status for answer in store(node, ct(1), ct(2, Rows=2, Columns=8))] == ["0000", "0000"]

    def test_identical_resends_are_accepted_by_setting_and_nothing_is_stored_twice(self, start_node: StartNode) -> None:
        node = start_node('[duplicates]\nidentical = "accept"\n')
        instance = ct()
        assert [answer.status for answer in store(node, instance, instance)] == ["0000", "0000"]
        assert len(node.archived()) == 1
        assert node.quarantined() == []
        first, second = node.receipts()
        assert second["original"] == first["id"]


class TestProfiles:
    def test_observe_stores_what_standard_would_refuse_and_says_so(self, start_node: StartNode) -> None:
        node = start_node('[audit]\nprofile = "observe"\n')
        assert [answer.status for answer in store(node, ct(1), ct(2, Rows=2, Columns=8))] == ["0000", "0000"]
        assert len(node.archived()) == 2
        line = node.wait_for("instance", 2)[1]
        assert line["verdict"] == "warn"
        assert line["codes"] == ["STK-251"]
        assert line["would_be"] == {"standard": "C141", "strict": "C141"}

    def test_observe_still_refuses_what_has_no_place(self, start_node: StartNode) -> None:
        node = start_node('[audit]\nprofile = "observe"\n')
        instances = ct(1), ct(1, WindowCenter="40"), ct(2, SeriesInstanceUID="")
        assert [answer.status for answer in store(node, *instances)] == ["0000", "C111", "A910"]
        assert len(node.quarantined()) == 2

    def test_strict_refuses_what_standard_warns_of(self, start_node: StartNode) -> None:
        node = start_node('[audit]\nprofile = "strict"\n')
        assert [answer.status for answer in store(node, ct(1), ct(2, PixelSpacing=None))] == ["0000", "A920"]

    def test_standard_says_what_strict_would_do(self, shared_node: NodeProcess, study: int) -> None:
        instance = ct(1, study, PixelSpacing=None)
        store(shared_node, instance)
        (line,) = shared_node.wait_for("instance", sop_instance_uid=instance.sop_instance_uid)
        assert line["would_be"] == {"strict": "A920"}

    def test_a_peer_has_its_own_profile_by_ae_title(self, start_node: StartNode) -> None:
        node = start_node('[[peer]]\nae_title = "OLD_CT"\nprofile = "observe"\n')
        first, second, third = ct(1), ct(2, Rows=2, Columns=8), ct(3, Rows=2, Columns=8)
        store(node, first)
        with Peer.of(node.port, second, calling="OLD_CT") as peer:
            assert peer.store(second).status == "0000"
        with Peer.of(node.port, third, calling="NEW_CT") as peer:
            assert peer.store(third).status == "C141"

    def test_a_peer_by_address_is_found_too(self, start_node: StartNode) -> None:
        node = start_node('[[peer]]\naddress = "127.0.0.0/8"\nidentical = "accept"\n')
        instance = ct()
        assert [answer.status for answer in store(node, instance, instance)] == ["0000", "0000"]


def test_error_comments_hold_no_patient_data(shared_node: NodeProcess, study: int) -> None:
    marked = {"PatientName": "ZZQX^NAME", "PatientBirthDate": "19210317"}
    first = ct(1, study)
    others = [
        ct(1, study, **marked),
        ct(1, study, PatientID="ZZQXID"),
        ct(2, study, PatientID="ZZQXID"),
        with_raw(study, SOPInstanceUID=b"ZZQX^NAME\0"),
        with_raw(study, Modality=b"ZZQXNAME"),
    ]
    answers = store(shared_node, first, *others)[1:]
    assert all(answer.status != "0000" for answer in answers)
    assert [answer.comment for answer in answers if "ZZQX" in answer.comment or "1921" in answer.comment] == []


def test_contexts_of_one_association_have_their_own_transfer_syntaxes(shared_node: NodeProcess, study: int) -> None:
    explicit, implicit = ct(1, study), instance_of(ct_image(2, study), ImplicitVRLittleEndian)
    assert len(contexts_of([explicit, implicit])) == 2
    assert [answer.status for answer in store(shared_node, explicit, implicit)] == ["0000", "0000"]
    syntaxes = shared_node.rows(
        "SELECT transfer_syntax FROM instance WHERE uid IN (?, ?) ORDER BY id",
        explicit.sop_instance_uid,
        implicit.sop_instance_uid,
    )
    assert [row["transfer_syntax"] for row in syntaxes] == [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
