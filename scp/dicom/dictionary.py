"""The VR of a data element that does not state it: implicit VR (PS3.5 §A.1, PS3.6).

If the dictionary names several VRs, it is the one that PS3.5 §A.1 fixes for implicit VR, or else the one that can
be read without looking at another element: `OW` for bulk values, `US` for the others.
"""

from __future__ import annotations

from typing import Final

from pydicom.datadict import DicomDictionary, RepeatersDictionary

_CHOICE: Final = {"OB or OW": "OW", "US or SS": "US", "US or OW": "OW", "US or SS or OW": "OW"}

STANDARD_VRS: Final = {
    tag: _CHOICE.get(entry[0], entry[0]) for tag, entry in DicomDictionary.items() if entry[0] != "NONE"
}
"""The VR of each data element of PS3.6, except those of repeating groups."""


def _repeating() -> dict[int, dict[int, str]]:
    """Return the repeating groups by the mask of their fixed digits: (50xx,0005) has 0xFF00FFFF."""
    by_mask: dict[int, dict[int, str]] = {}
    for pattern, entry in RepeatersDictionary.items():
        mask = int("".join("0" if digit == "x" else "F" for digit in pattern), 16)
        by_mask.setdefault(mask, {})[int(pattern.replace("x", "0"), 16)] = _CHOICE.get(entry[0], entry[0])
    return by_mask


_REPEATING_VRS: Final = tuple(_repeating().items())


def implied_vr(tag: int) -> str:
    """Return the VR of a data element that states none: `UN` if neither PS3.5 nor PS3.6 gives one.

    A group length is `UL` (PS3.5 §7.2), a private creator `LO` (PS3.5 §7.8.1), other private ones `UN`.
    """
    known = STANDARD_VRS.get(tag)
    if known is not None:
        return known
    element = tag & 0xFFFF
    if element == 0:
        return "UL"
    if tag & 0x10000:
        return "LO" if 0x10 <= element <= 0xFF else "UN"
    for mask, vrs in _REPEATING_VRS:
        if tag & mask in vrs:
            return vrs[tag & mask]
    return "UN"
