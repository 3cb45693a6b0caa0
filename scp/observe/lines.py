"""The canonical lines: one for each instance, and one when an association opens and closes.

Lines hold UIDs, AE titles, addresses, codes and numbers. Where a UID belongs, a sender may have put anything, even a
name: a value that is not well-formed is left out of the log, and only the case has it.
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
    """Measures the steps of an instance's way; ``laps`` are milliseconds by step."""

    __slots__ = ("_last", "_start", "laps")

    def __init__(self) -> None:
        self._start = self._last = perf_counter_ns()
        self.laps: dict[str, float] = {}

    def lap(self, step: str) -> None:
        """Record that a step has ended."""
        now = perf_counter_ns()
        self.laps[step] = (now - self._last) // 1000 / 1000  # whole microseconds, in milliseconds
        self._last = now

    @property
    def total(self) -> float:
        """Milliseconds since the start."""
        return (perf_counter_ns() - self._start) // 1000 / 1000


@dataclass(slots=True)
class Tally:
    """What has come over an association, counted for its closing line."""

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
            self.codes[next(refusing, f"{verdict.status:04X}")] += 1  # no rule refuses a wrong command set

    def add_aborted(self, size: int) -> None:
        """Count one instance that never was complete."""
        self.received += 1
        self.bytes += size
        self.outcomes[Outcome.ABORTED.value] += 1


def instance_line(receipt: int, request: Request, facts: Facts, verdict: Verdict, size: int, watch: Stopwatch) -> None:
    """Log what became of an instance that was judged."""
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
    """Log what became of an instance whose data were not judged."""
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
    """Log that an association was accepted.

    ``refused`` are the SOP Classes that it may not send; ``proof`` is what TLS and user identity say about the peer.
    """
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
    """Log what came over an association, and how it ended."""
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
    """Log who was turned away, and why."""
    _log.warning(
        "association_rejected",
        address=address,
        port=port,
        calling_ae_title=calling,
        called_ae_title=called,
        reason=reason,
    )


def tls_failed(address: str, port: int, reason: str, detail: str | None) -> None:
    """Log that a TLS handshake failed, and why. ``reason`` and ``detail`` are from tables, not from the peer."""
    _log.warning("tls_failed", address=address, port=port, reason=reason, **({"detail": detail} if detail else {}))


def certificates_loaded(subject: str | None, ends: float, *, is_over: bool) -> None:
    """Log which certificate this node shows from now on; ``ends`` is when it expires, in seconds since 1970."""
    until = datetime.fromtimestamp(ends, UTC).isoformat()
    if is_over:
        _log.warning("certificate_expired", certificate_subject=subject, expired=until)
    else:
        _log.info("certificates_loaded", certificate_subject=subject, expires=until)


def certificates_kept(problems: Sequence[str]) -> None:
    """Log that new certificates cannot be used, and why; the old ones stay in use."""
    _log.error("certificates_kept", problems=problems)


def settings_renewed(changed: Sequence[str], restart: Sequence[str]) -> None:
    """Log which settings changed and are in force, and which need a restart; by name, as values may be secret."""
    log = _log.warning if restart else _log.info
    log("settings_renewed", changed=changed, needs_restart=restart)


def settings_kept(problems: Sequence[str]) -> None:
    """Log that a new configuration cannot be used, and why; the old one stays in force."""
    _log.error("settings_kept", problems=problems)


def nothing_to_reload() -> None:
    """Log that a reload changed nothing: all settings are in force already, and without TLS there are no new files."""
    _log.info("nothing_to_reload", tls=False)


def crash_line(receipt: int, crash: Crash) -> None:
    """Log that a rule failed; the instance was judged without it."""
    _log.error("rule_failed", receipt=as_text(receipt), code=crash.code, error=crash.error, place=crash.place)


def fault_line(receipt: int | None, fault: NodeFault) -> None:
    """Log that something on our side failed; ``receipt`` is that of the instance, if it happened to one."""
    _log.error("fault", receipt=None if receipt is None else as_text(receipt), fault=str(fault))


def _uid(uid: str) -> str | None:
    return uid if is_safe_name(uid) else None
