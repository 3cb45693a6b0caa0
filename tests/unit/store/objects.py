"""Objects to store, and where they belong."""

from pathlib import Path

from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from scp.dicom import tags as t
from scp.dicom.part10 import file_header
from scp.dicom.request import Association, Request
from scp.layout import Place, Placement
from scp.store.store import Store
from tests.unit.dicom.encode import explicit

ARCHIVED = "archive/1.2/1.2.3/1.2.3.4.dcm"
QUARANTINED = "quarantine/2026-01-02/0000000000007.dcm"
CASE = "quarantine/2026-01-02/0000000000007.json"
MODALITY = explicit(t.MODALITY, "CS", b"CT")


def header(ae_title: str = "MODALITY", syntax: str = ExplicitVRLittleEndian) -> bytes:
    association = Association("0", "127.0.0.1", 4000, ae_title, "AUDITSCP")
    return file_header(Request(association, 1, CTImageStorage, "1.2.3.4", CTImageStorage, syntax))


def received(store: Store, receipt: int = 7, data: bytes = MODALITY, ae_title: str = "MODALITY") -> Path:
    incoming = store.receive(receipt, header(ae_title))
    incoming.write(data)
    store.finish(incoming)
    incoming.close()
    return incoming.path


def archived(receipt: int = 7) -> Placement:
    return Placement(Place.ARCHIVE, ARCHIVED, receipt)


def quarantined() -> Placement:
    return Placement(Place.QUARANTINE, QUARANTINED, 7)
