"""What every ledger has to do. A suite for one implementation is a subclass with a fixture ``make_ledger``."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from blake3 import blake3
from pydicom.uid import (
    ColorPaletteStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    UltrasoundImageStorage,
)

from scp.audit.engine import Judgement, NeedsComparison
from scp.audit.finding import Decision, Finding, Other, Problem, Severity, Verdict
from scp.audit.rule import Subject
from scp.audit.snapshot import Snapshot
from scp.dicom.request import Association
from scp.ids import as_text, new_id
from scp.layout import Place, Placement, archive_path, quarantine_path, timestamp
from scp.ledger.port import Admitted, Draft, Ledger, Receipt
from scp.outcomes import Ending, Outcome
from tests.rules.builders import FRAME, INSTANCE, SERIES, STUDY, image, subject

ACCEPT = Verdict(Decision.ACCEPT, 0x0000)
REFUSE = Verdict(Decision.REFUSE, 0xC111, comment="DUP-004 other attributes")
RECEIVED = 1_767_348_672_123_456


def association(ae_title: str = "MODALITY", address: str = "192.0.2.1") -> Association:
    return Association(as_text(new_id()), address, 40000, ae_title, "AUDITSCP", "1.2.826.0.1.99", "TEST_1")


def draft(sent: Subject, content: bytes = b"content", confirms: int | None = None, received: int = RECEIVED) -> Draft:
    """A request that waits for its decision; its bytes are only told by their digest."""
    return Draft(new_id(), received, sent, blake3(content).digest(), len(content), confirms)


def sent(sender: Association | None = None, syntax: str = ExplicitVRLittleEndian, **changes: Any) -> Subject:
    """A CT slice from an association of its own, unless another is given; ``changes`` are those of ``image``."""
    one = subject(image(**changes), syntax)
    return replace(one, request=replace(one.request, association=sender or association()))


def always(verdict: Verdict) -> Callable[[Snapshot], Judgement]:
    return lambda snapshot: Judgement(verdict)


def admit(ledger: Ledger, one: Draft, verdict: Verdict = ACCEPT) -> Admitted:
    admitted = ledger.admit(one, always(verdict))
    assert isinstance(admitted, Admitted)
    return admitted


def look(ledger: Ledger, one: Draft) -> Snapshot:
    """The snapshot that a draft would be judged with; nothing is written."""
    seen: list[Snapshot] = []
    assert ledger.admit(one, seen.append) is None
    return seen[0]


def together(count: int, act: Callable[[int], Any]) -> list[Any]:
    """Let threads act at the same moment, and return what they return, in their order."""
    results: list[Any] = [None] * count
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait()
        results[number] = act(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


class LedgerContract:
    """The promises of :class:`scp.ledger.port.Ledger`."""

    @pytest.fixture
    def make_ledger(self) -> Callable[[], Ledger]:
        """Return what opens the ledger of this test; every call opens the same one."""
        raise NotImplementedError

    @pytest.fixture
    def ledger(self, make_ledger: Callable[[], Ledger]) -> Iterator[Ledger]:
        one = make_ledger()
        yield one
        one.close()

    # Admitting

    def test_of_the_first_instance_nothing_is_known(self, ledger: Ledger) -> None:
        assert look(ledger, draft(sent())) == Snapshot()

    def test_an_accepted_instance_belongs_into_the_archive(self, ledger: Ledger) -> None:
        one = draft(sent())
        admitted = admit(ledger, one)
        assert admitted.placement == Placement(Place.ARCHIVE, archive_path(STUDY, SERIES, INSTANCE), one.receipt)
        assert admitted.instance == one.receipt
        assert admitted.judgement.verdict is ACCEPT

    def test_a_refused_object_belongs_into_quarantine_and_no_instance_is_stored(self, ledger: Ledger) -> None:
        one = draft(sent())
        admitted = admit(ledger, one, REFUSE)
        path = quarantine_path(one.receipt, RECEIVED)
        assert admitted.placement == Placement(Place.QUARANTINE, path, one.receipt)
        assert admitted.instance is None
        assert look(ledger, draft(sent())) == Snapshot()

    def test_an_object_without_study_and_series_has_its_own_place(self, ledger: Ledger) -> None:
        palette = sent(SOPClassUID=ColorPaletteStorage, StudyInstanceUID=None, SeriesInstanceUID=None)
        admitted = admit(ledger, draft(palette))
        assert admitted.placement.path == archive_path("", "", INSTANCE)

    def test_objects_without_study_and_series_are_not_compared_with_each_other(self, ledger: Ledger) -> None:
        for number in range(3):
            palette = sent(
                SOPClassUID=ColorPaletteStorage, SOPInstanceUID=f"1.2.{number}",
                StudyInstanceUID=None, SeriesInstanceUID=None,
            )  # fmt: skip
            assert look(ledger, draft(palette)) == Snapshot()
            assert admit(ledger, draft(palette)).placement.path == archive_path("", "", f"1.2.{number}")

    def test_what_is_no_judgement_is_handed_back_and_nothing_is_written(self, ledger: Ledger) -> None:
        first = admit(ledger, draft(sent()))
        held = look(ledger, draft(sent(), b"other")).held
        assert held is not None
        need = NeedsComparison(held)
        again = draft(sent(), b"other", confirms=first.instance)
        assert ledger.admit(again, lambda snapshot: need) is need
        assert not ledger.knows(again.receipt)
        held = look(ledger, draft(sent())).held
        assert held is not None
        assert not held.confirmed

    def test_a_judge_that_fails_is_heard_and_nothing_is_written(self, ledger: Ledger) -> None:
        def fail(snapshot: Snapshot) -> Judgement:
            raise ZeroDivisionError

        one = draft(sent())
        with pytest.raises(ZeroDivisionError):
            ledger.admit(one, fail)
        assert not ledger.knows(one.receipt)
        assert admit(ledger, one).instance == one.receipt

    # Exactly one receipt

    def test_there_is_one_receipt_for_each_request_whatever_became_of_it(self, ledger: Ledger) -> None:
        stored, refused, again = draft(sent()), draft(sent(SOPInstanceUID="1.2.9")), draft(sent())
        admit(ledger, stored)
        admit(ledger, refused, REFUSE)
        admit(ledger, again, replace(REFUSE, duplicate=True))
        aborted = new_id()
        ledger.record(aborted, RECEIVED, sent().request, Outcome.ABORTED, None, 10)
        became = {
            stored.receipt: Outcome.ACCEPT,
            refused.receipt: Outcome.REFUSE,
            again.receipt: Outcome.REFUSE,
            aborted: Outcome.ABORTED,
        }
        receipts = [ledger.receipt(number) for number in became]
        assert {receipt.id: receipt.outcome for receipt in receipts if receipt} == became
        assert all(ledger.knows(number) for number in became)

    def test_a_receipt_that_was_never_written_is_not_known(self, ledger: Ledger) -> None:
        assert not ledger.knows(new_id())
        assert ledger.receipt(new_id()) is None

    def test_a_receipt_says_what_was_asked_and_what_became_of_it(self, ledger: Ledger) -> None:
        one = draft(sent(association("CT1", "192.0.2.17")))
        verdict = Verdict(Decision.WARN, 0xB007, comment="NUM-001 no number", tightened={"strict": 0xC021})
        admitted = admit(ledger, one, verdict)
        assert ledger.receipt(one.receipt) == Receipt(
            id=one.receipt, received=RECEIVED, request=one.subject.request, series_instance_uid=SERIES,
            study_instance_uid=STUDY, outcome=Outcome.WARN, status=0xB007, comment="NUM-001 no number",
            digest=one.digest, size=one.size, placement=admitted.placement,
        )  # fmt: skip

    def test_a_receipt_without_a_decision_says_so(self, ledger: Ledger) -> None:
        number, request = new_id(), sent().request
        ledger.record(number, RECEIVED, request, Outcome.RETRY, 0xA700, 123)
        assert ledger.receipt(number) == Receipt(
            id=number, received=RECEIVED, request=request, series_instance_uid="", study_instance_uid="",
            outcome=Outcome.RETRY, status=0xA700, comment="", digest=b"", size=123,
            placement=Placement(Place.NOWHERE, "", number),
        )  # fmt: skip

    def test_findings_are_kept_in_their_order_with_both_sides(self, ledger: Ledger) -> None:
        first = draft(sent(association("FIRST", "192.0.2.5")))
        admit(ledger, first)
        other = Other(
            first.receipt, INSTANCE, archive_path(STUDY, SERIES, INSTANCE), "FIRST", "192.0.2.5", timestamp(RECEIVED)
        )
        findings = (
            Finding("STK-251", Severity.REFUSE, 0xC141, Problem("4 x 4", (0x00280010,), "", (4, 4), (8, 4), other)),
            Finding("UID-002", Severity.WARN, 0xC010, Problem("no UID", (), "", None, {"(0020,000D)": "1.02"})),
            Finding("GEO-104", Severity.INFO, 0xC0A3, Problem("spacing", (1, 2), "", 0.5, "text")),
            Finding("NUM-001", Severity.WARN, 0xC021, Problem("nothing to show")),
        )
        one = draft(sent(SOPInstanceUID="1.2.9"))
        admit(ledger, one, replace(REFUSE, findings=findings))
        receipt = ledger.receipt(one.receipt)
        assert receipt is not None
        assert receipt.findings == findings

    # What is held of the same instance

    def test_the_stored_instance_is_held_with_its_place_and_its_sender(self, ledger: Ledger) -> None:
        first = draft(sent(association("FIRST", "192.0.2.5")))
        admit(ledger, first)
        held = look(ledger, draft(sent(), b"other")).held
        assert held is not None
        assert held.other == Other(
            first.receipt, INSTANCE, archive_path(STUDY, SERIES, INSTANCE), "FIRST", "192.0.2.5", timestamp(RECEIVED)
        )
        assert held.digest == first.digest
        assert held.transfer_syntax == ExplicitVRLittleEndian
        assert held.sop_class_uid == first.subject.facts.sop_class_uid
        assert (held.study_instance_uid, held.series_instance_uid) == (STUDY, SERIES)
        assert held.patient == first.subject.tracked.study["patient"]

    def test_the_same_bytes_in_the_same_transfer_syntax_are_identical(self, ledger: Ledger) -> None:
        admit(ledger, draft(sent()))
        assert look(ledger, draft(sent())).identical
        assert not look(ledger, draft(sent(), b"other")).identical
        again = sent()
        elsewhere = replace(again, request=replace(again.request, transfer_syntax=JPEGBaseline8Bit))
        assert not look(ledger, draft(elsewhere)).identical

    def test_beside_an_identical_instance_nothing_else_is_looked_at(self, ledger: Ledger) -> None:
        admit(ledger, draft(sent()))
        snapshot = look(ledger, draft(sent()))
        assert snapshot == Snapshot(held=snapshot.held, identical=True)

    # What is known of study, series and stack

    def test_the_first_stored_instance_is_the_reference_of_its_study_and_series(self, ledger: Ledger) -> None:
        first = draft(sent(InstanceNumber="1"))
        admit(ledger, first)
        admit(ledger, draft(sent(SOPInstanceUID="1.2.8", Manufacturer="Later", InstanceNumber="2")))
        snapshot = look(ledger, draft(sent(SOPInstanceUID="1.2.9", InstanceNumber="3")))
        assert snapshot.held is None
        assert snapshot.study is not None
        assert snapshot.series is not None
        assert snapshot.study.other == snapshot.series.other
        assert snapshot.study.other.receipt == first.receipt
        assert snapshot.study.values == first.subject.tracked.study
        assert snapshot.study.parent == ""
        assert snapshot.series.values == first.subject.tracked.series
        assert snapshot.series.parent == STUDY

    def test_the_first_that_names_the_patient_becomes_the_reference_of_its_study(self, ledger: Ledger) -> None:
        nameless: dict[str, Any] = {"PatientID": "", "PatientName": "Unknown"}
        later: dict[str, Any] = {"SeriesInstanceUID": "1.2.3"}
        admit(ledger, draft(sent(**nameless)))
        admit(ledger, draft(sent(SOPInstanceUID="1.2.7", **nameless)))
        first = draft(sent(SOPInstanceUID="1.2.8", PatientID="A", **later))
        admit(ledger, first)
        admit(ledger, draft(sent(SOPInstanceUID="1.2.81", PatientID="B", **later)))
        snapshot = look(ledger, draft(sent(SOPInstanceUID="1.2.9", SeriesInstanceUID="1.2.4")))
        assert snapshot.study is not None
        assert snapshot.study.other.receipt == first.receipt
        assert snapshot.study.values == first.subject.tracked.study

    def test_the_first_slice_with_a_frame_of_reference_becomes_the_reference_of_its_series(
        self, ledger: Ledger
    ) -> None:
        admit(ledger, draft(sent(FrameOfReferenceUID="")))
        admit(ledger, draft(sent(SOPInstanceUID="1.2.7", FrameOfReferenceUID="1.2.99", StudyInstanceUID="1.2.98")))
        first = draft(sent(SOPInstanceUID="1.2.8", FrameOfReferenceUID="1.2.99"))
        admit(ledger, first)
        admit(ledger, draft(sent(SOPInstanceUID="1.2.81", FrameOfReferenceUID="1.2.100")))
        snapshot = look(ledger, draft(sent(SOPInstanceUID="1.2.9")))
        assert snapshot.series is not None
        assert snapshot.series.other.receipt == first.receipt
        assert snapshot.series.values == first.subject.tracked.series
        assert snapshot.series.parent == STUDY

    @pytest.mark.parametrize("nothing", [{"PixelSpacing": None}, {"ImageOrientationPatient": ["0"] * 6}])
    def test_the_first_with_an_image_plane_becomes_the_reference_of_its_stack(
        self, ledger: Ledger, nothing: dict[str, Any]
    ) -> None:
        admit(ledger, draft(sent(**nothing)))
        admit(ledger, draft(sent(SOPInstanceUID="1.2.7", **nothing)))
        first = draft(sent(SOPInstanceUID="1.2.8"))
        admit(ledger, first)
        admit(ledger, draft(sent(SOPInstanceUID="1.2.81", PixelSpacing=["1", "1"])))
        snapshot = look(ledger, draft(sent(SOPInstanceUID="1.2.9")))
        assert snapshot.stack is not None
        assert snapshot.stack == snapshot.acquisition
        assert snapshot.stack.other.receipt == first.receipt
        assert (snapshot.stack.pixel_spacing, snapshot.stack.orientation) == ((0.5, 0.5), (1, 0, 0, 0, 1, 0))

    def test_a_refused_object_is_no_reference(self, ledger: Ledger) -> None:
        admit(ledger, draft(sent()), REFUSE)
        stored = draft(sent(SOPInstanceUID="1.2.8"))
        admit(ledger, stored)
        snapshot = look(ledger, draft(sent(SOPInstanceUID="1.2.9")))
        assert snapshot.series is not None
        assert snapshot.series.other.receipt == stored.receipt

    def test_another_series_of_the_study_knows_the_study_only(self, ledger: Ledger) -> None:
        admit(ledger, draft(sent()))
        snapshot = look(ledger, draft(sent(SOPInstanceUID="1.2.9", SeriesInstanceUID="1.2.3")))
        assert snapshot.study is not None
        assert snapshot == Snapshot(study=snapshot.study)

    def test_a_series_remembers_the_study_in_which_it_came_first(self, ledger: Ledger) -> None:
        admit(ledger, draft(sent()))
        admit(ledger, draft(sent(SOPInstanceUID="1.2.8", StudyInstanceUID="1.2.3")))
        snapshot = look(ledger, draft(sent(SOPInstanceUID="1.2.9", StudyInstanceUID="1.2.3")))
        assert snapshot.series is not None
        assert snapshot.series.parent == STUDY
        held = look(ledger, draft(sent(SOPInstanceUID="1.2.8"), b"other")).held
        assert held is not None
        assert held.study_instance_uid == "1.2.3"
        assert held.other.path == archive_path("1.2.3", SERIES, "1.2.8")

    def test_the_first_image_of_a_stack_is_its_reference(self, ledger: Ledger) -> None:
        first = draft(sent(Rows=4, Columns=8, PixelSpacing=["0.5", "0.25"]))
        admit(ledger, first)
        admit(ledger, draft(sent(SOPInstanceUID="1.2.8", Rows=16)))
        stack = look(ledger, draft(sent(SOPInstanceUID="1.2.9"))).stack
        assert stack is not None
        assert stack.other.receipt == first.receipt
        assert (stack.rows, stack.columns) == (4, 8)
        assert stack.pixel_spacing == (0.5, 0.25)
        assert stack.orientation == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)

    def test_another_image_type_is_another_stack_and_another_acquisition_only_that(self, ledger: Ledger) -> None:
        first = draft(sent())
        admit(ledger, first)
        other_type = look(ledger, draft(sent(SOPInstanceUID="1.2.9", ImageType=["DERIVED", "SECONDARY"])))
        assert (other_type.stack, other_type.acquisition) == (None, None)
        other_acquisition = look(ledger, draft(sent(SOPInstanceUID="1.2.9", AcquisitionNumber="2")))
        assert other_acquisition.stack is not None
        assert other_acquisition.acquisition is None
        same = look(ledger, draft(sent(SOPInstanceUID="1.2.9")))
        assert same.stack == same.acquisition
        assert same.parallel is None

    def test_derived_slices_of_another_plane_are_another_stack_beside_that_of_their_type(self, ledger: Ledger) -> None:
        def reformat(uid: str, orientation: list[int], rows: int) -> Draft:
            kind = ["DERIVED", "SECONDARY", "REFORMATTED"]
            return draft(sent(SOPInstanceUID=uid, ImageType=kind, ImageOrientationPatient=orientation, Rows=rows))

        axial, coronal = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1]
        first, other_plane = reformat("1.2.7", axial, 4), reformat("1.2.8", coronal, 8)
        admit(ledger, first)
        before = look(ledger, other_plane)
        assert (before.stack == before.acquisition, before.parallel) == (True, None)
        admit(ledger, other_plane)
        for orientation, of_plane in ((axial, first), (coronal, other_plane)):
            snapshot = look(ledger, reformat("1.2.9", orientation, 4))
            assert snapshot.stack is not None
            assert snapshot.parallel is not None
            assert snapshot.stack.other.receipt == first.receipt
            assert snapshot.parallel.other.receipt == of_plane.receipt

    def test_a_stack_of_an_image_without_geometry_knows_none(self, ledger: Ledger) -> None:
        nothing: dict[str, Any] = {"PixelSpacing": None, "ImageOrientationPatient": None, "Rows": None, "Columns": None}
        admit(ledger, draft(sent(**nothing)))
        stack = look(ledger, draft(sent(SOPInstanceUID="1.2.9"))).stack
        assert stack is not None
        assert (stack.rows, stack.columns, stack.pixel_spacing, stack.orientation) == (None, None, (), ())

    # Neighbours

    def test_instances_with_the_same_number_in_the_series_are_neighbours(self, ledger: Ledger) -> None:
        enhanced: dict[str, Any] = {"SOPClassUID": EnhancedCTImageStorage}
        one = draft(sent(**enhanced, ConcatenationUID="1.2.7", InConcatenationNumber=2, FrameOfReferenceUID=FRAME))
        two = draft(sent(**enhanced, SOPInstanceUID="1.2.8"))
        admit(ledger, one)
        admit(ledger, two)
        near = look(ledger, draft(sent(**enhanced, SOPInstanceUID="1.2.9"))).neighbours
        assert [neighbour.other.receipt for neighbour in near] == [one.receipt, two.receipt]
        assert near[0].slot == one.subject.tracked.slot
        assert near[0].place == one.subject.tracked.place
        assert near[0].sop_class_uid == one.subject.facts.sop_class_uid
        assert (near[0].concatenation_uid, near[0].in_concatenation_number) == ("1.2.7", 2)
        assert (near[1].concatenation_uid, near[1].in_concatenation_number) == ("", None)

    def test_of_single_images_only_those_in_the_same_slot_are_neighbours(self, ledger: Ledger) -> None:
        one, two = draft(sent()), draft(sent(SOPInstanceUID="1.2.8", AcquisitionNumber="7"))
        admit(ledger, one)
        admit(ledger, two)
        near = look(ledger, draft(sent(SOPInstanceUID="1.2.9"))).neighbours
        assert [neighbour.other.receipt for neighbour in near] == [one.receipt]

    def test_a_neighbour_that_is_a_slice_says_how_it_lies_and_stands_for_when_it_was_acquired(
        self, ledger: Ledger
    ) -> None:
        slice_, clip = (
            draft(sent(AcquisitionTime="1200")),
            draft(sent(SOPInstanceUID="1.2.8", SOPClassUID=UltrasoundImageStorage, AcquisitionTime="1200")),
        )
        admit(ledger, slice_)
        admit(ledger, clip)
        (near,) = look(ledger, draft(sent(SOPInstanceUID="1.2.9"))).neighbours
        assert (near.position, near.orientation) == ((0, 0, 10), (1, 0, 0, 0, 1, 0))
        assert near.moment == slice_.subject.tracked.moment
        (near,) = look(ledger, draft(sent(SOPInstanceUID="1.2.9", SOPClassUID=UltrasoundImageStorage))).neighbours
        assert (near.position, near.orientation, near.moment) == ((), (), "")

    @pytest.mark.parametrize(
        "changes",
        [
            {"InstanceNumber": "2"},
            {"InstanceNumber": None},
            {"SeriesInstanceUID": "1.2.3"},
        ],
        ids=["another number", "no number", "another series"],
    )
    def test_other_instances_are_no_neighbours(self, ledger: Ledger, changes: dict[str, Any]) -> None:
        admit(ledger, draft(sent()))
        assert look(ledger, draft(sent(SOPInstanceUID="1.2.9", **changes))).neighbours == ()

    def test_the_same_instance_is_no_neighbour_of_itself(self, ledger: Ledger) -> None:
        admit(ledger, draft(sent()))
        assert look(ledger, draft(sent(), b"other")).neighbours == ()

    # Nothing is kept twice

    def test_the_receipt_of_an_identical_resend_points_to_the_stored_copy(self, ledger: Ledger) -> None:
        first, again = draft(sent()), draft(sent())
        admit(ledger, first)
        admitted = admit(ledger, again, replace(REFUSE, duplicate=True))
        path = archive_path(STUDY, SERIES, INSTANCE)
        assert admitted.placement == Placement(Place.NOWHERE, path, first.receipt)
        assert admitted.instance is None
        receipt = ledger.receipt(again.receipt)
        assert receipt is not None
        assert receipt.placement == admitted.placement

    def test_an_accepted_resend_speaks_of_the_stored_instance(self, ledger: Ledger) -> None:
        first = draft(sent())
        admit(ledger, first)
        assert admit(ledger, draft(sent()), replace(ACCEPT, duplicate=True)).instance == first.receipt

    def test_the_receipt_of_what_is_in_quarantine_already_points_to_the_first_copy(self, ledger: Ledger) -> None:
        first = draft(sent())
        kept = admit(ledger, first, REFUSE).placement
        for _ in range(2):
            again = admit(ledger, draft(sent()), REFUSE)
            assert again.placement == Placement(Place.NOWHERE, kept.path, first.receipt)

    @pytest.mark.parametrize(
        "change",
        [
            {"sop_instance_uid": "1.2.9"},
            {"sop_class_uid": "1.2.9"},
            {"transfer_syntax": JPEGBaseline8Bit},
        ],
        ids=["SOP Instance", "SOP Class", "Transfer Syntax"],
    )
    def test_the_same_bytes_under_another_request_are_another_object(
        self, ledger: Ledger, change: dict[str, Any]
    ) -> None:
        admit(ledger, draft(sent()), REFUSE)
        one = sent()
        other = draft(replace(one, request=replace(one.request, **change)))
        assert admit(ledger, other, REFUSE).placement.place is Place.QUARANTINE

    def test_what_was_refused_once_may_be_accepted_later(self, ledger: Ledger) -> None:
        admit(ledger, draft(sent()), REFUSE)
        assert admit(ledger, draft(sent())).placement.place is Place.ARCHIVE

    # Confirmation

    def test_a_stored_instance_is_unconfirmed_until_it_is_confirmed(self, ledger: Ledger) -> None:
        first = draft(sent())
        admit(ledger, first)
        before = look(ledger, draft(sent())).held
        ledger.confirm(first.receipt)
        after = look(ledger, draft(sent())).held
        assert before is not None
        assert (before.confirmed, after) == (False, replace(before, confirmed=True))

    def test_a_later_request_of_the_association_confirms(self, ledger: Ledger) -> None:
        first = draft(sent())
        admit(ledger, first)
        admit(ledger, draft(sent(SOPInstanceUID="1.2.9"), confirms=first.receipt))
        held = look(ledger, draft(sent())).held
        assert held is not None
        assert held.confirmed

    def test_a_request_that_is_never_complete_confirms(self, ledger: Ledger) -> None:
        first = draft(sent())
        admit(ledger, first)
        ledger.record(new_id(), RECEIVED, sent().request, Outcome.ABORTED, None, 0, confirms=first.receipt)
        held = look(ledger, draft(sent())).held
        assert held is not None
        assert held.confirmed

    @pytest.mark.parametrize("release", [True, False])
    def test_a_release_confirms_and_another_end_does_not(self, ledger: Ledger, release: bool) -> None:
        sender = association()
        first = draft(sent(sender))
        admit(ledger, first)
        ending = Ending.RELEASED if release else Ending.LOST
        ledger.end(sender, RECEIVED, RECEIVED + 1, ending, first.receipt if release else None)
        held = look(ledger, draft(sent())).held
        assert held is not None
        assert held.confirmed is release

    def test_an_association_that_brought_nothing_may_end(self, ledger: Ledger) -> None:
        ledger.end(association(), RECEIVED, RECEIVED + 1, Ending.RELEASED, None)  # does not raise

    # Lasting

    def test_what_was_admitted_is_there_when_the_ledger_is_opened_again(
        self, make_ledger: Callable[[], Ledger]
    ) -> None:
        ledger = make_ledger()
        one = draft(sent())
        admit(ledger, one)
        key, receipt, snapshot = ledger.fingerprint_key, ledger.receipt(one.receipt), look(ledger, draft(sent()))
        ledger.close()
        again = make_ledger()
        assert again.fingerprint_key == key
        assert again.receipt(one.receipt) == receipt
        assert look(again, draft(sent())) == snapshot
        again.close()

    def test_an_association_goes_on_after_the_ledger_was_opened_again(self, make_ledger: Callable[[], Ledger]) -> None:
        sender = association()
        ledger = make_ledger()
        admit(ledger, draft(sent(sender)))
        ledger.close()
        again = make_ledger()
        one = draft(sent(sender, SOPInstanceUID="1.2.9"))
        admit(again, one)
        receipt = again.receipt(one.receipt)
        assert receipt is not None
        assert receipt.request.association == sender
        again.close()

    def test_a_fingerprint_key_is_long_enough_to_keep_names_from_being_guessed(self, ledger: Ledger) -> None:
        assert len(ledger.fingerprint_key) >= 16

    # Many at once

    def test_of_one_instance_that_comes_from_everywhere_at_once_exactly_one_is_stored(self, ledger: Ledger) -> None:
        def first_wins(snapshot: Snapshot) -> Judgement:
            return Judgement(REFUSE if snapshot.held else ACCEPT)

        drafts = [draft(sent(), b"copy %d" % number) for number in range(16)]
        admitted = together(16, lambda number: ledger.admit(drafts[number], first_wins))
        stored = [one.instance for one in admitted if one.placement.place is Place.ARCHIVE]
        assert len(stored) == 1
        assert sorted(one.judgement.verdict.decision.value for one in admitted) == ["accept"] + ["refuse"] * 15
        assert all(ledger.knows(one.receipt) for one in drafts)
        held = look(ledger, draft(sent())).held
        assert held is not None
        assert held.other.receipt == stored[0]

    def test_the_first_instances_of_a_study_may_come_from_everywhere_at_once(self, ledger: Ledger) -> None:
        drafts = [draft(sent(SOPInstanceUID=f"1.2.{number}"), b"%d" % number) for number in range(16)]
        admitted = together(16, lambda number: admit(ledger, drafts[number]))
        assert {one.placement.place for one in admitted} == {Place.ARCHIVE}
        snapshot = look(ledger, draft(sent(SOPInstanceUID="1.2.99")))
        assert snapshot.study is not None
        assert snapshot.series is not None
        assert snapshot.study.other == snapshot.series.other
        assert len(snapshot.neighbours) == 16
