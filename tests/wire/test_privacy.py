"""Patient data stay in the archive and in quarantine: nothing that is written elsewhere shows any."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items

from tests.rules.builders import encoded, raw
from tests.wire.conftest import StartNode
from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, ct_image, instance_of
from tests.wire.peer import Peer

NAME: Final = "ZZQXNAME"
NUMBER: Final = "ZZQX4711"
BIRTH_DATE: Final = "19210317"
TEXT: Final = "ZZQX free text"
MARKS: Final = (b"ZZQX", BIRTH_DATE.encode(), "ZZQX".encode("utf-16-le"))

NAMES: Final = (
    "PatientName", "OtherPatientNames", "PatientBirthName", "PatientMotherBirthName", "ResponsiblePerson",
    "ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName", "NameOfPhysiciansReadingStudy",
    "PhysiciansOfRecord", "RequestingPhysician", "ScheduledPerformingPhysicianName",
)  # fmt: skip
NUMBERS: Final = (
    "PatientID", "IssuerOfPatientID", "AccessionNumber", "StudyID", "AdmissionID", "PatientTelephoneNumbers",
    "PerformedProcedureStepID",
)  # fmt: skip
TEXTS: Final = (
    "PatientAddress", "PatientComments", "AdditionalPatientHistory", "Occupation", "EthnicGroup", "MilitaryRank",
    "PatientReligiousPreference", "StudyDescription", "SeriesDescription", "ProtocolName", "ImageComments",
    "InstitutionName", "InstitutionAddress", "MedicalAlerts", "Allergies", "RequestedProcedureDescription",
)  # fmt: skip


def marked(number: int = 1, **changes: Any) -> Dataset:
    """Return a good slice with a mark in every personal attribute, nested ones included."""
    marks: dict[str, Any] = dict.fromkeys(NAMES, f"{NAME}^FIRST")
    marks |= dict.fromkeys(NUMBERS, NUMBER) | dict.fromkeys(TEXTS, TEXT[:16]) | {"PatientBirthDate": BIRTH_DATE}
    request = Dataset()
    request.RequestedProcedureID, request.ScheduledProcedureStepDescription = NUMBER, TEXT
    other = Dataset()
    other.PatientID = NUMBER
    marks |= {"RequestAttributesSequence": Items([request]), "OtherPatientIDsSequence": Items([other])}
    return ct_image(number, **(marks | changes))


def by_hand(number: int, **values: bytes) -> Instance:
    """Return a marked slice with values, by keyword, as no toolkit would write them."""
    good = instance_of(marked(number))
    data = encoded(raw(marked(number), **values))
    return Instance(good.sop_class_uid, good.sop_instance_uid, good.transfer_syntax, data)


def cut(instance: Instance, size: int) -> Instance:
    """Return an instance of which only the first bytes come."""
    return Instance(instance.sop_class_uid, instance.sop_instance_uid, instance.transfer_syntax, instance.data[:size])


GOOD: Final = instance_of(marked())
OBJECTS: Final[Sequence[Instance]] = (
    GOOD,
    GOOD,
    # conflicting demographics, on both sides
    instance_of(marked(1, PatientName=f"{NAME}^SECOND")),
    instance_of(marked(1, PatientID=f"{NUMBER}2", ImageComments=f"{TEXT}2")),
    instance_of(marked(2, PatientID=f"{NUMBER}2")),
    instance_of(marked(3, PatientName=f"{NAME}^SECOND", PatientSex="F", AccessionNumber=f"{NUMBER}2")),
    instance_of(marked(4, StudyDescription=f"{TEXT}2", SeriesDescription=f"{TEXT}2", OperatorsName=f"{NAME}^2")),
    instance_of(marked(5, PatientBirthDate="19210317-19210318")),
    # conflicting attributes, and values that are none
    instance_of(marked(6, Rows=2, Columns=8)),
    by_hand(8, InstanceNumber=NAME.encode()),
    by_hand(9, PixelSpacing=NUMBER.encode() + b"\\" + BIRTH_DATE.encode()),
    by_hand(10, SpecificCharacterSet=NAME.encode()),
    by_hand(11, PatientName=b"ZZQX\xe4\xff\x1b$B^\r\n"),
    by_hand(14, Rows=b"ZZQX"),
    # malformed UIDs that hold a name
    by_hand(15, SOPInstanceUID=f"1.2.{NAME}".encode()),
    by_hand(16, SOPClassUID=f"1.2.{NAME}".encode()),
    by_hand(17, StudyInstanceUID=f"1.2.{NAME}".encode()),
    by_hand(18, SeriesInstanceUID=f"1.2.{NAME}".encode()),
    by_hand(19, FrameOfReferenceUID=f"1.2.{NAME}".encode()),
    by_hand(20, SynchronizationFrameOfReferenceUID=f"1.2.{NAME}".encode()),
    # malformed Data Sets
    cut(GOOD, 400),
    cut(GOOD, len(GOOD.data) - 3),
    cut(GOOD, GOOD.data.index(b"ZZQX") + 2),
    Instance(GOOD.sop_class_uid, "1.2.826.0.1.1.1.30", GOOD.transfer_syntax, NAME.encode() * 20),
    Instance(GOOD.sop_class_uid, "1.2.826.0.1.1.1.31", GOOD.transfer_syntax, GOOD.data + NAME.encode() * 3),
)  # fmt: skip

NUMBERS_THAT_ARE_NONE: Final[Sequence[Instance]] = (
    by_hand(2, SeriesNumber=NUMBER.encode()),
    by_hand(3, AcquisitionNumber=NUMBER.encode()),
    by_hand(4, InstanceNumber=NUMBER.encode()),
    by_hand(5, SliceThickness=NUMBER.encode()),
    by_hand(6, ImagePositionPatient=NUMBER.encode()),
)


def send_everything(node: NodeProcess) -> list[str]:
    """Send all objects, and requests that lie about them; return the statuses."""
    with Peer.of(node.port, GOOD) as peer:
        statuses = [peer.store(instance, context=1).status for instance in OBJECTS]
        for said in (f"1.2.{NAME}", f"{NAME}^FIRST", f"../{NAME}"):
            statuses.append(peer.store(GOOD, context=1, sop_instance_uid=said).status)
            statuses.append(peer.store(GOOD, context=1, sop_class_uid=said).status)
    return statuses


def leaks(node: NodeProcess) -> list[str]:
    """Return where marks are outside of archive and quarantine: lines of the log, and names of files."""
    lines = [line.decode(errors="replace") for line in node.output.splitlines() if holds_mark(line)]
    if holds_mark(node.stderr.encode()):
        lines.append(f"standard error: {node.stderr}")
    outside = [path for path in node.folder.rglob("*") if path.is_file() and not is_kept(node, path)]
    return lines + [path.name for path in outside if holds_mark(path.read_bytes())]


def is_kept(node: NodeProcess, path: Path) -> bool:
    """Whether a file is in the archive or in quarantine."""
    return path.relative_to(node.folder).parts[0] in ("archive", "quarantine")


def holds_mark(data: bytes) -> bool:
    """Whether bytes hold a mark."""
    return any(mark in data for mark in MARKS)


def test_nothing_outside_of_archive_and_quarantine_shows_patient_data(start_node: StartNode) -> None:
    node = start_node()
    statuses = send_everything(node)
    assert statuses[0] == "0000"
    assert len(set(statuses)) > 8
    peer = Peer.of(node.port, GOOD).associate()
    context = peer.request(GOOD, sop_instance_uid=f"1.2.{NAME}")
    peer.send_data(GOOD.data[:300], context=context, last=False)
    peer.abort()
    node.wait_for("association_closed", 2)
    assert "ledger.sqlite3-wal" in {path.name for path in node.folder.iterdir()}
    assert leaks(node) == []
    node.stop()
    assert leaks(node) == []


def test_the_objects_that_are_kept_do_show_it(start_node: StartNode) -> None:
    """Otherwise the test above could find nothing."""
    node = start_node()
    send_everything(node)
    assert all(holds_mark(path.read_bytes()) for path in node.archived())
    assert sum(holds_mark(path.read_bytes()) for path in node.quarantined()) > 10
    assert any(holds_mark(path.read_bytes()) for path in (node.folder / "quarantine").rglob("*.json"))


def test_debug_lines_show_none_either(start_node: StartNode) -> None:
    node = start_node('[log]\nlevel = "debug"\n')
    send_everything(node)
    assert [line for line in leaks(node) if line.startswith(("{", "standard error"))] == []


def test_numbers_that_are_none_are_not_shown_either(start_node: StartNode) -> None:
    node = start_node()
    with Peer.of(node.port, GOOD) as peer:
        for instance in (GOOD, *NUMBERS_THAT_ARE_NONE):
            peer.store(instance, context=1)
    assert leaks(node) == []
