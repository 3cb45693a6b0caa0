"""Pages: images that are sent as CT, MR or PET but are no slices, such as dose reports and screen captures."""

from scp.dicom.facts import Decimals, Facts
from scp.dicom.image_type import is_secondary


def is_page(facts: Facts) -> bool:
    """Whether this is a page, not a slice: its Image Type says SECONDARY, and it has no place and no Pixel Spacing."""
    return is_secondary(facts.image_type) and lies_nowhere(facts) and is_nothing(facts.pixel_spacing)


def lies_nowhere(facts: Facts) -> bool:
    """Whether an image has neither position nor orientation.

    Some equipment writes zeros into pages, which count as none. Not so in a slice: it may lie at the origin, and only
    have lost its orientation.
    """
    if facts.image_orientation == () == facts.image_position:
        return True
    zeros = is_nothing(facts.image_orientation) and is_nothing(facts.image_position)
    return zeros and is_secondary(facts.image_type)


def is_nothing(value: Decimals) -> bool:
    """Whether a value is missing, or zeros stand for it."""
    return isinstance(value, tuple) and not any(value)
