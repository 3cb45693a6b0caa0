"""How two copies of one instance differ, attribute by attribute and pixel by pixel.

The values only; :func:`scp.dicom.compare.compare` makes them.
"""

from dataclasses import dataclass
from enum import Enum


class Pixels(Enum):
    """How the bulk data of two copies compare."""

    EQUAL = "equal"
    DIFFERENT = "different"
    LOSSY = "lossy"  # at least one side went through a lossy compression: they cannot be told to be equal
    UNREADABLE = "unreadable"  # at least one side could not be decoded


@dataclass(frozen=True, slots=True)
class Difference:
    """One attribute that differs: its path of tags and item numbers, and both values as text.

    ``path`` is like ``(0040,0275)[2].(0040,0007)``, with Items counted from 1; a private tag is followed by its
    creator: ``(0019,100A "MAKER 1")``. ``tag`` is the last of the path, as the first copy has it if it has the
    attribute. A value is None where the attribute is absent; bulk data are shown by their digest. ``coercible`` says
    that the attribute is one of :mod:`scp.dicom.coercible`: about the patient or the order, not about the image.
    """

    path: str
    tag: int
    first: str | None
    second: str | None
    coercible: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between the stored copy (first) and the one that came (second).

    ``differences`` are in the order of the tags, those of a private group in the order of their creators; bulk data are
    among them if they certainly differ. ``omitted`` counts those that are not listed. If any coercible attribute
    differs, one is listed, and so for the others. If one of the copies cannot be read, there are no differences, and
    ``pixels`` says so.
    """

    differences: tuple[Difference, ...]
    pixels: Pixels
    first_transfer_syntax: str
    second_transfer_syntax: str
    omitted: int = 0
