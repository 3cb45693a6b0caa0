"""What a finding states, for the first example of each case of each rule: cases, reports and audits show it.

The elements to blame, what was expected and what was found; of a series also the stack (0: none) and the instances.
Where values may name a person nothing is stated, because the case reads them from the two objects.
"""

from typing import Final, NamedTuple

from scp.audit.finding import Value
from scp.dicom import tags as t
from scp.dicom.canonical import digest


class Stated(NamedTuple):
    """What one finding states."""

    tags: tuple[int, ...]
    expected: Value = None
    found: Value = None
    stack: int = 0
    instances: tuple[str, ...] = ()


STATED: Final = {
    ("DUP-001", ""): Stated((t.SOP_INSTANCE_UID,)),
    ("DUP-001", "unconfirmed"): Stated((t.SOP_INSTANCE_UID,)),
    ("DUP-002", ""): Stated((t.SOP_INSTANCE_UID,), "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"),
    ("DUP-003", ""): Stated((t.PATIENT_NAME,)),
    ("DUP-004", ""): Stated((t.STATION_NAME,)),
    ("DUP-005", ""): Stated(
        (t.PIXEL_DATA,),
        {"(7FE0,0010)": digest([bytes(32)])},
        {"(7FE0,0010)": digest([bytes(31), b"\1"])},
    ),
    ("DUP-006", ""): Stated(
        (t.STUDY_INSTANCE_UID,),
        {"(0020,000D) StudyInstanceUID": "1.2.826.0.1.1"},
        {"(0020,000D) StudyInstanceUID": "1.2.826.0.1.2"},
    ),
    ("DUP-007", ""): Stated(
        (t.SOP_INSTANCE_UID, t.INSTANCE_NUMBER, t.IMAGE_POSITION_PATIENT), "1.2.826.0.1.1.1.1", "1.2.826.0.1.1.1.1"
    ),
    ("ENC-001", ""): Stated((t.PIXEL_DATA,)),
    ("ENC-002", ""): Stated((t.IMAGE_TYPE,)),
    ("ENC-002", "trailing"): Stated(()),
    ("ENC-003", ""): Stated((0x0040A730,)),
    ("ENC-004", ""): Stated((t.IMAGE_TYPE,)),
    ("ENT-201", ""): Stated((t.STUDY_INSTANCE_UID,), "1.2.826.0.1.1", "1.2.826.0.1.2"),
    ("ENT-202", ""): Stated((t.PATIENT_ID,)),
    ("ENT-203", ""): Stated((t.MODALITY,), {"Modality": "CT"}, {"Modality": "SR"}),
    ("ENT-204", ""): Stated(
        (t.FRAME_OF_REFERENCE_UID,),
        {"FrameOfReferenceUID": "1.2.826.0.1.1.9"},
        {"FrameOfReferenceUID": "1.2.826.0.1.1.10"},
    ),
    ("ENT-204", "other"): Stated(
        (t.FRAME_OF_REFERENCE_UID,),
        {"FrameOfReferenceUID": "1.2.826.0.1.1.9"},
        {"FrameOfReferenceUID": "1.2.826.0.1.1.10"},
    ),
    ("ENT-205", ""): Stated(
        (t.SOP_CLASS_UID,),
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.3.1"},
    ),
    ("ENT-205", "report"): Stated(
        (t.SOP_CLASS_UID,),
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.88.33"},
        {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"},
    ),
    ("ENT-206", ""): Stated((t.SERIES_NUMBER,), {"SeriesNumber": "2"}, {"SeriesNumber": "3"}),
    ("ENT-206", "label"): Stated((t.LATERALITY,), {"Laterality": "L"}, {"Laterality": "R"}),
    ("ENT-207", ""): Stated((t.SERIES_TIME,)),
    ("ENT-208", ""): Stated((t.PATIENT_NAME,)),
    ("ENT-209", ""): Stated((t.STUDY_DATE,)),
    ("ENT-209", "accession"): Stated((t.ACCESSION_NUMBER,)),
    ("ENT-210", ""): Stated((t.MANUFACTURER,), {"Manufacturer": "Maker"}, {"Manufacturer": "Other"}),
    ("ENT-210", "station"): Stated(
        (t.MANUFACTURER_MODEL_NAME,), {"ManufacturerModelName": "Model"}, {"ManufacturerModelName": "Other"}
    ),
    ("GEO-120", ""): Stated((t.PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, t.NUMBER_OF_FRAMES), 4, 3),
    ("GEO-121", ""): Stated((0x00540020, t.NUMBER_OF_FRAMES), 3, 2),
    ("GEO-122", ""): Stated((t.GRID_FRAME_OFFSET_VECTOR, t.NUMBER_OF_FRAMES), 3, 2),
    ("GEO-124", ""): Stated((t.IMAGE_ORIENTATION_PATIENT,), "orthonormal to 0.001", (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
    ("GEO-107", ""): Stated((t.PIXEL_DATA,), 32, 30),
    ("GEO-107", "long"): Stated((t.PIXEL_DATA,), 10, 12),
    ("GEO-123", ""): Stated((t.BITS_STORED, t.BITS_ALLOCATED), "at most 16", 17),
    ("GEO-101", ""): Stated((t.IMAGE_POSITION_PATIENT,), {"Image Position": "3 numbers"}, {"Image Position": None}),
    ("GEO-101", "page"): Stated(
        (t.IMAGE_POSITION_PATIENT, t.IMAGE_ORIENTATION_PATIENT, t.PIXEL_SPACING),
        {"Image Position": "3 numbers", "Image Orientation": "6 numbers", "Pixel Spacing": "2 numbers"},
        {"Image Position": None, "Image Orientation": None, "Pixel Spacing": None},
    ),
    ("GEO-102", ""): Stated((t.IMAGE_ORIENTATION_PATIENT,)),
    ("GEO-103", "rounded"): Stated(
        (t.IMAGE_ORIENTATION_PATIENT,), "orthonormal to 0.0001", (1.0, 0.0, 0.0, 0.000101, 1.0, 0.0)
    ),
    ("GEO-103", ""): Stated(
        (t.IMAGE_ORIENTATION_PATIENT,), "orthonormal to 0.0001", (1.0, 0.0, 0.0, 0.00101, 1.0, 0.0)
    ),
    ("GEO-103", "unusable"): Stated((t.IMAGE_ORIENTATION_PATIENT,), None, (2.001, 0.0, 0.0, 0.0, 1.0, 0.0)),
    ("GEO-108", ""): Stated((t.FRAME_OF_REFERENCE_UID,), "a UID", None),
    ("GEO-109", ""): Stated((t.SLICE_LOCATION,), "a number", "value 1 of 1 is not a decimal string"),
    ("GEO-104", ""): Stated((t.PIXEL_SPACING,), "two positive numbers", (0.0, 0.5)),
    ("GEO-104", "other"): Stated((t.IMAGER_PIXEL_SPACING,), "two positive numbers", (0.0, 0.0)),
    ("GEO-105", ""): Stated(
        (t.PIXEL_SPACING, t.IMAGER_PIXEL_SPACING, t.PIXEL_SPACING_CALIBRATION_TYPE), (0.143, 0.143), (0.13, 0.13)
    ),
    ("GEO-106", ""): Stated((t.SLICE_THICKNESS,), ">= 0", -2.5),
    ("NUM-001", ""): Stated((t.INSTANCE_NUMBER,)),
    ("NUM-002", ""): Stated((t.INSTANCE_NUMBER,)),
    ("NUM-002", "optional"): Stated((t.INSTANCE_NUMBER,)),
    ("NUM-003", ""): Stated((t.INSTANCE_NUMBER,), None, 1),
    ("NUM-004", ""): Stated((t.INSTANCE_NUMBER,), None, 1),
    ("NUM-004", "unindexed"): Stated((t.INSTANCE_NUMBER,), None, 1),
    ("NUM-004", "anew"): Stated((t.INSTANCE_NUMBER,), None, 1),
    ("NUM-004", "other"): Stated((t.INSTANCE_NUMBER,), None, 1),
    ("REQ-001", ""): Stated((t.SOP_CLASS_UID,)),
    ("REQ-001", "unknown_class"): Stated((t.MODALITY,)),
    ("REQ-002", ""): Stated((t.PATIENT_ID,)),
    ("STK-251", ""): Stated((t.ROWS, t.COLUMNS), (4, 4), (5, 4)),
    ("STK-251", "planes"): Stated((t.ROWS, t.COLUMNS), (4, 4), (5, 4)),
    ("STK-251", "reformats"): Stated((t.ROWS, t.COLUMNS), (4, 4), (5, 4)),
    ("STK-252", ""): Stated((t.PIXEL_SPACING,), (0.5, 0.5), (1.0, 1.0)),
    ("STK-252", "planes"): Stated((t.PIXEL_SPACING,), (0.5, 0.5), (1.0, 1.0)),
    ("STK-252", "reformats"): Stated((t.PIXEL_SPACING,), (0.5, 0.5), (1.0, 1.0)),
    ("STK-252", "field"): Stated((t.PIXEL_SPACING,), (0.5, 0.5), (0.6, 0.6)),
    ("STK-253", ""): Stated(
        (t.IMAGE_ORIENTATION_PATIENT,), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
    ),
    ("STK-253", "mr"): Stated(
        (t.IMAGE_ORIENTATION_PATIENT,), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (1.0, 0.0, 0.0, 0.0, 0.540302306, 0.841470985)
    ),
    ("STK-253", "derived"): Stated(
        (t.IMAGE_ORIENTATION_PATIENT,), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (1.0, 0.0, 0.0, 0.0, 0.540302306, 0.841470985)
    ),
    ("STK-253", "tilt"): Stated(
        (t.IMAGE_ORIENTATION_PATIENT,),
        (1.0, 0.0, 0.0, 0.0, 0.98481347, 0.173615753),
        (1.0, 0.0, 0.0, 0.0, 0.93968094, -0.342052233),
    ),
    ("UID-001", ""): Stated(
        (t.SOP_INSTANCE_UID, t.AFFECTED_SOP_INSTANCE_UID),
        None,
        {"(0008,0018) SOPInstanceUID": "1.2.03.4", "(0000,1000) AffectedSOPInstanceUID": "1.2.03.4"},
    ),
    ("UID-002", ""): Stated((t.STUDY_INSTANCE_UID,)),
    ("UID-003", ""): Stated((t.FRAME_OF_REFERENCE_UID,)),
    ("UID-004", ""): Stated((t.SOP_INSTANCE_UID,), 0, 1),
    ("UID-005", ""): Stated((t.SERIES_INSTANCE_UID,), None, {"(0020,000E) SeriesInstanceUID": "3.2.1"}),
    ("UID-006", ""): Stated((t.SOP_INSTANCE_UID, t.SERIES_INSTANCE_UID), None, "1.2.826.0.1.1.1"),
    ("UID-006", "frame_of_reference"): Stated((t.STUDY_INSTANCE_UID, t.FRAME_OF_REFERENCE_UID), None, "1.2.826.0.1.1"),
    ("UID-007", ""): Stated(
        (t.AFFECTED_SOP_CLASS_UID, t.SOP_CLASS_UID), "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.2"
    ),
    ("UID-007", "instance"): Stated(
        (t.AFFECTED_SOP_INSTANCE_UID, t.SOP_INSTANCE_UID), "1.2.826.0.1.1.1.1.0", "1.2.826.0.1.1.1.1"
    ),
    ("UID-008", ""): Stated((t.AFFECTED_SOP_CLASS_UID,), "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.2"),
    ("UID-009", ""): Stated((t.AFFECTED_SOP_CLASS_UID, t.SOP_CLASS_UID), None, "1.2.840.10008.1.3.10"),
    ("UID-010", ""): Stated((t.SOP_CLASS_UID,), None, "1.2.840.10008.5.1.4.1.1.8"),
    ("UID-010", "private"): Stated((t.SOP_CLASS_UID,), None, "1.3.12.2.1107.5.9.1"),
    ("UID-011", ""): Stated((0x00000902,), 0, 1),
    ("UID-012", ""): Stated(()),
    ("UID-013", ""): Stated((t.SOP_INSTANCE_UID, t.SERIES_INSTANCE_UID), "1.3.12.2", "1.2.840.113619"),
    ("SER-310", ""): Stated((t.CONCATENATION_UID, t.IN_CONCATENATION_NUMBER), 3, 2, 0, ("1.2.1", "1.2.2")),
    ("SER-311", ""): Stated((t.IMAGES_IN_ACQUISITION,), 12, 10),
    ("SER-301", ""): Stated((t.IMAGE_ORIENTATION_PATIENT,), 1, 3),
    ("SER-301", "jitter"): Stated((t.IMAGE_ORIENTATION_PATIENT,), None, 0.02, 1, ("1.2.5",)),
    ("SER-301", "rotated"): Stated((t.IMAGE_ORIENTATION_PATIENT,), 1, 2, 0, ("1.2.10",)),
    ("SER-301", "untilted"): Stated((t.IMAGE_ORIENTATION_PATIENT,), 1, 3, 0, ("1.2.4", "1.2.5", "1.2.6")),
    ("SER-302", ""): Stated((t.IMAGE_POSITION_PATIENT,), "at most 0.1 mm", 2.0, 1, ("1.2.5",)),
    ("SER-302", "slabs"): Stated((t.IMAGE_POSITION_PATIENT,), 1, 2),
    ("SER-303", ""): Stated((t.IMAGE_POSITION_PATIENT, t.GANTRY_DETECTOR_TILT), None, 15.0, 1, ()),
    ("SER-303", "tilt"): Stated((t.IMAGE_POSITION_PATIENT, t.GANTRY_DETECTOR_TILT), None, 15.0, 1, ()),
    ("SER-307", ""): Stated((t.SLICE_LOCATION, t.IMAGE_POSITION_PATIENT), 1, 2.0, 1, ()),
    ("SER-307", "exchanged"): Stated((t.SLICE_LOCATION, t.IMAGE_POSITION_PATIENT), 0, 2, 1, ("1.2.3", "1.2.8")),
    ("SER-308", ""): Stated((t.SPACING_BETWEEN_SLICES,), 2.5, 1.25, 1, ()),
    ("SER-304", ""): Stated((t.IMAGE_POSITION_PATIENT,), 2.5, (1.75, 3.25), 1, ("1.2.4", "1.2.5")),
    ("SER-304", "slight"): Stated((t.IMAGE_POSITION_PATIENT,), 2.5, (2.375, 2.625), 1, ("1.2.4", "1.2.5")),
    ("SER-304", "pitch"): Stated(
        (t.IMAGE_POSITION_PATIENT,), 7.0, (4.0,), 1, ("1.2.1", "1.2.2", "1.2.3", "1.2.4", "1.2.5", "1.2.6", "1.2.7")
    ),
    ("SER-304", "dose"): Stated((t.IMAGE_POSITION_PATIENT,), 2.0, (4.5,), 1, ("1.2.1",)),
    ("SER-305", ""): Stated((t.IMAGE_POSITION_PATIENT,), 2.5, 5.0, 1, ("1.2.4", "1.2.6")),
    ("SER-305", "dose"): Stated((t.IMAGE_POSITION_PATIENT,), 2.0, 4.0, 1, ("1.2.1",)),
    ("SER-305", "runs"): Stated((t.IMAGE_POSITION_PATIENT,), 2.5, 80.0, 1, ("1.2.20", "1.2.21")),
    ("SER-305", "slabs"): Stated((t.IMAGE_POSITION_PATIENT,), 4.0, 28.0, 1, ("1.2.1",)),
    ("SER-306", ""): Stated((t.IMAGE_POSITION_PATIENT,), 1, (2,), 1, ("1.2.4", "1.2.4.9")),
    ("SER-306", "mixed"): Stated(
        (t.IMAGE_POSITION_PATIENT,), 1, (2, 3), 1, ("1.2.1", "1.2.1.9", "1.2.1.9.9", "1.2.2", "1.2.2.9")
    ),
    ("SER-306", "acquisitions"): Stated(
        (t.IMAGE_POSITION_PATIENT,), 1, (2,), 1, tuple(f"1.2.{n}" for n in (112, 212, 113, 213, 114, 214))
    ),
    ("SER-306", "exchanged"): Stated((t.IMAGE_POSITION_PATIENT,), 0, 2, 1, ("1.2.4.9", "1.2.6.9", "1.2.4", "1.2.6")),
    ("SER-309", ""): Stated((t.ROWS, t.COLUMNS), 1, 2),
    ("SER-312", ""): Stated((t.RESCALE_SLOPE, t.RESCALE_INTERCEPT), "1 and −1024", "1 and 0", 1, ("1.2.5",)),
    ("SER-313", ""): Stated((t.PIXEL_SPACING,), 1, 2, 1, tuple(f"1.2.{n}" for n in range(1, 11))),
    ("NUM-005", ""): Stated((t.INSTANCE_NUMBER,), 6, 5, 1, ()),
    ("NUM-006", ""): Stated((t.INSTANCE_NUMBER,), None, None, 1, ()),
    ("NUM-007", ""): Stated((t.INSTANCE_NUMBER,), 0, 1, 0, ("1.2.4", "1.2.7")),
    ("ENT-299", ""): Stated((t.MANUFACTURER,), 1, 2, 0, ("1.2.3",)),
    ("ENT-299", "tie"): Stated((t.MANUFACTURER,), 1, 2),
    ("ENT-299", "refused"): Stated((), None, "ENT-203", 0, ("1.2.1",)),
    ("DUP-008", ""): Stated((t.PIXEL_DATA,), 1, 2, 0, ("1.2.3", "1.2.7")),
    ("REF-401", ""): Stated((t.REFERENCED_SOP_INSTANCE_UID,), 0, ("1.2.3", "1.2.4"), 0, ("1.2.1",)),
}
