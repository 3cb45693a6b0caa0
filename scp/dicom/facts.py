"""The values of a Data Set that rules need, each decoded once, in one frozen value.

A value that is absent or empty is an empty tuple (numbers), ``""`` (text) or None (single integers). One that cannot be
decoded is :class:`~scp.dicom.values.Malformed`: a fact like any other, never an exception. Values are read by the VR
that PS3.6 gives their tag, because the encoded VR may be UN or wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from scp.dicom.defect import Defect
from scp.dicom.frames import FramePlanes
from scp.dicom.readers import Decimals, Integer
from scp.dicom.sop_classes import Kind
from scp.dicom.values import Malformed

__all__ = ["Decimals", "Facts", "Integer"]


@dataclass(frozen=True)
class Facts:
    """The decoded values of one Data Set. Fields are named after the keywords of PS3.6, in lower case with underscores.

    ``uids`` are the UI elements of the top level, by tag; ``other_uids`` are the same without the SOP Instance UID.
    ``unordered`` is the first tag that is out of order or repeated; ``foreign`` are the tags of groups 0000 and 0002.
    ``shared_macros`` and ``frame_macros`` are the tags in the functional groups: shared, and of each frame. Spacings,
    thickness and positions are in mm, ``gantry_tilt`` in degrees.

    This class has no slots, so that what a slice has in common with the previous one can be copied in one go.
    """

    kind: Kind
    defect: Defect | None
    unordered: int | None
    foreign: tuple[int, ...]
    uids: Mapping[int, str]
    other_uids: Mapping[int, str]
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
    gantry_tilt: Decimals
    reconstruction_diameter: Decimals
    rescale_intercept: Decimals
    rescale_slope: Decimals

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

    images_in_acquisition: Integer
    number_of_temporal_positions: Integer
    number_of_slices: Integer
    in_concatenation_total_number: Integer
    concatenation_frame_offset: Integer

    acquisition_date: str
    acquisition_time: str
    acquisition_datetime: str
    acquisition_number: str
    echo_numbers: str
    echo_time: str
    temporal_position_identifier: str
    diffusion_b_value: str
    diffusion_gradient_orientation: str
    trigger_time: str
    cardiac_number_of_images: Integer
    nominal_percentage_of_cardiac_phase: str
    nominal_cardiac_trigger_delay_time: str
    nominal_percentage_of_respiratory_phase: str
    starting_respiratory_phase: str
    temporal_position_index: str
    temporal_position_time_offset: str
    velocity_encoding_direction: str
    sequence_name: str
    flip_angle: str
    inversion_time: str
    repetition_time: str
    complex_image_component: str
    receive_coil_name: str
    convolution_kernel: str
    kvp: str
    image_index: str

    shared_macros: frozenset[int]
    frame_macros: tuple[frozenset[int], ...] | None
    dimension_organization_type: str
    frame_increment_pointer: tuple[int, ...] | Malformed
    frame_vector_lengths: Mapping[int, int]
    grid_frame_offsets: Decimals
    frame_planes: FramePlanes

    @property
    def frames(self) -> int | None:
        """Number of Frames: 1 where it is absent (PS3.3 C.7.6.6), None where it is not a count."""
        if self.number_of_frames is None:
            return 1
        if isinstance(self.number_of_frames, Malformed) or self.number_of_frames < 1:
            return None
        return self.number_of_frames
