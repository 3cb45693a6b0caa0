"""Which elements become facts, and how each is decoded. Tables: a new fact is a line here and a field of ``Facts``."""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any, Final

from scp.dicom import tags as t
from scp.dicom import values
from scp.dicom.charset import decode_text
from scp.dicom.values import Malformed

Decimals = tuple[float, ...] | Malformed
Integers = tuple[int, ...] | Malformed
Integer = int | Malformed | None

MOST: Final = 4096
"""How many bytes of a value are read: no valid one has more, and more are not needed to tell two apart. What is read is
kept as long as the association lasts, so this bounds what a hostile value costs."""
_MOST_OFFSETS: Final = 1 << 20
"""How many bytes of a Grid Frame Offset Vector are read: enough for 100,000 frames."""


def _texts(raw: bytes) -> str:
    """Return any number of values in the default repertoire as text, each without its padding."""
    return "\\".join(part.strip(" \0") for part in raw[:MOST].decode("ascii", "backslashreplace").split("\\"))


def _list(raw: bytes) -> tuple[str, ...]:
    text = _texts(raw)
    return tuple(text.split("\\")) if text else ()


def _single(found: Integers) -> Integer:
    if isinstance(found, Malformed):
        return found
    if len(found) > 1:
        return Malformed("more than one value")
    return found[0] if found else None


def _integer(raw: bytes) -> Integer:
    return _single(values.integer_strings(raw))


def _number(raw: bytes) -> str:
    """Return numbers as text, for values that only have to tell instances apart: "80" and "80.0" are the same."""
    found = values.decimal_strings(raw)
    return _texts(raw) if isinstance(found, Malformed) else "\\".join(repr(value) for value in found)


def _short(raw: bytes, little: bool) -> Integer:
    return _single(values.unsigned_shorts(raw, little=little))


def _long(raw: bytes, little: bool) -> Integer:
    return _single(values.unsigned_longs(raw, little=little))


def _shorts_as_text(raw: bytes, little: bool) -> str:
    found = values.unsigned_shorts(raw, little=little)
    return "" if isinstance(found, Malformed) else "\\".join(map(str, found))


def _longs_as_text(raw: bytes, little: bool) -> str:
    found = values.unsigned_longs(raw, little=little)
    return "" if isinstance(found, Malformed) else "\\".join(map(str, found))


def _floats_as_text(raw: bytes, little: bool) -> str:
    found = values.floats(raw, little=little)
    return "" if isinstance(found, Malformed) else "\\".join(map(repr, found))


def _doubles_as_text(raw: bytes, little: bool) -> str:
    found = values.doubles(raw, little=little)
    return "" if isinstance(found, Malformed) else "\\".join(map(repr, found))


_Reader = Callable[[bytes], Any]

# Readers that depend neither on byte order nor on the character set: field -> (tag, reader).
_PLAIN: Final[Mapping[str, tuple[int, _Reader]]] = {
    "modality": (t.MODALITY, _texts),
    "image_type": (t.IMAGE_TYPE, _list),
    "instance_number": (t.INSTANCE_NUMBER, _integer),
    "number_of_frames": (t.NUMBER_OF_FRAMES, _integer),
    "patient_birth_date": (t.PATIENT_BIRTH_DATE, _texts),
    "patient_sex": (t.PATIENT_SEX, _texts),
    "study_date": (t.STUDY_DATE, _texts),
    "study_time": (t.STUDY_TIME, _texts),
    "series_number": (t.SERIES_NUMBER, _number),
    "laterality": (t.LATERALITY, _texts),
    "patient_position": (t.PATIENT_POSITION, _texts),
    "series_date": (t.SERIES_DATE, _texts),
    "series_time": (t.SERIES_TIME, _texts),
    "body_part_examined": (t.BODY_PART_EXAMINED, _texts),
    "image_position": (t.IMAGE_POSITION_PATIENT, values.decimal_strings),
    "image_orientation": (t.IMAGE_ORIENTATION_PATIENT, values.decimal_strings),
    "pixel_spacing": (t.PIXEL_SPACING, values.decimal_strings),
    "imager_pixel_spacing": (t.IMAGER_PIXEL_SPACING, values.decimal_strings),
    "nominal_scanned_pixel_spacing": (t.NOMINAL_SCANNED_PIXEL_SPACING, values.decimal_strings),
    "pixel_spacing_calibration_type": (t.PIXEL_SPACING_CALIBRATION_TYPE, _texts),
    "slice_thickness": (t.SLICE_THICKNESS, values.decimal_strings),
    "spacing_between_slices": (t.SPACING_BETWEEN_SLICES, values.decimal_strings),
    "slice_location": (t.SLICE_LOCATION, values.decimal_strings),
    "photometric_interpretation": (t.PHOTOMETRIC_INTERPRETATION, _texts),
    "gantry_tilt": (t.GANTRY_DETECTOR_TILT, values.decimal_strings),
    "reconstruction_diameter": (t.RECONSTRUCTION_DIAMETER, values.decimal_strings),
    "rescale_intercept": (t.RESCALE_INTERCEPT, values.decimal_strings),
    "rescale_slope": (t.RESCALE_SLOPE, values.decimal_strings),
    "images_in_acquisition": (t.IMAGES_IN_ACQUISITION, _integer),
    "number_of_temporal_positions": (t.NUMBER_OF_TEMPORAL_POSITIONS, _integer),
    "acquisition_date": (t.ACQUISITION_DATE, _texts),
    "acquisition_time": (t.ACQUISITION_TIME, _texts),
    "acquisition_datetime": (t.ACQUISITION_DATETIME, _texts),
    "acquisition_number": (t.ACQUISITION_NUMBER, _number),
    "echo_numbers": (t.ECHO_NUMBERS, _number),
    "echo_time": (t.ECHO_TIME, _number),
    "temporal_position_identifier": (t.TEMPORAL_POSITION_IDENTIFIER, _number),
    "trigger_time": (t.TRIGGER_TIME, _number),
    "cardiac_number_of_images": (t.CARDIAC_NUMBER_OF_IMAGES, _integer),
    "starting_respiratory_phase": (t.STARTING_RESPIRATORY_PHASE, _texts),
    "sequence_name": (t.SEQUENCE_NAME, _texts),
    "flip_angle": (t.FLIP_ANGLE, _number),
    "inversion_time": (t.INVERSION_TIME, _number),
    "repetition_time": (t.REPETITION_TIME, _number),
    "complex_image_component": (t.COMPLEX_IMAGE_COMPONENT, _texts),
    "receive_coil_name": (t.RECEIVE_COIL_NAME, _texts),
    "convolution_kernel": (t.CONVOLUTION_KERNEL, _texts),
    "kvp": (t.KVP, _number),
    "dimension_organization_type": (t.DIMENSION_ORGANIZATION_TYPE, _texts),
    "grid_frame_offsets": (t.GRID_FRAME_OFFSET_VECTOR, values.decimal_strings),
}
# Text in the character set of the Data Set (PS3.5 §6.1): names, and what people type.
_TEXT: Final[Mapping[str, int]] = {
    "patient_id": t.PATIENT_ID,
    "issuer_of_patient_id": t.ISSUER_OF_PATIENT_ID,
    "patient_name": t.PATIENT_NAME,
    "study_id": t.STUDY_ID,
    "accession_number": t.ACCESSION_NUMBER,
    "study_description": t.STUDY_DESCRIPTION,
    "series_description": t.SERIES_DESCRIPTION,
    "protocol_name": t.PROTOCOL_NAME,
    "performing_physician_name": t.PERFORMING_PHYSICIAN_NAME,
    "operators_name": t.OPERATORS_NAME,
    "manufacturer": t.MANUFACTURER,
    "manufacturer_model_name": t.MANUFACTURER_MODEL_NAME,
    "device_serial_number": t.DEVICE_SERIAL_NUMBER,
    "station_name": t.STATION_NAME,
    "software_versions": t.SOFTWARE_VERSIONS,
}
# Binary numbers, in the byte order of the transfer syntax.
_BINARY: Final[Mapping[str, tuple[int, Callable[[bytes, bool], Any]]]] = {
    "in_concatenation_number": (t.IN_CONCATENATION_NUMBER, _short),
    "in_concatenation_total_number": (t.IN_CONCATENATION_TOTAL_NUMBER, _short),
    "concatenation_frame_offset": (t.CONCATENATION_FRAME_OFFSET_NUMBER, _long),
    "number_of_slices": (t.NUMBER_OF_SLICES, _short),
    "rows": (t.ROWS, _short),
    "columns": (t.COLUMNS, _short),
    "samples_per_pixel": (t.SAMPLES_PER_PIXEL, _short),
    "bits_allocated": (t.BITS_ALLOCATED, _short),
    "bits_stored": (t.BITS_STORED, _short),
    "high_bit": (t.HIGH_BIT, _short),
    "diffusion_b_value": (t.DIFFUSION_B_VALUE, _doubles_as_text),
    "diffusion_gradient_orientation": (t.DIFFUSION_GRADIENT_ORIENTATION, _doubles_as_text),
    "nominal_percentage_of_cardiac_phase": (t.NOMINAL_PERCENTAGE_OF_CARDIAC_PHASE, _floats_as_text),
    "nominal_percentage_of_respiratory_phase": (t.NOMINAL_PERCENTAGE_OF_RESPIRATORY_PHASE, _floats_as_text),
    "nominal_cardiac_trigger_delay_time": (t.NOMINAL_CARDIAC_TRIGGER_DELAY_TIME, _doubles_as_text),
    "temporal_position_index": (t.TEMPORAL_POSITION_INDEX, _longs_as_text),
    "temporal_position_time_offset": (t.TEMPORAL_POSITION_TIME_OFFSET, _doubles_as_text),
    "velocity_encoding_direction": (t.VELOCITY_ENCODING_DIRECTION, _doubles_as_text),
    "image_index": (t.IMAGE_INDEX, _shorts_as_text),
    "frame_increment_pointer": (t.FRAME_INCREMENT_POINTER, lambda raw, little: values.tags(raw, little=little)),
}
UIDS: Final[Mapping[str, int]] = {
    "sop_class_uid": t.SOP_CLASS_UID,
    "sop_instance_uid": t.SOP_INSTANCE_UID,
    "study_instance_uid": t.STUDY_INSTANCE_UID,
    "series_instance_uid": t.SERIES_INSTANCE_UID,
    "frame_of_reference_uid": t.FRAME_OF_REFERENCE_UID,
    "concatenation_uid": t.CONCATENATION_UID,
}


_OF_EACH_IMAGE: Final = frozenset(
    {
        t.INSTANCE_NUMBER, t.IMAGE_POSITION_PATIENT, t.SLICE_LOCATION, t.ACQUISITION_TIME, t.ACQUISITION_DATETIME,
    }
)  # fmt: skip


class How(Enum):
    """What a reader needs besides the bytes."""

    PLAIN = auto()  # nothing
    ANEW = auto()  # nothing; each image has another value, so it is not remembered
    TEXT = auto()  # the character set
    BINARY = auto()  # the byte order
    UID = auto()  # nothing: UIDs are all decoded in the same way


UNNAMED_UID: Final = ("", How.UID, bytes)
"""How every UI element is read, whether PS3.6 knows its tag or not; :data:`UIDS` names the fields of ``Facts``."""
WANTED: Final[Mapping[int, tuple[str, How, Callable[..., Any]]]] = {
    **{tag: UNNAMED_UID for tag in t.UI_TAGS if tag >> 16 > 2},
    **{tag: (name, How.ANEW if tag in _OF_EACH_IMAGE else How.PLAIN, read) for name, (tag, read) in _PLAIN.items()},
    **{tag: (name, How.TEXT, decode_text) for name, tag in _TEXT.items()},
    **{tag: (name, How.BINARY, read) for name, (tag, read) in _BINARY.items()},
}
BOUNDS: Final[Mapping[int, int]] = {t.GRID_FRAME_OFFSET_VECTOR: _MOST_OFFSETS}
"""How many bytes are read of the values that may be longer than :data:`MOST`."""
ABSENT: Final[Mapping[str, Any]] = {
    **{name: read(b"") for name, (_, read) in _PLAIN.items()},
    **dict.fromkeys(_TEXT, ""),
    **{name: read(b"", True) for name, (_, read) in _BINARY.items()},
}
