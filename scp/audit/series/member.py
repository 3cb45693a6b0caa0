"""What goes into the series audit: one value for each stored instance of the series, and what is known beside them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from scp.dicom.geometry import Geometry
from scp.dicom.sop_classes import Kind, kind_of


class Member(NamedTuple):
    """A stored instance of the series.

    ``id`` is the number of its receipt. ``slot`` stands for all that may legitimately repeat a position or an Instance
    Number (:class:`~scp.audit.tracked.Tracked`).
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
        """What sort of object it is."""
        return kind_of(self.sop_class_uid)

    @property
    def order(self) -> tuple[bool, int, str]:
        """What members are sorted by: Instance Number, those without one last."""
        return self.instance_number is None, self.instance_number or 0, self.sop_instance_uid


@dataclass(frozen=True, slots=True)
class Context:
    """What the audit is told beside the stored instances.

    Attributes:
        series_instance_uid: of the series.
        study_instance_uid: of its study.
        modality: of the series.
        variants: the values that a series must share, by name (:data:`~scp.audit.tracked.COUNTED`), of each
            combination that its instances have, by what stands for it (``Geometry.variant``).
        refused: how many instances of this series were refused and are not stored, by the code that refused them.
            Resends of what is stored do not count.
        absent: SOP Instance UIDs that a member refers to and that are not stored, by the number of the member; None if
            nobody has looked.
        copies: numbers of members whose bulk data are the same, each group a tuple; None if nobody has looked.
    """

    series_instance_uid: str = ""
    study_instance_uid: str = ""
    modality: str = ""
    variants: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)
    absent: Mapping[int, tuple[str, ...]] | None = None
    copies: tuple[tuple[int, ...], ...] | None = None
