"""What a planted defect is: a row of the table, and how it gets into a copy of a clean series."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from scp.dicom.sop_classes import PLANES, Kind
from tests.accuracy.copies import Change, copy_of
from tests.accuracy.sources import Series, Source

Sent = Path | bytes
"""What is sent: a file as it lies there, or the content of one."""

Plant = Callable[[Series, int, Random], Sequence[Sent] | None]
"""Returns what arrives, in order, with the defect at a place (an index); None if it cannot be there."""

Fits = Callable[[Series], bool]


@dataclass(frozen=True, slots=True)
class Defect:
    """One thing that goes wrong, in one size.

    ``found_by`` names the rules of which one has to find it, as ``CODE`` or ``CODE.case``: the catalogue says how
    severe that is. It is empty for what lies within the tolerance, or cannot be seen; then nothing may be found that
    is worse than a note. ``unseen`` says why it cannot be. ``fits`` says in which series it can be planted, and
    ``places`` where.
    """

    name: str
    size: str
    plant: Plant
    found_by: tuple[str, ...]
    fits: Fits = lambda series: True
    places: Callable[[Series, Random], Sequence[int]] = field(default=lambda series, rng: anywhere(series, rng))
    unseen: str = ""


def anywhere(series: Series, rng: Random) -> Sequence[int]:
    """First, middle, last, and one by chance."""
    count = len(series.sources)
    return sorted({0, count // 2, count - 1, rng.randrange(count)})


def in_one(change: Change) -> Plant:
    """Return the planting of a change in one instance of the series."""

    def plant(series: Series, place: int, rng: Random) -> Sequence[Sent]:
        return replaced(series, place, copy_of(series.sources[place].path, change))

    return plant


def sent_again(make: Callable[[Source], Sent | None]) -> Plant:
    """Return the planting of one instance that is sent a second time, somewhere after the first, as ``make`` has it."""

    def plant(series: Series, place: int, rng: Random) -> Sequence[Sent] | None:
        again = make(series.sources[place])
        if again is None:
            return None
        sent: list[Sent] = [one.path for one in series.sources]
        sent.insert(rng.randint(place + 1, len(sent)), again)
        return sent

    return plant


def again_with(change: Change) -> Plant:
    """Return the planting of one instance that is sent a second time, changed."""
    return sent_again(lambda source: copy_of(source.path, change))


def replaced(series: Series, place: int, content: Sent) -> Sequence[Sent]:
    """Return the series with another content at a place."""
    return [content if index == place else one.path for index, one in enumerate(series.sources)]


def of_kind(*kinds: Kind) -> Fits:
    """Return whether a series is of one of these kinds."""
    return lambda series: series.kind in kinds


def has(*keywords: str) -> Fits:
    """Return whether every instance has a value for each of these attributes."""
    return lambda series: all(one.header.get(keyword) for one in series.sources for keyword in keywords)


def several(series: Series) -> bool:
    """Whether there is more than one instance."""
    return len(series.sources) > 1


def is_plane(series: Series) -> bool:
    """Whether these are CT, MR or PET images that lie somewhere."""
    described = has("ImageOrientationPatient", "ImagePositionPatient", "PixelSpacing", "Rows", "Columns")
    return series.kind in PLANES and described(series)


def both(*conditions: Fits) -> Fits:
    """Return whether a series fits all of these."""
    return lambda series: all(one(series) for one in conditions)
