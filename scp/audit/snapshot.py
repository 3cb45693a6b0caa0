"""What the ledger holds of an instance's SOP Instance UID, series and study at the moment when it is judged."""

from collections.abc import Mapping
from dataclasses import dataclass

from scp.audit.finding import Other
from scp.dicom.difference import Comparison


@dataclass(frozen=True, slots=True)
class Held:
    """The stored instance with the same SOP Instance UID.

    ``confirmed`` says that its sender has read the response: something else arrived on its association afterwards, or
    the association was released. ``patient`` is the fingerprint of the Patient ID.
    """

    other: Other
    digest: bytes
    transfer_syntax: str
    sop_class_uid: str
    series_instance_uid: str
    study_instance_uid: str
    patient: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Reference:
    """The first stored instance of a study or series, with which later ones are compared.

    Of a study, it is the first that has a Patient ID, if there is one. Of a series, it is the first slice of CT, MR or
    PET that has a Frame of Reference UID, if there is one.

    ``values`` are those of :mod:`scp.audit.tracked`; ``parent`` is the Study Instance UID of a series.
    """

    other: Other
    values: Mapping[str, str]
    parent: str = ""


@dataclass(frozen=True, slots=True)
class StackReference:
    """The first stored image of a stack: matrix, Pixel Spacing in mm (row, column) and direction cosines."""

    other: Other
    rows: int | None
    columns: int | None
    pixel_spacing: tuple[float, ...]
    orientation: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A stored instance of the same series with the same Instance Number.

    ``moment``, ``position`` (in mm) and ``orientation`` (direction cosines) are those of a slice; empty for other
    objects.
    """

    other: Other
    slot: str
    place: str
    sop_class_uid: str
    concatenation_uid: str
    in_concatenation_number: int | None
    moment: str = ""
    position: tuple[float, ...] = ()
    orientation: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a pairwise rule may look at.

    ``identical`` says that ``held`` has the same bytes in the same Transfer Syntax; otherwise ``comparison`` says what
    differs. ``stack``, ``acquisition`` and ``parallel`` are the first images of what :class:`Tracked
    <scp.audit.tracked.Tracked>` calls so. ``neighbours`` have other SOP Instance UIDs.
    """

    held: Held | None = None
    identical: bool = False
    comparison: Comparison | None = None
    study: Reference | None = None
    series: Reference | None = None
    stack: StackReference | None = None
    acquisition: StackReference | None = None
    parallel: StackReference | None = None
    neighbours: tuple[Neighbour, ...] = ()
