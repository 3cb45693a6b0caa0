"""Audits of made-up series, and what can be found in their pictures."""

from collections.abc import Sequence
from typing import TypeVar

from scp.audit.catalogue import RULES
from scp.audit.policy import make_policy
from scp.audit.series.judge import audit_series
from scp.audit.series.member import Context, Member
from scp.audit.series.result import SeriesAudit
from scp.plot.scene import Scene, Shape, Text

Sort = TypeVar("Sort", bound=Shape)


def audited(members: Sequence[Member], **context: object) -> SeriesAudit:
    """Audit members as a CT series with UID 1.2.3."""
    known = {"series_instance_uid": "1.2.3", "study_instance_uid": "1.2", "modality": "CT"} | context
    return audit_series(members, Context(**known), make_policy(RULES))  # type: ignore[arg-type]  # fields by name


def of_sort(scene: Scene, sort: type[Sort]) -> list[Sort]:
    """Return the shapes of one sort."""
    return [shape for shape in scene.shapes if isinstance(shape, sort)]


def texts(scene: Scene) -> list[str]:
    """Return everything that is written."""
    return [shape.text for shape in of_sort(scene, Text)]
