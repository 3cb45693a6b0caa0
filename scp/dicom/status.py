"""Every DIMSE status that this node sends, with its meaning; 0124 and ``B0xx`` only if the configuration says so.

Ranges are those of PS3.7 §9.1.1.1.9 and PS3.4 Table B.2-1: ``A7xx`` out of resources (try again), ``A9xx`` the Data Set
does not match its SOP Class, ``Cxxx`` the Data Set cannot be accepted, ``B0xx`` stored with a warning. Not used,
because other software gives them another meaning: C001, C002, C210 and C211 (pynetdicom's own) and C122 (DICOMweb). Nor
is 0210, duplicate invocation: requests are answered one by one, so that no Message ID is in use when the next one is
read. 0111 is taken from N-CREATE (PS3.7 §10.1.5): C-STORE has no status of its own for an instance that is stored.
"""

from enum import IntEnum


class Status(IntEnum):
    """A DIMSE status (0000,0900), with a sentence that explains it in ``meaning``."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> "Status":
        """Make a member whose integer value is ``code``."""
        member = int.__new__(cls, code)
        member._value_ = code
        member.meaning = meaning
        return member

    def __str__(self) -> str:
        """Write four hexadecimal digits, as is usual."""
        return f"{self.value:04X}"

    SUCCESS = 0x0000, "The instance is stored: its bytes and the decision survive a power cut."

    DUPLICATE_SOP_INSTANCE = 0x0111, "This instance is already stored; nothing was changed."
    INVALID_SOP_INSTANCE_UID = 0x0117, "The SOP Instance UID is not a UID."
    SOP_CLASS_NOT_SUPPORTED = 0x0122, "Instances of this SOP Class cannot be stored."
    NOT_AUTHORISED = 0x0124, "Not authorised; sent only if [responses] sets it for a rule."
    UNRECOGNISED_OPERATION = 0x0211, "This operation is not offered on this Presentation Context."
    MISTYPED_ARGUMENT = 0x0212, "The C-STORE request says that it has no Data Set."

    OUT_OF_RESOURCES = 0xA700, "The node cannot store now; nothing is wrong with the instance: try again."

    SOP_CLASS_MISMATCH = 0xA901, "The SOP Class UID of the Data Set is not that of the request."
    SOP_INSTANCE_MISMATCH = 0xA902, "The SOP Instance UID of the Data Set is not that of the request."
    ABSTRACT_SYNTAX_MISMATCH = 0xA903, "The SOP Class is not the one negotiated for the Presentation Context."
    IDENTITY_MISSING = 0xA910, "A UID that identifies the instance, or its Modality, is missing."
    PLANE_MISSING = 0xA920, "The image plane is not described."
    FUNCTIONAL_GROUPS_MISMATCH = 0xA921, "The functional groups do not match the frames."
    FRAME_VECTORS_MISMATCH = 0xA922, "The frame vectors do not match the frames."
    DOSE_GRID_MISMATCH = 0xA923, "The dose grid does not match the frames."

    COERCION = 0xB000, "Stored, with warnings; sent only if warning_status sets it (standard: coercion)."
    ELEMENTS_DISCARDED = 0xB006, "Stored, with warnings; sent only if warning_status sets it (standard: discarded)."
    STORED_WITH_WARNING = 0xB007, "Stored, with warnings; sent only if warning_status sets it (standard: mismatch)."

    UID_MALFORMED = 0xC010, "The Study Instance, Series Instance or SOP Class UID is not a UID."
    UID_REUSED = 0xC011, "One UID is used at two levels."
    FOREIGN_ELEMENTS = 0xC012, "The Data Set contains Command or File Meta elements."
    INSTANCE_NUMBER_MALFORMED = 0xC021, "The Instance Number is not an Integer String."
    INSTANCE_NUMBER_MISSING = 0xC022, "The Instance Number is missing."
    INSTANCE_NUMBER_REPEATED = 0xC023, "The Instance Number is already used in the series."
    INSTANCE_NUMBER_REPEATED_IN_STACK = 0xC024, "The Instance Number is already used in the stack."

    ORIENTATION_UNUSABLE = 0xC0A1, "The direction cosines do not span a plane."
    PIXEL_DATA_LENGTH = 0xC0A2, "The pixel data do not have the length that the attributes give."
    SPACING_NOT_POSITIVE = 0xC0A3, "A pixel spacing is not positive."
    THICKNESS_NEGATIVE = 0xC0A4, "The slice thickness is negative."
    BITS_MISMATCH = 0xC0A5, "The pixel attributes contradict each other."
    DATA_SET_TRUNCATED = 0xC0E1, "The Data Set ends inside an element."
    DATA_SET_MALFORMED = 0xC0E2, "The Data Set is not encoded as its Transfer Syntax says."
    DATA_SET_OVER_LIMIT = 0xC0E3, "The Data Set exceeds a structural limit of this node."
    ELEMENTS_UNORDERED = 0xC0E4, "Elements are out of order or repeated."

    NOT_JUDGED = 0xC0F0, "Because of a fault of this software, the instance was not judged, and cannot be stored."
    REFUSED_BY_SETTINGS = 0xC0F1, "This node's settings refuse instances with this finding."

    CONFLICT_ATTRIBUTES = 0xC111, "Another instance with this SOP Instance UID and other attributes is stored."
    CONFLICT_PARENT = 0xC112, "This SOP Instance UID is stored under another patient, study, series or class."
    CONFLICT_PIXELS = 0xC115, "Another instance with this SOP Instance UID and other pixels is stored."
    CONFLICT_DEMOGRAPHICS = 0xC116, "This instance is stored with other patient or order attributes."
    DUPLICATE_IMAGE = 0xC117, "The same image is stored under another SOP Instance UID."

    SERIES_IN_TWO_STUDIES = 0xC131, "The series is stored in another study."
    STUDY_OF_TWO_PATIENTS = 0xC132, "The study is stored for another patient."
    SERIES_OF_TWO_MODALITIES = 0xC133, "The series is stored with another Modality."
    SERIES_OF_TWO_FRAMES_OF_REFERENCE = 0xC134, "The series is stored with another Frame of Reference."
    SERIES_LABELS_DIFFER = 0xC135, "The series is stored with another Series Number, Laterality or Patient Position."
    DEMOGRAPHICS_DIFFER = 0xC136, "The study is stored with other demographics."
    MATRIX_DIFFERS = 0xC141, "The stack is stored with another matrix."
    PIXEL_SPACING_DIFFERS = 0xC142, "The stack is stored with another Pixel Spacing."
    ORIENTATION_DIFFERS = 0xC143, "The stack is stored with another orientation."

    @property
    def is_warning(self) -> bool:
        """Whether the instance is stored all the same (PS3.7 Annex C.4)."""
        return self.value >> 12 == 0xB

    @property
    def is_failure(self) -> bool:
        """Whether the instance is not stored."""
        return self is not Status.SUCCESS and not self.is_warning
