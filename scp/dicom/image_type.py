"""The meaning of Image Type (0008,0008) (PS3.3 C.7.6.1.1.2, C.8.2.1.1.1, C.8.3.1.1.1)."""

from typing import Final

ImageType = tuple[str, ...]

_PROJECTIONS: Final = frozenset(
    {"PROJECTION", "IP", "MIP", "MAXIP", "MINIP", "MNIP", "MEANIP", "PJN", "VRT", "VR", "SSD", "3D", "RENDERING"}
)
"""Words of Image Type that vendors write for projections: ``PROJECTION IMAGE``, ``MAX_IP``, ``CSA MIP``."""
_REFORMATS: Final = frozenset({"REFORMATTED", "REFORMAT", "MPR", "CPR", "RESAMPLED", "RESLICED", "CURVED"})
"""The same for slices that were cut from a volume: ``REFORMATTED``, ``CSA MPR``, ``CT_SOM5 MPR``."""


def is_derived(image_type: ImageType) -> bool:
    """Whether the pixels were computed from those of other images (value 1)."""
    return image_type[:1] == ("DERIVED",)


def is_secondary(image_type: ImageType) -> bool:
    """Whether the image was made after the examination (value 2)."""
    return image_type[1:2] == ("SECONDARY",)


def is_localizer(image_type: ImageType) -> bool:
    """Whether the image was made to plan other images."""
    return "LOCALIZER" in image_type


def is_projection(image_type: ImageType) -> bool:
    """Whether the image is a projection of a volume, or of a thick part of it, rather than a slice."""
    return _has_word(image_type, _PROJECTIONS)


def is_reformat(image_type: ImageType) -> bool:
    """Whether the image was cut from a volume, in whatever plane; some projections say so too."""
    return _has_word(image_type, _REFORMATS)


def is_axial(image_type: ImageType) -> bool:
    """Whether the image is a cross section (value 3 of CT)."""
    return image_type[2:3] == ("AXIAL",)


def _has_word(image_type: ImageType, words: frozenset[str]) -> bool:
    return any(not words.isdisjoint(value.replace("_", " ").split()) for value in image_type[2:])


def is_mosaic(image_type: ImageType) -> bool:
    """Whether the image shows all slices of a volume side by side."""
    return "MOSAIC" in image_type
