"""The input of the series audit: one value for each stored instance of the series, and the context."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from scp.dicom.geometry import Geometry
from scp.dicom.sop_classes import Kind, kind_of


class Member(NamedTuple):
    """A stored instance of the series.

    ``id`` is the number of its receipt. ``slot`` is the digest of all that may legitimately repeat a position or an
    Instance Number (:class:`~scp.audit.tracked.Tracked`).
    """

    id: int
    sop_instance_uid: str
    sop_class_uid: str
    instance_number: int | None
    slot: str
    concatenation_uid: str
    in_concatenation_number: int | None
    geometry: Geometry

    @property
    def kind(self) -> Kind:
        """The kind of object."""
        return kind_of(self.sop_class_uid)

    @property
    def order(self) -> tuple[bool, int, str]:
        """The sort key of members: Instance Number, those without one last."""
        return self.instance_number is None, self.instance_number or 0, self.sop_instance_uid


@dataclass(frozen=True, slots=True)
class Context:
    """What the audit needs besides the stored instances.

    Attributes:
        series_instance_uid: of the series.
        study_instance_uid: of its study.
        modality: of the series.
        variants: the values that a series must share (:data:`~scp.audit.tracked.COUNTED`), by name, for each
            combination that its instances have, by its digest (``Geometry.variant``).
        refused: how many instances of this series were refused and are not stored, by the code of the refusal.
            Identical resends of stored instances do not count.
        absent: SOP Instance UIDs that a member refers to and that are not stored, by the number of the member; None if
            this was not looked up.
        copies: numbers of members whose bulk data are the same, each group a tuple; None if this was not looked up.
    """

    series_instance_uid: str = ""
    study_instance_uid: str = ""
    modality: str = ""
    variants: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    absent: Mapping[int, tuple[str, ...]] | None = None
    copies: tuple[tuple[int, ...], ...] | None = None
