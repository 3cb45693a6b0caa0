"""The kind of object that an instance is, from its SOP Class UID alone.

Rules name the kinds that they apply to. Classes that the standard does not define (private, or newer than the
dictionary) are :attr:`Kind.UNKNOWN`: they are clinical data too, and checked only by rules for all objects.
"""

from enum import Enum, auto
from functools import lru_cache
from typing import Final

from pydicom.uid import UID_dictionary

from scp.dicom.uid import is_standards_own

ROOT: Final = "1.2.840.10008.5.1.4.1.1."


class Kind(Enum):
    """The kinds of objects that the rules distinguish."""

    __hash__ = object.__hash__  # members are singletons; Enum's own is in Python, and much is looked up by kind

    CT = auto()
    MR = auto()
    PET = auto()
    NM = auto()
    ENHANCED = auto()  # multi-frame images with functional groups
    PROJECTION = auto()  # CR, DX, MG, IO, XA, RF: each image is its own acquisition
    SECONDARY_CAPTURE = auto()
    ULTRASOUND = auto()
    VISIBLE_LIGHT = auto()
    SLIDE = auto()  # whole slide images and their tiles
    OTHER_IMAGE = auto()
    RT_IMAGE = auto()
    RT_DOSE = auto()
    RT_STRUCTURE_SET = auto()
    RT_PLAN = auto()
    RT_RECORD = auto()
    RT_OTHER = auto()  # second generation RT objects
    SEGMENTATION = auto()
    PRESENTATION_STATE = auto()
    STRUCTURED_REPORT = auto()
    KEY_OBJECT = auto()
    REGISTRATION = auto()
    ENCAPSULATED = auto()
    WAVEFORM = auto()
    RAW = auto()
    DOCUMENT = auto()  # measurements, maps and other composite objects without pixels
    NON_PATIENT = auto()  # protocols, palettes, templates: no Patient, Study or Series
    UNKNOWN = auto()


PLANES: Final = frozenset({Kind.CT, Kind.MR, Kind.PET})
"""Classic single-frame images in whose IODs the Image Plane Module is mandatory (PS3.3 C.7.6.2)."""

IMAGES: Final = PLANES | {
    Kind.NM, Kind.ENHANCED, Kind.PROJECTION, Kind.SECONDARY_CAPTURE, Kind.ULTRASOUND, Kind.VISIBLE_LIGHT,
    Kind.SLIDE, Kind.OTHER_IMAGE, Kind.RT_IMAGE, Kind.RT_DOSE, Kind.SEGMENTATION,
}  # fmt: skip
"""Objects with pixels, except the images of second generation radiotherapy."""

KNOWN: Final = frozenset(Kind) - {Kind.UNKNOWN}

# Under ROOT. The longest matching prefix of whole components decides, so exceptions stand beside their family.
_BY_PREFIX: Final = {
    "1": Kind.PROJECTION,
    "2": Kind.CT,
    "2.1": Kind.ENHANCED,
    "2.2": Kind.ENHANCED,
    "3": Kind.ULTRASOUND,
    "4": Kind.MR,
    "4.1": Kind.ENHANCED,
    "4.2": Kind.DOCUMENT,  # MR Spectroscopy: functional groups, no pixels
    "4.3": Kind.ENHANCED,
    "4.4": Kind.ENHANCED,
    "5": Kind.NM,
    "6": Kind.ULTRASOUND,
    "6.2": Kind.ENHANCED,
    "6.3": Kind.ENHANCED,
    "7": Kind.SECONDARY_CAPTURE,
    "8": Kind.DOCUMENT,
    "9": Kind.WAVEFORM,
    "9.1": Kind.WAVEFORM,
    "9.100": Kind.PRESENTATION_STATE,
    "10": Kind.DOCUMENT,
    "11": Kind.PRESENTATION_STATE,
    "12": Kind.PROJECTION,
    "12.1.1": Kind.ENHANCED,
    "12.2.1": Kind.ENHANCED,
    "13.1": Kind.ENHANCED,
    "14": Kind.ENHANCED,
    "20": Kind.NM,
    "30": Kind.ENHANCED,
    "66": Kind.RAW,
    "66.1": Kind.REGISTRATION,
    "66.2": Kind.REGISTRATION,
    "66.3": Kind.REGISTRATION,
    "66.4": Kind.SEGMENTATION,
    "66.5": Kind.DOCUMENT,
    "66.6": Kind.DOCUMENT,
    "66.7": Kind.SEGMENTATION,  # Label Map and Height Map
    "66.8": Kind.SEGMENTATION,
    "67": Kind.DOCUMENT,
    "68": Kind.DOCUMENT,
    "77": Kind.VISIBLE_LIGHT,
    "77.1.5.3": Kind.DOCUMENT,
    "77.1.5.4": Kind.ENHANCED,
    "77.1.5.8": Kind.ENHANCED,
    "77.1.6": Kind.SLIDE,
    "77.1.8": Kind.SLIDE,
    "77.1.9": Kind.SLIDE,
    "78": Kind.DOCUMENT,
    "79": Kind.DOCUMENT,
    "80": Kind.DOCUMENT,
    "81": Kind.OTHER_IMAGE,
    "82": Kind.OTHER_IMAGE,
    "88": Kind.STRUCTURED_REPORT,
    "88.59": Kind.KEY_OBJECT,
    "90": Kind.DOCUMENT,
    "91": Kind.DOCUMENT,
    "104": Kind.ENCAPSULATED,
    "128": Kind.PET,
    "128.1": Kind.ENHANCED,
    "129": Kind.DOCUMENT,
    "130": Kind.ENHANCED,
    "131": Kind.DOCUMENT,
    "200": Kind.NON_PATIENT,
    "200.2": Kind.DOCUMENT,  # performed protocols belong to a patient, defined ones do not
    "200.8": Kind.DOCUMENT,
    "201": Kind.NON_PATIENT,
    "481": Kind.RT_OTHER,
    "481.1": Kind.RT_IMAGE,
    "481.2": Kind.RT_DOSE,
    "481.3": Kind.RT_STRUCTURE_SET,
    "481.4": Kind.RT_RECORD,
    "481.5": Kind.RT_PLAN,
    "481.6": Kind.RT_RECORD,
    "481.7": Kind.RT_RECORD,
    "481.8": Kind.RT_PLAN,
    "481.9": Kind.RT_RECORD,
    "501": Kind.OTHER_IMAGE,
    "501.3": Kind.DOCUMENT,
    "601": Kind.OTHER_IMAGE,
}
# Under ROOT, and only without a further component: retired objects of one table or curve, whose UIDs are prefixes of a
# later family. They are counted by Curve Number and LUT Number, and have no Instance Number.
_STANDALONE: Final = {ROOT + "9": Kind.DOCUMENT, ROOT + "11": Kind.DOCUMENT}
_OUTSIDE_ROOT: Final = {
    "1.2.840.10008.5.1.1.27": Kind.DOCUMENT,  # Stored Print, retired
    "1.2.840.10008.5.1.1.29": Kind.SECONDARY_CAPTURE,  # Hardcopy Grayscale Image, retired
    "1.2.840.10008.5.1.1.30": Kind.SECONDARY_CAPTURE,  # Hardcopy Color Image, retired
    "1.2.840.10008.5.1.4.34.1": Kind.RT_OTHER,
    "1.2.840.10008.5.1.4.34.7": Kind.RT_OTHER,
    "1.2.840.10008.5.1.4.34.10": Kind.RT_OTHER,
    "1.2.840.10008.5.1.4.38.1": Kind.NON_PATIENT,
    "1.2.840.10008.5.1.4.39.1": Kind.NON_PATIENT,
    "1.2.840.10008.5.1.4.43.1": Kind.NON_PATIENT,
    "1.2.840.10008.5.1.4.44.1": Kind.NON_PATIENT,
    "1.2.840.10008.5.1.4.45.1": Kind.NON_PATIENT,
}
# Under ROOT, and yet services: query, retrieval and creation of protocols and inventories.
_SERVICES: Final = frozenset(
    ROOT + suffix for suffix in ("200.4", "200.5", "200.6", "201.2", "201.3", "201.4", "201.5", "201.6")
)


@lru_cache(maxsize=1024)
def kind_of(sop_class_uid: str) -> Kind:
    """Return the kind of objects of a SOP Class; never fails, whatever the text."""
    if not sop_class_uid.startswith(ROOT):
        return _OUTSIDE_ROOT.get(sop_class_uid, Kind.UNKNOWN)
    if sop_class_uid in _STANDALONE:
        return _STANDALONE[sop_class_uid]
    parts = sop_class_uid.removeprefix(ROOT).split(".")
    for count in range(len(parts), 0, -1):
        kind = _BY_PREFIX.get(".".join(parts[:count]))
        if kind is not None:
            return kind
    return Kind.UNKNOWN


@lru_cache(maxsize=1024)
def is_standard_storage_class(sop_class_uid: str) -> bool:
    """Whether the standard, current or retired, defines this UID as a class of stored objects (PS3.4 Annex B, GG)."""
    entry = UID_dictionary.get(sop_class_uid)
    return (
        entry is not None
        and entry[1] == "SOP Class"
        and sop_class_uid not in _SERVICES
        and (sop_class_uid.startswith(ROOT) or sop_class_uid in _OUTSIDE_ROOT)
    )


@lru_cache(maxsize=1024)
def cannot_be_stored(sop_class_uid: str) -> bool:
    """Whether the standard gives this UID another meaning than a class of stored objects.

    Media Storage Directory, verification, print, query, worklist, commitment and well-known instances; transfer
    syntaxes too. A UID that the dictionary does not know may be a newer storage class, and can be stored.
    """
    return sop_class_uid in UID_dictionary and not is_standard_storage_class(sop_class_uid)


@lru_cache(maxsize=1024)
def is_retired(sop_class_uid: str) -> bool:
    """Whether PS3.6 Table A-1 lists the class as retired."""
    entry = UID_dictionary.get(sop_class_uid)
    return entry is not None and entry[3] == "Retired"


def is_private(sop_class_uid: str) -> bool:
    """Whether the UID was made by a vendor rather than by the standard."""
    return not is_standards_own(sop_class_uid)
