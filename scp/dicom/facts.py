"""The values that rules need, each decoded once, in one frozen value.

A value that is absent or empty is an empty tuple (numbers), ``""`` (text) or None (single integers). A value that is
there but does not decode is :class:`~scp.dicom.values.Malformed`: a fact like any other, never an exception. Values
are read by the VR that PS3.6 gives their tag, because the encoded VR may be UN or plainly wrong.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from scp.dicom import tags as t
from scp.dicom.charset import decode_text
from scp.dicom.readers import ABSENT, MOST, MOST_TEXT, UIDS, UNNAMED_UID, WANTED, Decimals, How, Integer
from scp.dicom.sop_classes import Kind, kind_of
from scp.dicom.syntax import Encoding
from scp.dicom.uid import padding_is_standard, strip_uid
from scp.dicom.values import Malformed
from scp.dicom.walk import Defect, Scan, Span

__all__ = ["Decimals", "Facts", "Integer", "facts_of"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What one Data Set says of itself. Names are the keywords of PS3.6, in lower case with underscores."""

    kind: Kind
    defect: Defect | None
    unordered: int | None
    foreign: tuple[int, ...]
    uids: Mapping[int, str]
    badly_padded_uids: tuple[int, ...]

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    frame_of_reference_uid: str
    concatenation_uid: str

    modality: str
    image_type: tuple[str, ...]
    instance_number: Integer
    in_concatenation_number: Integer

    patient_id: str
    issuer_of_patient_id: str
    patient_name: str
    patient_birth_date: str
    patient_sex: str
    study_date: str
    study_time: str
    study_id: str
    accession_number: str
    study_description: str
    series_number: str
    laterality: str
    patient_position: str
    series_date: str
    series_time: str
    series_description: str
    protocol_name: str
    performing_physician_name: str
    operators_name: str
    body_part_examined: str
    manufacturer: str
    manufacturer_model_name: str
    device_serial_number: str
    station_name: str
    software_versions: str

    image_position: Decimals
    image_orientation: Decimals
    pixel_spacing: Decimals
    imager_pixel_spacing: Decimals
    nominal_scanned_pixel_spacing: Decimals
    pixel_spacing_calibration_type: str
    slice_thickness: Decimals
    spacing_between_slices: Decimals
    slice_location: Decimals

    rows: Integer
    columns: Integer
    samples_per_pixel: Integer
    photometric_interpretation: str
    bits_allocated: Integer
    bits_stored: Integer
    high_bit: Integer
    number_of_frames: Integer
    pixel_data_tag: int | None
    pixel_data_length: int | None
    encapsulated: bool

    acquisition_number: str
    echo_numbers: str
    echo_time: str
    temporal_position_identifier: str
    diffusion_b_value: str
    trigger_time: str
    sequence_name: str
    flip_angle: str
    inversion_time: str
    repetition_time: str
    complex_image_component: str
    receive_coil_name: str
    convolution_kernel: str
    image_index: str

    shared_macros: frozenset[int]
    frame_macros: tuple[frozenset[int], ...] | None
    dimension_organization_type: str
    frame_increment_pointer: tuple[int, ...] | Malformed
    frame_vector_lengths: Mapping[int, int]
    grid_frame_offsets: Decimals

    @property
    def frames(self) -> int | None:
        """Number of Frames: 1 where it is absent (PS3.3 C.7.6.6), None where it is not a count."""
        if self.number_of_frames is None:
            return 1
        if isinstance(self.number_of_frames, Malformed) or self.number_of_frames < 1:
            return None
        return self.number_of_frames


_PIXELS: Final = (t.PIXEL_DATA, t.FLOAT_PIXEL_DATA, t.DOUBLE_FLOAT_PIXEL_DATA)


def facts_of(data: memoryview | bytes, scan: Scan, encoding: Encoding) -> Facts:
    """Decode what rules need from a walked Data Set.

    Parameters
    ----------
    data:
        The bytes that were walked (inflated, if the transfer syntax is deflated).
    scan:
        What the walk found in them; it may be incomplete, if the Data Set is defective.
    encoding:
        Byte order and encapsulation of the transfer syntax.
    """
    elements = scan.elements
    charset = _raw(data, elements, t.SPECIFIC_CHARACTER_SET)
    little = encoding.little
    found = dict(ABSENT)
    uids: dict[int, bytes] = {}
    for tag, span in elements.items():
        wanted = WANTED.get(tag)
        if wanted is None:
            if span.vr != "UI" or tag >> 16 <= 2:
                continue
            wanted = UNNAMED_UID
        _, offset, length, items, _ = span
        if length <= 0 or items is not None:
            continue
        name, how, read = wanted
        value = bytes(data[offset : offset + (min(MOST, length))])
        if how is How.UID:
            uids[tag] = value[:MOST_TEXT]
        elif how is How.PLAIN:
            found[name] = _plain(read, value) if length <= _REMEMBERED else read(value)
        elif how is How.TEXT:
            found[name] = _text(value, charset) if length <= _REMEMBERED else decode_text(value[:MOST_TEXT], charset)
        else:
            found[name] = _binary(read, value, little) if length <= _REMEMBERED else read(value, little)
    stripped = {tag: strip_uid(value) for tag, value in uids.items()}
    for name, tag in UIDS.items():
        found[name] = stripped.get(tag, "")

    pixel_data = next((tag for tag in _PIXELS if tag in elements), None)
    return Facts(
        kind=kind_of(found["sop_class_uid"]),
        defect=scan.defect,
        unordered=scan.unsorted if scan.unsorted is not None else scan.repeated,
        foreign=tuple(tag for tag in elements if tag >> 16 in (0x0000, 0x0002)),
        uids=stripped,
        badly_padded_uids=tuple(tag for tag, value in uids.items() if not padding_is_standard(value)),
        pixel_data_tag=pixel_data,
        pixel_data_length=None if pixel_data is None else elements[pixel_data].length,
        encapsulated=encoding.encapsulated,
        shared_macros=_shared_macros(elements),
        frame_macros=_frame_macros(elements),
        frame_vector_lengths={tag: elements[tag].length // 2 for tag in t.NM_FRAME_VECTORS if tag in elements},
        **found,
    )


def _raw(data: memoryview | bytes, elements: Mapping[int, Span], tag: int) -> bytes:
    span = elements.get(tag)
    return b"" if span is None else bytes(data[span.offset : span.offset + min(max(span.length, 0), MOST_TEXT)])


_REMEMBERED: Final = 64
"""Bytes of the longest value that is remembered: the slices of a series say nearly the same, thousands of times."""


@lru_cache(maxsize=16384)
def _plain(read: Callable[[bytes], Any], value: bytes) -> Any:
    return read(value)


@lru_cache(maxsize=16384)
def _binary(read: Callable[[bytes, bool], Any], value: bytes, little: bool) -> Any:
    return read(value, little)


_text = lru_cache(maxsize=16384)(decode_text)


def _shared_macros(elements: Mapping[int, Span]) -> frozenset[int]:
    span = elements.get(t.SHARED_FUNCTIONAL_GROUPS_SEQUENCE)
    return frozenset(tag for item in (span.items or ()) for tag in item) if span else frozenset()


def _frame_macros(elements: Mapping[int, Span]) -> tuple[frozenset[int], ...] | None:
    """Return the functional group macros of each frame; None if there is no per-frame sequence."""
    span = elements.get(t.PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)
    return tuple(frozenset(item) for item in (span.items or ())) if span else None
