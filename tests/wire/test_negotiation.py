"""Who may associate, and what is agreed on: seen from the requestor's side, and in log, ledger and file meta."""

import struct
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.uid import (
    UID,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    EncapsulatedPDFStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLosslessSV1,
    MediaStorageDirectoryStorage,
    MRImageStorage,
)
from pynetdicom import AllStoragePresentationContexts, build_role
from pynetdicom.pdu_primitives import (
    AsynchronousOperationsWindowNegotiation,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SOPClassExtendedNegotiation,
)

from scp.dicom.syntax import COMPLETE_TRANSFER_SYNTAXES, KNOWN_TRANSFER_SYNTAXES
from scp.version import __version__
from tests.wire.clients import dcmtk
from tests.wire.conftest import StartNode
from tests.wire.node import NodeProcess
from tests.wire.objects import contexts_of, ct, ct_image, instance_of
from tests.wire.peer import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    VERIFICATION,
    Peer,
    RejectedError,
    item,
)

OURS = "2.25.15746394547564767838474548213799096836"
"""Our Implementation Class UID: written out again, because it must never change."""
OUR_VERSION = f"AUDITSCP_{__version__}"[:16]

ACCEPTED, ABSTRACT_SYNTAX_NOT_SUPPORTED, TRANSFER_SYNTAXES_NOT_SUPPORTED = 0, 3, 4
PRIVATE_CLASS = "1.3.12.2.1107.5.9.1"  # CSA Non-Image Storage
UNKNOWN_CLASS = "1.2.840.10008.5.1.4.1.1.9999"

ADDRESS, CALLING, CALLED, LIMIT = (1, 1, 1), (1, 1, 3), (1, 1, 7), (2, 3, 2)


def said(peer: Peer) -> dict[type, Any]:
    """Return the user information of the acceptance, by type of item."""
    assert peer.acceptance is not None
    return {type(item): item for item in peer.acceptance.user_information}


def results(node: NodeProcess, *proposed: tuple[str, list[str]]) -> list[int]:
    """Return the results of Presentation Contexts, in the order of the proposal."""
    with Peer(node.port, proposed) as peer:
        return [peer.results[number] for number in sorted(peer.results)]


def rejection(node: NodeProcess, **options: Any) -> tuple[int, int, int]:
    """Return the reason with which an association is rejected."""
    with pytest.raises(RejectedError) as rejected, Peer.of(node.port, ct(), **options):
        pass
    return rejected.value.reason


class TestWhatTheNodeSaysOfItself:
    def test_implementation_class_uid_and_version_name_are_in_the_acceptance(self, shared_node: NodeProcess) -> None:
        with Peer.of(shared_node.port, ct()) as peer:
            items = said(peer)
        assert items[ImplementationClassUIDNotification].implementation_class_uid == OURS
        assert items[ImplementationVersionNameNotification].implementation_version_name == OUR_VERSION

    def test_maximum_pdu_is_131072_unless_configured(self, shared_node: NodeProcess) -> None:
        with Peer.of(shared_node.port, ct()) as peer:
            assert said(peer)[MaximumLengthNotification].maximum_length_received == 131_072

    def test_maximum_pdu_is_the_configured_one(self, start_node: StartNode) -> None:
        node = start_node("[association]\nmax_pdu = 65536\n")
        with Peer.of(node.port, ct()) as peer:
            assert said(peer)[MaximumLengthNotification].maximum_length_received == 65_536

    def test_the_ready_line_says_the_same(self, shared_node: NodeProcess) -> None:
        (ready,) = shared_node.lines("ready")
        assert ready["implementation_class_uid"] == OURS
        assert ready["implementation_version_name"] == OUR_VERSION
        assert ready["ae_title"] == "AUDITSCP"


class TestWhatIsKeptOfThePeer:
    def test_ledger_and_log_hold_who_associated(self, node: NodeProcess) -> None:
        with Peer.of(node.port, ct(), calling="CT1", called="WHOEVER") as peer:
            port = peer.local_port
        (closed,) = node.wait_for("association_closed")
        (opened,) = node.lines("association_opened")
        (row,) = node.rows("SELECT * FROM association")
        expected = {
            "address": "127.0.0.1",
            "port": port,
            "calling_ae_title": "CT1",
            "called_ae_title": "WHOEVER",
            "implementation_class_uid": IMPLEMENTATION_CLASS_UID,
            "implementation_version_name": IMPLEMENTATION_VERSION_NAME,
        }
        assert {name: row[name] for name in expected} == expected
        assert {name: opened[name] for name in expected} == expected
        assert row["ending"] == closed["ending"] == "released"
        assert row["opened"] <= row["closed"]

    def test_file_meta_names_both_ae_titles_and_this_implementation(self, node: NodeProcess) -> None:
        instance = ct()
        with Peer.of(node.port, instance, calling="CT1", called="ARCHIVE 1") as peer:
            assert peer.store(instance).status == "0000"
        meta = dcmread(node.archived()[0]).file_meta
        assert meta.MediaStorageSOPClassUID == instance.sop_class_uid
        assert meta.MediaStorageSOPInstanceUID == instance.sop_instance_uid
        assert meta.TransferSyntaxUID == instance.transfer_syntax
        assert meta.ImplementationClassUID == OURS
        assert meta.ImplementationVersionName == OUR_VERSION
        assert meta.SourceApplicationEntityTitle == "CT1"
        assert meta.SendingApplicationEntityTitle == "CT1"
        assert meta.ReceivingApplicationEntityTitle == "ARCHIVE 1"


class TestPresentationContexts:
    def test_every_transfer_syntax_that_holds_the_pixels_is_accepted(self, shared_node: NodeProcess) -> None:
        proposed = [(str(CTImageStorage), [syntax]) for syntax in sorted(COMPLETE_TRANSFER_SYNTAXES)]
        with Peer(shared_node.port, proposed) as peer:
            assert list(peer.accepted.values()) == [(abstract, syntax) for abstract, (syntax,) in proposed]

    def test_those_that_leave_the_pixels_elsewhere_are_refused_unless_a_setting_says_so(
        self, shared_node: NodeProcess, start_node: StartNode
    ) -> None:
        elsewhere = sorted(KNOWN_TRANSFER_SYNTAXES - COMPLETE_TRANSFER_SYNTAXES)
        assert "1.2.840.10008.1.2.4.94" in elsewhere  # JPIP Referenced
        alone = [(str(CTImageStorage), [syntax]) for syntax in elsewhere]
        assert results(shared_node, *alone) == [TRANSFER_SYNTAXES_NOT_SUPPORTED] * len(alone)
        with Peer(shared_node.port, [(str(CTImageStorage), [*elsewhere, str(ImplicitVRLittleEndian)])]) as peer:
            assert peer.accepted == {1: (CTImageStorage, ImplicitVRLittleEndian)}
        willing = start_node("[classes]\nreferenced_pixels = true\n")
        assert results(willing, *alone) == [ACCEPTED] * len(alone)

    @pytest.mark.parametrize("half", [slice(None, 100), slice(100, None)], ids=["first", "others"])
    def test_every_storage_class_that_pynetdicom_knows_is_accepted(self, shared_node: NodeProcess, half: slice) -> None:
        classes = [str(context.abstract_syntax) for context in AllStoragePresentationContexts][half]
        assert len(classes) >= 50
        proposed = [(one, [str(ExplicitVRLittleEndian)]) for one in classes]
        assert results(shared_node, *proposed) == [ACCEPTED] * len(classes)

    def test_private_and_unknown_classes_are_accepted(self, shared_node: NodeProcess) -> None:
        explicit = [str(ExplicitVRLittleEndian)]
        proposed = [(PRIVATE_CLASS, explicit), (UNKNOWN_CLASS, explicit)]
        assert results(shared_node, *proposed) == [ACCEPTED, ACCEPTED]

    def test_private_and_unknown_classes_are_refused_by_setting(self, start_node: StartNode) -> None:
        node = start_node(
            '[classes]\nprivate = false\nunknown = false\nrefused_sop_classes = ["EncapsulatedPDFStorage"]'
        )
        classes = [PRIVATE_CLASS, UNKNOWN_CLASS, EncapsulatedPDFStorage, CTImageStorage]
        proposed = [(str(one), [str(ExplicitVRLittleEndian)]) for one in classes]
        assert results(node, *proposed) == [ABSTRACT_SYNTAX_NOT_SUPPORTED] * 3 + [ACCEPTED]

    def test_classes_that_are_not_stored_are_refused(self, shared_node: NodeProcess) -> None:
        queries = ["1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.1.20.1", str(MediaStorageDirectoryStorage)]
        proposed = [(one, [str(ImplicitVRLittleEndian)]) for one in queries]
        assert results(shared_node, *proposed) == [ABSTRACT_SYNTAX_NOT_SUPPORTED] * len(queries)

    def test_unknown_transfer_syntax_is_refused_and_those_beside_it_are_not(self, shared_node: NodeProcess) -> None:
        unknown = "1.2.826.0.1.3680043.9.9999.1"
        proposed = [
            (str(CTImageStorage), [unknown]),
            (str(CTImageStorage), [unknown, str(ImplicitVRLittleEndian)]),
        ]
        assert results(shared_node, *proposed) == [TRANSFER_SYNTAXES_NOT_SUPPORTED, ACCEPTED]

    def test_transfer_syntaxes_are_limited_by_setting(self, start_node: StartNode) -> None:
        node = start_node('[classes]\ntransfer_syntaxes = ["ImplicitVRLittleEndian"]\n')
        proposed = [(str(CTImageStorage), [str(one)]) for one in (ImplicitVRLittleEndian, JPEGLosslessSV1)]
        assert results(node, *proposed) == [ACCEPTED, TRANSFER_SYNTAXES_NOT_SUPPORTED]

    @pytest.mark.parametrize(
        ("proposed", "preferred"),
        [
            ((ImplicitVRLittleEndian, ExplicitVRLittleEndian), ExplicitVRLittleEndian),
            ((ExplicitVRBigEndian, ImplicitVRLittleEndian), ImplicitVRLittleEndian),
            ((JPEGLosslessSV1, ExplicitVRLittleEndian), JPEGLosslessSV1),
            ((ExplicitVRLittleEndian, JPEGLosslessSV1), ExplicitVRLittleEndian),
            ((ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian), DeflatedExplicitVRLittleEndian),
        ],
    )
    def test_the_first_transfer_syntax_is_taken_but_explicit_before_implicit_before_big_endian(
        self, shared_node: NodeProcess, proposed: tuple[UID, ...], preferred: UID
    ) -> None:
        with Peer(shared_node.port, [(str(MRImageStorage), [str(one) for one in proposed])]) as peer:
            assert peer.accepted == {1: (MRImageStorage, preferred)}


def window(invoked: int, performed: int) -> AsynchronousOperationsWindowNegotiation:
    item = AsynchronousOperationsWindowNegotiation()
    item.maximum_number_operations_invoked, item.maximum_number_operations_performed = invoked, performed
    return item


def extended() -> SOPClassExtendedNegotiation:
    item = SOPClassExtendedNegotiation()
    item.sop_class_uid, item.service_class_application_information = CTImageStorage, b"\2\0\3\0\1\0"
    return item


class TestWhatElseMayBeNegotiated:
    """It is not answered, which leaves what holds by default (PS3.7 Annex D.3.3): no sender is turned away for it."""

    @pytest.mark.parametrize(
        "items",
        [
            [build_role(CTImageStorage, scp_role=True)],
            [build_role(CTImageStorage, scu_role=True, scp_role=True)],
            [window(0, 0)],
            [window(5, 5)],
            [extended()],
            [build_role(MRImageStorage, scp_role=True), window(1, 1), extended()],
        ],
        ids=["scp", "scu and scp", "any number at once", "five at once", "extended", "all, and of no context"],
    )
    def test_is_left_at_its_default_and_instances_are_taken(
        self, shared_node: NodeProcess, study: int, items: list[Any]
    ) -> None:
        instance = ct(1, study)
        with Peer.of(shared_node.port, instance, negotiating=items) as peer:
            assert said(peer).keys() == {
                MaximumLengthNotification,
                ImplementationClassUIDNotification,
                ImplementationVersionNameNotification,
            }
            assert peer.store(instance).status == "0000"

    @pytest.mark.parametrize("length", [0, 8, 61, 128, 4095, 2**32 - 1])
    def test_any_maximum_length_of_a_peer_is_kept_to(self, shared_node: NodeProcess, study: int, length: int) -> None:
        peer, instance = Peer.of(shared_node.port, ct(1, study)), ct(1, study)
        ours = item(0x51, struct.pack(">I", 16_384))
        body = peer.proposal()
        assert ours in body
        peer.propose(body.replace(ours, item(0x51, struct.pack(">I", length))))
        assert peer.store(instance).status == "0000"
        assert peer.store(instance).status == "0111"
        assert peer.longest <= (length or 2**32)
        peer.release()

    def test_contexts_of_one_class_each_have_their_transfer_syntax(self, shared_node: NodeProcess, study: int) -> None:
        syntaxes = [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
        instances = [instance_of(ct_image(number, study), syntax) for number, syntax in enumerate(syntaxes, 1)]
        with Peer(shared_node.port, [(str(CTImageStorage), [str(syntax)]) for syntax in syntaxes]) as peer:
            assert [syntax for _, syntax in peer.accepted.values()] == syntaxes
            assert [peer.store(one).status for one in instances] == ["0000"] * 3

    def test_128_contexts_of_which_none_can_be_accepted(self, shared_node: NodeProcess) -> None:
        proposed = [("1.2.840.10008.5.1.4.1.2.2.1", [str(ImplicitVRLittleEndian)])] * 128
        assert results(shared_node, *proposed) == [ABSTRACT_SYNTAX_NOT_SUPPORTED] * 128


class TestVerification:
    def test_echoscu_is_answered(self, shared_node: NodeProcess) -> None:
        run = dcmtk("echoscu", shared_node.port)
        assert run.exit_code == 0
        assert "Received Echo Response (Success)" in run.output

    def test_c_echo_is_answered_between_instances(self, shared_node: NodeProcess, study: int) -> None:
        first, second = ct(1, study), ct(2, study)
        with Peer(shared_node.port, [*contexts_of([first]), (VERIFICATION, [str(ImplicitVRLittleEndian)])]) as peer:
            statuses = [peer.store(first).status, peer.echo().status, peer.store(second).status]
        assert statuses == ["0000"] * 3


class TestWhoMayAssociate:
    def test_any_titles_may_unless_configured(self, shared_node: NodeProcess) -> None:
        with Peer.of(shared_node.port, ct(), calling="ANYBODY", called="ANYTHING") as peer:
            assert peer.accepted

    def test_another_called_ae_title_is_rejected_if_ours_is_required(self, start_node: StartNode) -> None:
        node = start_node('[node]\nae_title = "RIGHT"\n[association]\nrequire_called_ae_title = true\n')
        assert rejection(node, called="WRONG") == CALLED
        (line,) = node.wait_for("association_rejected")
        assert line["reason"] == "called AE title not recognised"
        with Peer.of(node.port, ct(), called="RIGHT") as peer:
            assert peer.accepted

    def test_a_calling_ae_title_that_is_not_listed_is_rejected(self, start_node: StartNode) -> None:
        node = start_node('[association]\ncalling_ae_titles = ["CT1", "MR 1"]\n')
        assert rejection(node, calling="CT2") == CALLING
        (line,) = node.wait_for("association_rejected")
        assert line["reason"] == "calling AE title not recognised"
        assert line["calling_ae_title"] == "CT2"
        with Peer.of(node.port, ct(), calling="MR 1") as peer:
            assert peer.accepted

    def test_an_address_that_is_not_listed_is_rejected(self, start_node: StartNode) -> None:
        node = start_node('[association]\naddresses = ["192.0.2.0/24"]\n')
        assert rejection(node) == ADDRESS
        (line,) = node.wait_for("association_rejected")
        assert line["reason"] == "address not allowed"
        assert line["address"] == "127.0.0.1"

    def test_rejected_associations_leave_nothing_in_the_ledger(self, start_node: StartNode) -> None:
        node = start_node('[association]\naddresses = ["192.0.2.0/24"]\n')
        rejection(node)
        node.wait_for("association_rejected")
        assert node.rows("SELECT * FROM association") == []

    @pytest.mark.parametrize(
        ("setting", "words"),
        [
            ("max_associations", "limit of associations"),
            ("max_associations_per_peer", "limit of associations of one peer"),
        ],
    )
    def test_one_association_above_the_limit_is_rejected_until_another_ends(
        self, start_node: StartNode, setting: str, words: str
    ) -> None:
        node = start_node(f"[association]\n{setting} = 2\n")
        instance = ct()
        with Peer.of(node.port, instance) as first:
            with Peer.of(node.port, instance):
                assert rejection(node) == LIMIT
                (line,) = node.wait_for("association_rejected")
                assert line["reason"] == words
                assert first.store(instance).status == "0000"
            assert associate_until_accepted(node)

    def test_a_rejected_peer_does_not_count(self, start_node: StartNode) -> None:
        node = start_node("[association]\nmax_associations = 1\n")
        with Peer.of(node.port, ct()):
            assert [rejection(node) for _ in range(5)] == [LIMIT] * 5
        assert associate_until_accepted(node)


def associate_until_accepted(node: NodeProcess) -> bool:
    """Try to associate while the node may not have noticed yet that somebody has left."""

    def is_accepted() -> bool:
        try:
            with Peer.of(node.port, ct()):
                return True
        except RejectedError:
            return False

    return node.until(is_accepted)
