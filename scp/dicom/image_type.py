"""What Image Type (0008,0008) says of an image (PS3.3 C.7.6.1.1.2, C.8.2.1.1.1, C.8.3.1.1.1)."""

ImageType = tuple[str, ...]


def is_derived(image_type: ImageType) -> bool:
    """Whether its pixels were computed from those of other images (value 1)."""
    return image_type[:1] == ("DERIVED",)


def is_secondary(image_type: ImageType) -> bool:
    """Whether it was made after the examination (value 2)."""
    return image_type[1:2] == ("SECONDARY",)


def is_localizer(image_type: ImageType) -> bool:
    """Whether it was made to plan other images."""
    return "LOCALIZER" in image_type


def is_mosaic(image_type: ImageType) -> bool:
    """Whether it shows all slices of a volume side by side."""
    return "MOSAIC" in image_type
