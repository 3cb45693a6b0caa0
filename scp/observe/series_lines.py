"""The canonical line of a series: the verdict of its audit, whenever that says something new."""

from collections import Counter

import structlog

from scp.audit.finding import Severity
from scp.audit.series.result import SeriesAudit, SeriesVerdict
from scp.dicom.uid import is_safe_name

_log = structlog.get_logger()


def series_line(audit: SeriesAudit, opened: int, closed: int, seconds: float) -> None:
    """Log the verdict on a series, how many findings are new (``opened``), and how many no longer hold (``closed``).

    As every line, it holds only UIDs, codes and numbers.
    """
    log = _log.info if audit.verdict is SeriesVerdict.CONSISTENT else _log.warning
    log(
        "series",
        series_instance_uid=audit.series_instance_uid if is_safe_name(audit.series_instance_uid) else None,
        study_instance_uid=audit.study_instance_uid if is_safe_name(audit.study_instance_uid) else None,
        verdict=audit.verdict.value,
        instances=audit.instances,
        images=audit.images,
        stacks=len(audit.stacks),
        codes=dict(Counter(finding.code for finding in audit.findings if finding.severity >= Severity.WARN)),
        refused=dict(audit.refused),
        opened=opened,
        closed=closed,
        ms=round(seconds * 1000, 3),
    )
    for failure in audit.failures:
        code, error, place = failure.split(" ", 2)
        _log.error("rule_failed", series_instance_uid=audit.series_instance_uid, code=code, error=error, place=place)
