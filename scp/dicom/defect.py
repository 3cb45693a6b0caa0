"""What is wrong with the encoding of a Data Set, as a value.

A Data Set that is not well formed is a finding about the object, never an exception of ours. A `Defect` says
what is wrong and where; it holds no bytes of the object, so it may be logged and shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class DefectKind(StrEnum):
    """Why the reading of a Data Set ended before its end."""

    TRUNCATED = "truncated"
    """The bytes end inside a data element, an Item or a delimiter."""
    OVERRUN = "overrun"
    """A length reaches past the end of the Item or Sequence around it."""
    MISSING_DELIMITER = "missing delimiter"
    """An Item or value of undefined length is never closed (PS3.5 §7.5.1, §A.4)."""
    BAD_DELIMITER = "bad delimiter"
    """An Item tag or a delimiter where a data element belongs (PS3.5 §7.5.1)."""
    BAD_ITEM = "bad item"
    """Something other than an Item where an Item belongs, or a fragment of undefined length (PS3.5 §7.5.1, §A.4)."""
    BAD_VR = "bad VR"
    """No VR in the VR field, and not exactly one way to read on (see `scp.dicom.irregular`); or a Data Set
    with explicit VRs although its Transfer Syntax is implicit."""
    UNDEFINED_LENGTH = "undefined length"
    """Undefined length where the standard does not allow it (PS3.5 §7.1.2, §A.4)."""
    TOO_DEEP = "too deep"
    """More nested Sequences than the limit."""
    TOO_MANY_ELEMENTS = "too many elements"
    """More data elements and Items, or more fragments, than the limit."""
    TRAILING = "trailing bytes"
    """NULs after the last data element, or anything after the end of a deflated stream."""
    NOT_INFLATABLE = "not inflatable"
    """The bytes are not a deflated stream (RFC 1951), although the Transfer Syntax says so."""
    INFLATES_TOO_LARGE = "inflates too large"
    """The inflated Data Set is larger than the limit."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One fault in the encoding of a Data Set; reading ends at the first.

    Attributes:
        kind: what is wrong.
        offset: of the first byte that could not be accounted for: a header of an element, Item or delimiter.
        tag: of the data element, as 0xGGGGEEEE. If an Item, fragment or delimiter is at fault, that of its
            Sequence or Pixel Data. None if no tag could be read.
        path: the tag of each Sequence around that element and the number of the Item in it, counted from 0;
            outermost first.
    """

    kind: DefectKind
    offset: int
    tag: int | None = None
    path: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        """For example `truncated at byte 1022 in (0008,1140)[2].(0008,1155)`; people count Items from 1."""
        steps = [f"{_tag_text(sequence)}[{item + 1}]" for sequence, item in self.path]
        if self.tag is not None:
            steps.append(_tag_text(self.tag))
        place = f" in {'.'.join(steps)}" if steps else ""
        return f"{self.kind} at byte {self.offset}{place}"


def _tag_text(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
