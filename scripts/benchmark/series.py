"""Clean series, made on the spot: axial slices of 16-bit pixels, every UID new.

SOP Instance UIDs of a series are counted, as scanners do it. Some toolkits make random ones instead, which costs a node
with a large ledger more: neighbours in the series are none in its index.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from secrets import randbelow
from typing import Final

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import dcmwrite, write_dataset
from pydicom.uid import (
    PYDICOM_ROOT_UID,
    UID,
    CTImageStorage,
    ExplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)

CLASSES: Final = {"CT": CTImageStorage, "MR": MRImageStorage}
SPACING: Final = 2.5
"""Millimetres between slices."""


def _stem() -> str:
    return f"{PYDICOM_ROOT_UID}{randbelow(10**24)}"


@dataclass(frozen=True, slots=True)
class Series:
    """A series of ``matrix`` x ``matrix`` slices; slice ``number`` counts from 1.

    The SOP Instance UID is the ``stem`` and that number, or a random one.
    """

    modality: str
    matrix: int
    study: UID = field(default_factory=generate_uid)
    uid: UID = field(default_factory=generate_uid)
    frame_of_reference: UID = field(default_factory=generate_uid)
    stem: str = field(default_factory=_stem)
    random_uids: bool = False

    def slice(self, number: int) -> Dataset:
        """Return one slice, without pixels."""
        ds = Dataset()
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL" if self.modality == "CT" else "M"]
        ds.SOPClassUID = CLASSES[self.modality]
        ds.SOPInstanceUID = generate_uid() if self.random_uids else UID(f"{self.stem}.{number}")
        ds.StudyDate, ds.StudyTime, ds.SeriesDate, ds.SeriesTime = "20260102", "101112", "20260102", "101200"
        ds.AccessionNumber, ds.Modality, ds.Manufacturer = "ACC1", self.modality, "Example"
        ds.ManufacturerModelName, ds.DeviceSerialNumber, ds.StationName = "Bench", "1", "BENCH1"
        ds.StudyDescription, ds.SeriesDescription, ds.ProtocolName = "Bench", "Axial", "Bench"
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Bench^Mark", "BENCH", "19700101", "O"
        ds.SliceThickness, ds.SpacingBetweenSlices, ds.PatientPosition = str(SPACING), str(SPACING), "HFS"
        ds.StudyInstanceUID, ds.SeriesInstanceUID = self.study, self.uid
        ds.FrameOfReferenceUID = self.frame_of_reference
        ds.StudyID, ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = "1", "1", "1", str(number)
        ds.ImagePositionPatient = ["-120", "-120", str(number * SPACING)]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        ds.SliceLocation = str(number * SPACING)
        if self.modality == "MR":
            ds.ScanningSequence, ds.SequenceVariant, ds.ScanOptions, ds.MRAcquisitionType = "SE", "NONE", "", "2D"
            ds.EchoTime, ds.RepetitionTime, ds.FlipAngle, ds.EchoNumbers = "12", "500", "90", "1"
        else:
            ds.KVP, ds.ConvolutionKernel, ds.RescaleIntercept, ds.RescaleSlope = "120", "STD", "-1024", "1"
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.Rows, ds.Columns, ds.PixelSpacing = self.matrix, self.matrix, ["0.5", "0.5"]
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
        return ds

    def image(self, number: int) -> Dataset:
        """Return one slice with its pixels."""
        ds = self.slice(number)
        size = self.matrix * self.matrix * 2
        ds.add_new("PixelData", "OW", (bytes(range(256)) * (size // 256 + 1))[:size])
        return ds

    def write(
        self, folder: Path, numbers: Iterable[int], change: Callable[[Dataset], None] | None = None
    ) -> list[Path]:
        """Write slices as files, in order, each after ``change``, if it needs one."""
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(folder, self.image(number), change) for number in numbers]

    def write_sparse(self, path: Path, number: int) -> None:
        """Write one slice whose pixels are zeros that take no room on the disk, however many there are."""
        size = self.matrix * self.matrix * 2
        ds = self.slice(number)
        ds.add_new("PixelData", "OW", b"")
        _save(path, ds)
        with path.open("r+b") as file:
            file.seek(-4, 2)  # the length of an OW element (PS3.5 §7.1.2)
            file.write(size.to_bytes(4, "little"))
            file.truncate(file.tell() + size)


def encoded(ds: Dataset) -> bytes:
    """Return a Data Set as it crosses the network, Explicit VR Little Endian."""
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = False, True
    write_dataset(buffer, ds)
    return buffer.getvalue()


def _write(folder: Path, ds: Dataset, change: Callable[[Dataset], None] | None) -> Path:
    path = folder / f"{ds.Modality}{int(ds.InstanceNumber):05}.dcm"
    if change:
        change(ds)
    _save(path, ds)
    return path


def _save(path: Path, ds: Dataset) -> None:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dcmwrite(path, FileDataset(str(path), ds, file_meta=meta, preamble=bytes(128)), enforce_file_format=True)
