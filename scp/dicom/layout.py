"""How data elements are laid out (PS3.5 §7.1): with explicit or implicit VR, in either byte order.

Both layouts have two readers. `read_run` reads a run of *plain* elements in one go: of defined length, no
Sequences, in ascending order, with a VR that the standard knows. That is nearly every element of nearly every
object, so these two loops are written for speed. `read_header` reads any single header.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final, TypeAlias

from scp.dicom.dictionary import STANDARD_VRS, implied_vr
from scp.dicom.element import LONG_VRS, NO_ELEMENT, SHORT_VRS, UNDEFINED, Header, Span, header_without_vr
from scp.dicom.irregular import read_irregular_header

if TYPE_CHECKING:
    from scp.dicom.element import Buffer, Elements

_new = tuple.__new__  # half the price of Span(…), which would be most of the price of an element


class ImplicitVR:
    """Data elements without VR: tag and 32-bit length (PS3.5 §7.1.3)."""

    explicit: Final = False
    __slots__ = ("little", "unpack")

    def __init__(self, *, little: bool) -> None:
        self.little = little
        self.unpack = Struct("<HHI" if little else ">HHI").unpack_from

    def read_run(
        self, data: Buffer, position: int, end: int, last: int, most: int, elements: Elements
    ) -> tuple[int, int, int]:
        """Read plain elements.

        Args:
            data: what is being walked.
            position: of the first header.
            end: of the Item or Data Set that is being read.
            last: the greatest tag so far.
            most: how many elements to read at most.
            elements: where they go.

        Returns:
            The position of the first header that was not taken, the tag before it (`last`, if none was
            taken), and an odd number if any of the lengths is odd.
        """
        unpack = self.unpack
        known = STANDARD_VRS.get
        end = min(end, position + UNDEFINED)  # so that undefined length is past the end, like any wild length
        room = end - 8
        odd = 0
        for _ in range(most):
            if position > room:
                break
            group, element, length = unpack(data, position)
            tag = group << 16 | element
            if not last < tag < NO_ELEMENT:
                break
            vr = known(tag) or implied_vr(tag)
            offset = position + 8
            following = offset + length
            if vr == "SQ" or following > end:
                break
            elements[tag] = _new(Span, (vr, offset, length, None, None))
            odd |= length
            last = tag
            position = following
        return position, last, odd

    def read_header(self, data: Buffer, position: int, end: int, *, nested: bool) -> Header:  # noqa: ARG002 - as ExplicitVR
        """Read one header, of which eight bytes are there."""
        group, element, length = self.unpack(data, position)
        return header_without_vr(group << 16 | element, position, length)


class ExplicitVR:
    """Data elements with VR, and a length of 16 or 32 bits that depends on it (PS3.5 §7.1.2)."""

    explicit: Final = True
    __slots__ = ("_long", "_short", "_unpack", "_unpack_length", "little", "unpack")

    def __init__(self, *, little: bool) -> None:
        order = "<" if little else ">"
        self.little = little
        self.unpack = Struct(f"{order}HHI").unpack_from
        self._unpack = Struct(f"{order}HHHH").unpack_from
        self._unpack_length = Struct(f"{order}I").unpack_from
        # A VR is looked up faster as a number than as two bytes.
        number = Struct(f"{order}H").unpack
        self._short: dict[int, str] = {number(vr.encode())[0]: vr for vr in SHORT_VRS}
        self._long: dict[int, str] = {number(vr.encode())[0]: vr for vr in LONG_VRS}

    def read_run(
        self, data: Buffer, position: int, end: int, last: int, most: int, elements: Elements
    ) -> tuple[int, int, int]:
        """Read plain elements, as `ImplicitVR.read_run` does."""
        unpack, unpack_length = self._unpack, self._unpack_length
        short, long = self._short.get, self._long.get
        end = min(end, position + UNDEFINED)
        room = end - 8
        odd = 0
        for _ in range(most):
            if position > room:
                break
            group, element, number, length = unpack(data, position)
            tag = group << 16 | element
            if not last < tag < NO_ELEMENT:
                break
            vr = short(number)
            if vr:
                offset = position + 8
            else:
                vr = long(number)
                offset = position + 12
                if not vr or vr == "SQ" or (vr == "UN" and not group & 1) or offset > end:
                    break
                (length,) = unpack_length(data, position + 8)
            following = offset + length
            if following > end:
                break
            elements[tag] = _new(Span, (vr, offset, length, None, None))
            odd |= length
            last = tag
            position = following
        return position, last, odd

    def read_header(self, data: Buffer, position: int, end: int, *, nested: bool) -> Header | None:
        """Read one header, of which eight bytes are there.

        Args:
            data: what is being walked.
            position: of the header.
            end: of the Item or Data Set that it is in. The value may reach past it; it begins past it if the
                header does not fit.
            nested: it is in an Item.

        Returns:
            None if there is no VR, nor exactly one way to read on without.
        """
        _, _, number, length = self._unpack(data, position)
        if vr := self._short.get(number):
            return Header(vr, position + 8, length, implicit=False)
        if vr := self._long.get(number):
            if position + 12 > end:
                return Header(vr, position + 12, 0, implicit=False)
            (length,) = self._unpack_length(data, position + 8)
            return Header(vr, position + 12, length, implicit=False)
        return read_irregular_header(data, position, end, self.unpack, length, nested=nested)


Layout: TypeAlias = ExplicitVR | ImplicitVR
