"""What is sent: encoded instances, made or taken from files, and the bytes that lie in the archive."""

from collections.abc import Iterable
from dataclasses import dataclass
from os import SEEK_CUR
from pathlib import Path
from typing import Any, Final

from blake3 import blake3
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filereader import read_dataset, read_preamble
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from tests.rules.builders import encoded, image

_SYNTAXES: Final = {
    (True, True): ImplicitVRLittleEndian,
    (False, True): ExplicitVRLittleEndian,
    (False, False): ExplicitVRBigEndian,
}
"""By whether the VR is implicit and the byte order little endian."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A Data Set as it goes over the wire, and what its sender says that it is."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax: str
    data: bytes


def instance_of(ds: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> Instance:
    """Encode a Data Set; the request will say what it says."""
    return Instance(
        str(ds.get("SOPClassUID", "")),
        str(ds.get("SOPInstanceUID", "")),
        transfer_syntax,
        encoded(ds, transfer_syntax),
    )


def ct(number: int = 1, study: int = 1, **changes: Any) -> Instance:
    """Return slice ``number`` of the good CT series of a study; ``changes`` are attributes by keyword."""
    return instance_of(ct_image(number, study, **changes))


def ct_image(number: int = 1, study: int = 1, **changes: Any) -> Dataset:
    """Return the Data Set of slice ``number`` of the good CT series of a study, which is of one patient."""
    root, position = f"1.2.826.0.1.{study}", f"{number * 2.5:g}"
    own = {
        "StudyInstanceUID": root,
        "SeriesInstanceUID": f"{root}.1",
        "FrameOfReferenceUID": f"{root}.9",
        "SOPInstanceUID": f"{root}.1.{number}",
        "PatientID": f"P{study}",
        "InstanceNumber": str(number),
        "ImagePositionPatient": ["0", "0", position],
        "SliceLocation": position,
        "PixelData": bytes([number % 256, 0] * 16),
    }
    return image(**(own | changes))


def large_ct(number: int = 1, study: int = 1, **changes: Any) -> Instance:
    """Return a slice of 512 x 512, whose half a megabyte goes in many fragments."""
    return ct(number, study, Rows=512, Columns=512, PixelData=bytes(512 * 512 * 2), **changes)


def instance_in(path: Path) -> Instance:
    """Take a file apart; its Data Set is sent as it is, in the transfer syntax that it names or that pydicom sees."""
    ds = dcmread(path, force=True, stop_before_pixels=True)
    implicit, little = ds.original_encoding
    seen = _SYNTAXES[bool(implicit), bool(little)]
    syntax = str(ds.file_meta.get("TransferSyntaxUID", "") or seen)
    return Instance(str(ds.get("SOPClassUID", "")), str(ds.get("SOPInstanceUID", "")), syntax, data_set_in(path))


def data_set_in(path: Path) -> bytes:
    """Return the Data Set of a file as it lies there, without preamble and File Meta Information."""
    with path.open("rb") as file:
        read_preamble(file, force=True)
        read_dataset(file, is_implicit_VR=False, is_little_endian=True, stop_when=lambda tag, *_: tag.group != 2)
        return file.read()


def digest_in(path: Path) -> bytes:
    """Return the BLAKE3 of the Data Set in a file of a node, whatever it is: malformed, or larger than the memory."""
    digest = blake3()
    with path.open("rb") as file:
        head = file.read(144)
        assert head[128:140] == b"DICM\2\0\0\0UL\4\0", "no preamble, or no group length behind it"
        file.seek(int.from_bytes(head[140:], "little"), SEEK_CUR)
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.digest()


def contexts_of(instances: Iterable[Instance]) -> list[tuple[str, list[str]]]:
    """Return one Presentation Context for each class and transfer syntax."""
    pairs = dict.fromkeys((one.sop_class_uid, UID(one.transfer_syntax)) for one in instances)
    return [(sop_class, [syntax]) for sop_class, syntax in pairs]


def write_file(folder: Path, instance: Instance) -> Path:
    """Write an instance as a file for clients that send files, and return its path."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(instance.sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(instance.sop_instance_uid)
    meta.TransferSyntaxUID = UID(instance.transfer_syntax)
    meta.ImplementationClassUID = UID("1.2.826.0.1.3680043.9.9999")
    stream = DicomBytesIO()
    write_file_meta_info(stream, meta)
    path = folder / f"{len(list(folder.iterdir()))}.dcm"
    path.write_bytes(bytes(128) + b"DICM" + stream.getvalue() + instance.data)
    return path
