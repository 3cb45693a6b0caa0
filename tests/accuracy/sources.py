"""Folders of series that somebody vouches for: what defects are planted in."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from scp.dicom.sop_classes import Kind, kind_of
from tests.accuracy.copies import transfer_syntax_of

_TELLS_APART: Final = (
    "SOPClassUID", "ImageType", "AcquisitionNumber", "EchoNumbers", "EchoTime", "TemporalPositionIdentifier",
    "DiffusionBValue", "DiffusionGradientOrientation", "TriggerTime", "NominalPercentageOfCardiacPhase",
    "SequenceName", "FlipAngle", "InversionTime", "RepetitionTime", "ConvolutionKernel", "KVP",
)  # fmt: skip
"""Attributes by which two images of one place may legitimately differ: read here on our own, not by the auditor."""

_EVEN: Final = 0.005
"""Relative difference of two steps of a volume that is still called evenly spaced."""
_ROUNDED: Final = 0.025
"""The same in mm: positions are compared to 0.01 mm here."""
_LEAST: Final = 4
"""Slices that a volume has at least, to plant something in."""


@dataclass(frozen=True)
class Source:
    """One file as it lies in its folder: ``header`` is its Data Set without pixels, never changed."""

    path: Path
    header: Dataset
    transfer_syntax: str

    @property
    def uid(self) -> str:
        """SOP Instance UID."""
        return str(self.header.SOPInstanceUID)

    @cached_property
    def slot(self) -> tuple[str, ...]:
        """What may tell it from another image of the same place."""
        return tuple(str(self.header.get(name, "")) for name in _TELLS_APART)

    @cached_property
    def position(self) -> np.ndarray | None:
        """Image Position (Patient) in mm, if there is one."""
        value = self.header.get("ImagePositionPatient")
        return np.array(value, float) if value is not None and len(value) == 3 else None

    @cached_property
    def normal(self) -> np.ndarray | None:
        """Unit normal of the image plane, if it is described."""
        value = self.header.get("ImageOrientationPatient")
        if value is None or len(value) != 6:
            return None
        cosines = np.array(value, float)
        normal = np.cross(cosines[:3], cosines[3:])
        length = float(np.linalg.norm(normal))
        return np.asarray(normal / length) if length > 0.5 else None


@dataclass(frozen=True)
class Series:
    """The files of one series in the order of their names, and the folder that they came from."""

    name: str
    origin: str
    sources: Sequence[Source]

    @property
    def kind(self) -> Kind:
        """What kind of object most instances are."""
        kinds = [kind_of(str(one.header.SOPClassUID)) for one in self.sources]
        return max(kinds, key=kinds.count)

    @cached_property
    def volume(self) -> Sequence[int]:
        """Indices of one evenly spaced volume of four slices or more, along its normal; empty if there is none.

        Where several images are at each position it has one of each: of those that differ in nothing but position,
        if there are such, or else the first.
        """
        for told_apart in (True, False):
            volumes = [self._ordered(indices) for indices in self._groups(told_apart).values()]
            found = max((one for one in volumes if len(one) >= _LEAST), key=len, default=())
            if found:
                return found
        return ()

    @cached_property
    def is_single(self) -> bool:
        """Whether there is one image at each position of the volume, and nothing else in its direction."""
        groups = [indices for indices in self._groups(False).values() if self.volume[0] in indices]
        return len(groups[0]) == len(self.volume)

    @property
    def step(self) -> np.ndarray:
        """From one slice of the volume to the next, in mm: along the line of their positions."""
        first, last = (self.sources[self.volume[end]].position for end in (0, -1))
        assert first is not None
        assert last is not None
        return np.asarray((last - first) / (len(self.volume) - 1))

    def _groups(self, told_apart: bool) -> Mapping[tuple[object, ...], Sequence[int]]:
        groups: dict[tuple[object, ...], list[int]] = defaultdict(list)
        for index, one in enumerate(self.sources):
            if one.position is not None and one.normal is not None:
                direction = (round(float(value), 2) for value in one.normal)
                groups[(one.slot if told_apart else (), *direction)].append(index)
        return groups

    def _ordered(self, indices: Sequence[int]) -> Sequence[int]:
        """Order indices along the normal, one for each position; none if the slices are not evenly spaced."""
        normal = self.sources[indices[0]].normal
        along: dict[float, int] = {}
        for index in indices:
            position = self.sources[index].position
            assert position is not None
            assert normal is not None
            along.setdefault(round(float(position @ normal), 2), index)
        offsets = sorted(along)
        steps = np.diff(offsets)
        even = len(steps) > 0 and np.ptp(steps) <= max(_ROUNDED, _EVEN * float(np.median(steps)))
        return [along[offset] for offset in offsets] if even else ()


def series_in(folders: Iterable[Path]) -> list[Series]:
    """Return the series in some folders, by folder and then by the name of their first file.

    A file that comes again under the same SOP Instance UID is left out: it is no clean series with it.
    """
    found: dict[tuple[Path, str], dict[str, Source]] = {}
    for folder in folders:
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            source = _source(path)
            if source is not None:
                key = folder, str(source.header.SeriesInstanceUID)
                found.setdefault(key, {}).setdefault(source.uid, source)
    per_folder = [folder for folder, _ in found]
    return [
        Series(_name(folder, sources, per_folder.count(folder)), folder.name, list(sources.values()))
        for (folder, _), sources in found.items()
    ]


def _name(folder: Path, sources: Mapping[str, Source], in_folder: int) -> str:
    first = next(iter(sources.values())).path
    return folder.name if in_folder == 1 else f"{folder.name}/{first.relative_to(folder)}"


def _source(path: Path) -> Source | None:
    try:
        header = dcmread(path, stop_before_pixels=True, force=True)
        names = ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "Modality")
        if not all(header.get(name) for name in names):
            return None
    except (InvalidDicomError, OSError, ValueError, KeyError, EOFError, AttributeError, NotImplementedError):
        return None
    return Source(path, header, transfer_syntax_of(header))
