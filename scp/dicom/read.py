"""From the bytes of a Data Set to its facts: inflate, walk, decode."""

from scp.dicom.decoder import Decoder, places_of, values_of
from scp.dicom.defect import Defect
from scp.dicom.facts import Facts
from scp.dicom.shape import Shapes
from scp.dicom.syntax import EXPLICIT_LITTLE, encoding_of, inflate
from scp.dicom.walk import Limits, Scan, walk

_MANY = 1 << 20
"""Bytes of a Data Set that may have more than a hundred thousand elements."""


def may_be_many(size: int, transfer_syntax: str) -> bool:
    """Tell whether a Data Set of so many bytes may have so many elements that reading it takes much memory."""
    encoding = encoding_of(transfer_syntax)
    return size > _MANY or (encoding is not None and encoding.deflated)


def scan_of(data: memoryview | bytes, transfer_syntax: str, limits: Limits) -> tuple[memoryview | bytes, Scan]:
    """Walk a Data Set, and return the bytes that were walked too: a deflated one is inflated first, up to the limit."""
    encoding = encoding_of(transfer_syntax) or EXPLICIT_LITTLE
    if encoding.deflated:
        inflated = inflate(data, limits.inflated_bytes, limits.scratch)
        if isinstance(inflated, Defect):
            return b"", Scan({}, inflated, 0)
        data = inflated
    return data, walk(data, encoding, limits)


def read_facts(data: memoryview | bytes, transfer_syntax: str, limits: Limits, decoder: Decoder | None = None) -> Facts:
    """Return what rules need of a Data Set. Never raises, whatever the bytes: a defect is one of the facts.

    ``decoder`` remembers earlier Data Sets, so that what this one has in common with them is not decoded again.
    """
    encoding = encoding_of(transfer_syntax) or EXPLICIT_LITTLE
    if decoder is None or encoding.deflated:
        walked, scan = scan_of(data, transfer_syntax, limits)
        return (decoder or Decoder()).facts_of(walked, scan, encoding)
    known = recognised(data, len(data), transfer_syntax, decoder)
    if known:
        return known
    scan = walk(data, encoding, limits)
    places = places_of(scan.elements)
    shapes = decoder.shapes.setdefault(transfer_syntax, Shapes())
    shapes.learn(data, scan, places, explicit=encoding.explicit)
    return decoder.facts_of(data, scan, encoding, values_of(data, scan.elements, places))


def recognised(head: memoryview | bytes, length: int, transfer_syntax: str, decoder: Decoder) -> Facts | None:
    """Return the facts of a Data Set from its first bytes and its length, if it is encoded like an earlier one.

    Otherwise return None: it takes the whole Data Set. At most ``shape.LONGEST`` bytes are looked at.
    """
    shapes = decoder.shapes.get(transfer_syntax)
    shape = shapes.find(head, length) if shapes else None
    if shape is None:
        return None
    values = shape.tags, shape.cut(head)
    return decoder.facts_of(head, shape.scan, encoding_of(transfer_syntax) or EXPLICIT_LITTLE, values)
