r"""Values of findings as people read them: numbers as short as they are, several separated as DICOM does: ``1\2.5``."""

from collections.abc import Mapping
from typing import Any

from scp.dicom.values import shortest


def plain(value: Any) -> Any:
    """Return a value of a finding, as a rule gave it or as JSON holds it, with whole numbers as whole numbers."""
    if isinstance(value, float):
        return shortest(value)
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


def written(value: Any) -> str:
    """Write a value that has no names, and is there."""
    value = plain(value)
    return "\\".join(map(str, value)) if isinstance(value, list) else str(value)
