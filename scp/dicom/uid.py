"""Unique identifiers (PS3.5 §9 and Annex B): their grammar, padding and roots."""

from __future__ import annotations

import re
from functools import lru_cache

MAX_LENGTH = 64
"""Characters of a UID (PS3.5 §9.1)."""

_COMPONENT = r"(?:0|[1-9][0-9]*)"
_UID = re.compile(rf"{_COMPONENT}(?:\.{_COMPONENT})*")
_SAFE_NAME = re.compile(r"[0-9]+(?:\.[0-9]+)*")

STANDARDS_ROOT = "1.2.840.10008"
"""The root of the DICOM standard itself (PS3.6 Annex A)."""
UUID_ROOT = "2.25"
"""The root of UUIDs (PS3.5 §B.2)."""
_UUID_DIGITS = 39
_UUID_END = 1 << 128


@lru_cache(maxsize=1024)
def is_uid(text: str) -> bool:
    """Tell whether the text is a UID (PS3.5 §9.1): numbers without leading zeros, 64 characters at most."""
    return len(text) <= MAX_LENGTH and _UID.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def is_safe_name(text: str) -> bool:
    """Tell whether the text can be used as a file name: a UID, in which leading zeros are tolerated.

    Nothing that means something to a file system passes: no separator, no `..`, no control character.
    """
    return len(text) <= MAX_LENGTH and _SAFE_NAME.fullmatch(text) is not None


def strip_uid(raw: bytes) -> str:
    r"""Return the UID in a raw value without padding: NULs after it (PS3.5 §9.1), or spaces on either side.

    Bytes that are not ASCII become escapes such as `\xe9`, so that the text is certainly not a UID.
    """
    return raw.rstrip(b"\0 ").lstrip(b" ").decode("ascii", "backslashreplace")


def padding_is_standard(raw: bytes) -> bool:
    """Tell whether a raw value is padded as PS3.5 §9.1 says: not, or with one NUL for an even length."""
    body = raw[:-1] if raw.endswith(b"\0") and len(raw) % 2 == 0 else raw
    return not body.endswith((b"\0", b" ")) and not body.startswith(b" ")


def is_standards_own(uid: str) -> bool:
    """Tell whether the UID is under the root of the DICOM standard itself, 1.2.840.10008 (PS3.6 Annex A)."""
    return uid == STANDARDS_ROOT or uid.startswith(f"{STANDARDS_ROOT}.")


@lru_cache(maxsize=1024)
def root_problem(uid: str) -> str | None:
    """Return what is implausible about the root of a UID, or None.

    The first component is 0, 1 or 2, and under 0 and 1 the second is less than 40 (ISO/IEC 9834-1); 2.25 is
    followed by one UUID as an integer (PS3.5 §B.2). A text that is not a UID has another problem: None.
    """
    if not is_uid(uid):
        return None
    first, *others = uid.split(".")
    if first not in ("0", "1", "2"):
        return "first component not 0, 1 or 2"
    if first != "2" and others and int(others[0]) >= 40:
        return "second component over 39"
    if (uid == UUID_ROOT or uid.startswith(f"{UUID_ROOT}.")) and not _is_one_uuid(others[1:]):
        return "no UUID below 2^128 after 2.25"
    return None


def _is_one_uuid(components: list[str]) -> bool:
    return len(components) == 1 and len(components[0]) <= _UUID_DIGITS and int(components[0]) < _UUID_END
