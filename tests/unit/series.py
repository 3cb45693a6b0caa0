"""Series to send: slices of a volume as Data Sets."""

from collections.abc import Iterator
from typing import Any

from tests.rules.builders import INSTANCE
from tests.unit.nodes import data_set

STEP = 2.5


def slice_at(number: int, **changes: Any) -> bytes:
    """The slice with this Instance Number, counted from 1, of a volume with a step of 2.5 mm."""
    place = STEP * number
    given = {
        "SOPInstanceUID": f"{INSTANCE}.{number}", "InstanceNumber": str(number), "SliceLocation": str(place),
        "ImagePositionPatient": [0, 0, place],
    }  # fmt: skip
    return data_set(**(given | changes))


def volume(*numbers: int, **changes: Any) -> Iterator[bytes]:
    """These slices of a volume."""
    for number in numbers:
        yield slice_at(number, **changes)
