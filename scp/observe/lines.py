"""The canonical lines: one for each instance, and one when an association opens and closes.

Lines hold UIDs, AE titles, addresses, codes and numbers. A UID that is not one may be anything, a name even, so it is
not shown; the case has it.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter_ns
from typing import Any

import structlog

from scp.audit.engine import Crash
from scp.audit.finding import DECISION_WORDS, Decision, Severity, Verdict
from scp.dicom.facts import Facts
from scp.dicom.request import Association, Request
from scp.dicom.uid import is_safe_name
from scp.errors import NodeFault
from scp.ids import as_text
from scp.outcomes import Ending, Outcome

_log = structlog.get_logger()


class Stopwatch:
    """Milliseconds by step."""

    __slots__ = ("_last", "_start", "laps")

    def __init__(self) -> None:
        self._start = self._last = perf_counter_ns()
        self.laps: dict[str, float] = {}

    def lap(self, step: str) -> None:
        """Note that a step is over."""
        now = perf_counter_ns()
        self.laps[step] = (now - self._last) // 1000 / 1000  # whole microseconds, in milliseconds
        self._last = now

    @property
    def total(self) -> float:
        """Milliseconds since the start."""
        return (perf_counter_ns() - self._start) // 1000 / 1000


@dataclass(slots=True)
class Tally:
    """What an association brought, for its closing line."""

    started: float = field(default_factory=time.perf_counter)
    received: int = 0
    bytes: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    fault: str = ""

    def add(self, verdict: Verdict, size: int) -> None:
        """Count one answered instance."""
        self.received += 1
        self.bytes += size
        self.outcomes[DECISION_WORDS[verdict.decision]] += 1
        if verdict.decision is Decision.REFUSE:
            refusing = (one.code for one in verdict.findings if one.severity is Severity.REFUSE)
            self.codes[next(refusing, f"{verdict.status:04X}")] += 1  # a command set is refused without a rule

    def add_aborted(self, size: int) -> None:
        """Count one that never was complete."""
        self.received += 1
        self.bytes += size
        self.outcomes[Outcome.ABORTED.value] += 1


def instance_line(receipt: int, request: Request, facts: Facts, verdict: Verdict, size: int, watch: Stopwatch) -> None:
    """Tell what became of an instance that was judged."""
    steps: Mapping[str, Any] = {"ms": {**watch.laps, "total": watch.total}}
    log = _log.warning if verdict.decision is Decision.REFUSE else _log.info
    log(
        "instance",
        receipt=as_text(receipt),
        association=request.association.id,
        calling_ae_title=request.association.calling_ae_title,
        sop_class_uid=_uid(facts.sop_class_uid),
        sop_instance_uid=_uid(facts.sop_instance_uid),
        series_instance_uid=_uid(facts.series_instance_uid),
        study_instance_uid=_uid(facts.study_instance_uid),
        verdict=DECISION_WORDS[verdict.decision],
        status=f"{verdict.status:04X}",
        codes=[finding.code for finding in verdict.findings],
        **({"would_be": {k: f"{v:04X}" for k, v in verdict.tightened.items()}} if verdict.tightened else {}),
        bytes=size,
        **steps,
    )


def undecided_line(receipt: int, request: Request, outcome: Outcome, status: int | None, size: int) -> None:
    """Tell what became of an instance about whose data nothing was decided."""
    _log.warning(
        "instance",
        receipt=as_text(receipt),
        association=request.association.id,
        calling_ae_title=request.association.calling_ae_title,
        sop_class_uid=_uid(request.sop_class_uid),
        sop_instance_uid=_uid(request.sop_instance_uid),
        verdict=outcome.value,
        status=None if status is None else f"{status:04X}",
        codes=[],
        bytes=size,
    )


def association_opened(association: Association, refused: Iterable[str] = (), **proof: str | None) -> None:
    """Tell who has come, and the SOP Classes it may not send; ``proof`` is what TLS and user identity say of it."""
    classes = [_uid(uid) for uid in refused]
    _log.info(
        "association_opened",
        association=association.id,
        address=association.address,
        port=association.port,
        calling_ae_title=association.calling_ae_title,
        called_ae_title=association.called_ae_title,
        implementation_class_uid=_uid(association.implementation_class_uid),
        implementation_version_name=association.implementation_version_name,
        **({"refused_sop_classes": classes} if classes else {}),
        **proof,
    )


def association_closed(association: Association, tally: Tally, ending: Ending) -> None:
    """Tell what an association brought, and how it ended."""
    _log.info(
        "association_closed",
        association=association.id,
        address=association.address,
        calling_ae_title=association.calling_ae_title,
        ending=ending.value,
        received=tally.received,
        accepted=tally.outcomes[Outcome.ACCEPT.value],
        warned=tally.outcomes[Outcome.WARN.value],
        refused=tally.outcomes[Outcome.REFUSE.value],
        retried=tally.outcomes[Outcome.RETRY.value],
        aborted=tally.outcomes[Outcome.ABORTED.value],
        refused_by_code=dict(tally.codes),
        bytes=tally.bytes,
        seconds=round(time.perf_counter() - tally.started, 3),
        **({"fault": tally.fault} if tally.fault else {}),
    )


def association_rejected(address: str, port: int, calling: str, called: str, reason: str) -> None:
    """Tell who was not let in, and why."""
    _log.warning(
        "association_rejected",
        address=address,
        port=port,
        calling_ae_title=calling,
        called_ae_title=called,
        reason=reason,
    )


def tls_failed(address: str, port: int, reason: str, detail: str | None) -> None:
    """Tell with whom there was no TLS, and why. Both words are from tables, not from the peer."""
    _log.warning("tls_failed", address=address, port=port, reason=reason, **({"detail": detail} if detail else {}))


def certificates_loaded(subject: str | None, ends: float, *, is_over: bool) -> None:
    """Tell whose certificate this node shows from now on, and when it expires or has expired."""
    until = datetime.fromtimestamp(ends, UTC).isoformat()
    if is_over:
        _log.warning("certificate_expired", certificate_subject=subject, expired=until)
    else:
        _log.info("certificates_loaded", certificate_subject=subject, expires=until)


def certificates_kept(problems: Sequence[str]) -> None:
    """Tell that new certificates cannot be used, and why; those from before stay."""
    _log.error("certificates_kept", problems=problems)


def settings_renewed(changed: Sequence[str], restart: Sequence[str]) -> None:
    """Tell which settings are in force from now on, and which take a restart; values are not for the log."""
    log = _log.warning if restart else _log.info
    log("settings_renewed", changed=changed, needs_restart=restart)


def settings_kept(problems: Sequence[str]) -> None:
    """Tell that a new configuration cannot be used, and why; that from before stays."""
    _log.error("settings_kept", problems=problems)


def nothing_to_reload() -> None:
    """Tell that a reload found what is in force already."""
    _log.info("nothing_to_reload", tls=False)


def crash_line(receipt: int, crash: Crash) -> None:
    """Tell that a rule failed; the instance was judged without it."""
    _log.error("rule_failed", receipt=as_text(receipt), code=crash.code, error=crash.error, place=crash.place)


def fault_line(receipt: int | None, fault: NodeFault) -> None:
    """Tell that something on our side failed."""
    _log.error("fault", receipt=None if receipt is None else as_text(receipt), fault=str(fault))


def _uid(uid: str) -> str | None:
    return uid if is_safe_name(uid) else None
