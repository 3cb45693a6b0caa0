"""Pages: what is sent as a slice of CT, MR or PET and is none, such as dose reports and screen captures."""

from scp.dicom.facts import Decimals, Facts
from scp.dicom.image_type import is_secondary


def is_page(facts: Facts) -> bool:
    """Whether this is a page rather than a slice: nothing places it in space, and nothing should."""
    return is_secondary(facts.image_type) and lies_nowhere(facts) and is_nothing(facts.pixel_spacing)


def lies_nowhere(facts: Facts) -> bool:
    """Whether an image says nothing of its place: a page has none, and no volume is made of it.

    Some equipment writes zeros into pages. In a slice they are no page's: it may lie at the origin, and have lost its
    direction.
    """
    if facts.image_orientation == () == facts.image_position:
        return True
    zeros = is_nothing(facts.image_orientation) and is_nothing(facts.image_position)
    return zeros and is_secondary(facts.image_type)


def is_nothing(value: Decimals) -> bool:
    """Whether a value is missing, or zeros stand for it."""
    return isinstance(value, tuple) and not any(value)
