"""The limits of a walk over a Data Set, and what it found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scp.dicom.syntax import MAX_INFLATED_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from scp.dicom.defect import Defect
    from scp.dicom.element import Elements
    from scp.dicom.pages import Scratch


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of a walk.

    Attributes:
        max_depth: Sequences around an element.
        max_elements: data elements and Items, at all levels together.
        max_fragments: fragments of one encapsulated value. Each costs time but no memory; whole slide images
            have one for every tile.
        inflated_bytes: size of a deflated Data Set once it is inflated, for `scp.dicom.syntax.inflate`.
        scratch: makes a place for inflated bytes that do not fit into memory; without one they stay in memory.
    """

    max_depth: int = 32
    max_elements: int = 1_000_000
    max_fragments: int = 2_000_000
    inflated_bytes: int = MAX_INFLATED_BYTES
    scratch: Callable[[], Scratch] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Scan:
    """What a walk found.

    Attributes:
        elements: the data elements of the top level by tag, as 0xGGGGEEEE, in the order of the Data Set; if one
            is there twice, the last. A Sequence with a defect in it has what was read before the defect.
        defect: why the walk ended early; None if it did not.
        end: where the well formed part of the Data Set ends: at its end, or at the defect.
        unsorted: the first tag at the top level that is not greater than the greatest before it (PS3.5 §7.1).
        repeated: the first tag at the top level that is there twice.
        odd: the first tag, at any level, whose value has an odd length (PS3.5 §7.1.1).
    """

    elements: Elements
    defect: Defect | None
    end: int
    unsorted: int | None = None
    repeated: int | None = None
    odd: int | None = None
