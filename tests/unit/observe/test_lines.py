"""The canonical lines have the fields that they promise, in plain values, and nothing that names a person."""

from collections.abc import MutableSequence
from dataclasses import replace
from typing import Any

import orjson
import pytest

from scp.audit.engine import Crash
from scp.audit.finding import Decision, Finding, Problem, Severity, Verdict
from scp.errors import StoreFault
from scp.ids import as_text
from scp.observe.lines import (
    Stopwatch,
    Tally,
    association_closed,
    association_opened,
    association_rejected,
    crash_line,
    fault_line,
    instance_line,
    undecided_line,
)
from scp.outcomes import Ending, Outcome
from tests.rules.builders import ASSOCIATION, INSTANCE, SERIES, STUDY, image, subject

Told = MutableSequence[Any]
SECRET = "Doe^John"
ACCEPT = Verdict(Decision.ACCEPT, 0)
REFUSE = Verdict(
    Decision.REFUSE, 0xC111,
    findings=(
        Finding("NUM-001", Severity.WARN, 0xC021, Problem("first")),
        Finding("DUP-004", Severity.REFUSE, 0xC111, Problem("second")),
        Finding("ENT-202", Severity.REFUSE, 0xC132, Problem("third")),
    ),
)  # fmt: skip
SENT = subject(image())


def the_line(told: Told) -> dict[str, Any]:
    """The only line that was told; it can be written as JSON."""
    (line,) = told
    found: dict[str, Any] = orjson.loads(orjson.dumps(line))
    return found


def test_an_instance_is_told_in_one_line(told: Told) -> None:
    watch = Stopwatch()
    watch.lap("sync")
    instance_line(7, SENT.request, SENT.facts, ACCEPT, 1000, watch)
    line = the_line(told)
    assert set(line.pop("ms")) == {"sync", "total"}
    assert line == {
        "event": "instance",
        "log_level": "info",
        "receipt": as_text(7),
        "association": ASSOCIATION.id,
        "calling_ae_title": "MODALITY",
        "sop_class_uid": image().SOPClassUID,
        "sop_instance_uid": INSTANCE,
        "series_instance_uid": SERIES,
        "study_instance_uid": STUDY,
        "verdict": "accept",
        "status": "0000",
        "codes": [],
        "bytes": 1000,
    }


def test_a_refusal_is_a_warning_with_the_codes_of_all_findings(told: Told) -> None:
    instance_line(7, SENT.request, SENT.facts, REFUSE, 1000, Stopwatch())
    line = the_line(told)
    assert (line["log_level"], line["verdict"], line["status"]) == ("warning", "refuse", "C111")
    assert line["codes"] == ["NUM-001", "DUP-004", "ENT-202"]


def test_what_a_stricter_profile_would_have_answered_is_told_where_it_differs(told: Told) -> None:
    instance_line(7, SENT.request, SENT.facts, replace(ACCEPT, tightened={"strict": 0xC021}), 0, Stopwatch())
    assert the_line(told)["would_be"] == {"strict": "C021"}


def test_what_is_no_uid_is_not_told(told: Told) -> None:
    facts = replace(
        SENT.facts, sop_class_uid=SECRET, sop_instance_uid=SECRET, series_instance_uid=SECRET, study_instance_uid=""
    )
    request = replace(SENT.request, sop_class_uid=SECRET, sop_instance_uid=SECRET)
    instance_line(7, request, facts, ACCEPT, 0, Stopwatch())
    undecided_line(7, request, Outcome.ABORTED, None, 0)
    association_opened(replace(ASSOCIATION, implementation_class_uid=SECRET))
    assert SECRET not in repr(told)
    uids = [value for line in told for name, value in line.items() if name.endswith("_uid")]
    assert uids == [None] * 7


@pytest.mark.parametrize(
    ("outcome", "status", "written"), [(Outcome.ABORTED, None, None), (Outcome.RETRY, 0xA700, "A700")]
)
def test_an_instance_without_a_decision_is_a_warning(
    told: Told, outcome: Outcome, status: int | None, written: str | None
) -> None:
    undecided_line(7, SENT.request, outcome, status, 123)
    line = the_line(told)
    assert (line["event"], line["log_level"], line["receipt"]) == ("instance", "warning", as_text(7))
    assert (line["verdict"], line["status"], line["codes"], line["bytes"]) == (outcome.value, written, [], 123)
    assert line["sop_instance_uid"] == INSTANCE


def test_the_opening_of_an_association_says_who_has_come(told: Told) -> None:
    association_opened(ASSOCIATION)
    assert the_line(told) == {
        "event": "association_opened",
        "log_level": "info",
        "association": ASSOCIATION.id,
        "address": "127.0.0.1",
        "port": 40000,
        "calling_ae_title": "MODALITY",
        "called_ae_title": "AUDITSCP",
        "implementation_class_uid": "1.2.826.0.1.99",
        "implementation_version_name": "TEST_1",
    }


def test_what_a_peer_may_not_send_is_told_when_it_comes(told: Told) -> None:
    association_opened(ASSOCIATION, ["1.2.840.10008.5.1.4.1.1.4", SECRET])
    assert the_line(told)["refused_sop_classes"] == ["1.2.840.10008.5.1.4.1.1.4", None]
    assert SECRET not in repr(told)


def test_the_closing_of_an_association_says_what_it_brought(told: Told) -> None:
    tally = Tally()
    tally.add(Verdict(Decision.REFUSE, 0x0212), 0)
    assert tally.codes == {"0212": 1}, "a command set is refused by no rule"
    tally = Tally()
    for verdict in (ACCEPT, ACCEPT, Verdict(Decision.WARN, 0), REFUSE, REFUSE, Verdict(Decision.RETRY, 0xA700)):
        tally.add(verdict, 10)
    tally.add_aborted(5)
    association_closed(ASSOCIATION, tally, Ending.LOST)
    line = the_line(told)
    assert line.pop("seconds") >= 0
    assert line == {
        "event": "association_closed",
        "log_level": "info",
        "association": ASSOCIATION.id,
        "address": "127.0.0.1",
        "calling_ae_title": "MODALITY",
        "ending": "lost",
        "received": 7,
        "accepted": 2,
        "warned": 1,
        "refused": 2,
        "retried": 1,
        "aborted": 1,
        "refused_by_code": {"DUP-004": 2},
        "bytes": 65,
    }


def test_a_rejected_association_is_a_warning_with_the_reason(told: Told) -> None:
    association_rejected("192.0.2.1", 4000, "CT1", "WRONG", "called AE title not recognised")
    assert the_line(told) == {
        "event": "association_rejected",
        "log_level": "warning",
        "address": "192.0.2.1",
        "port": 4000,
        "calling_ae_title": "CT1",
        "called_ae_title": "WRONG",
        "reason": "called AE title not recognised",
    }


def test_a_failed_rule_is_an_error_with_its_place(told: Told) -> None:
    crash_line(7, Crash("GEO-103", "TypeError", "scp.audit.rules.geo_plane:42"))
    assert the_line(told) == {
        "event": "rule_failed",
        "log_level": "error",
        "receipt": as_text(7),
        "code": "GEO-103",
        "error": "TypeError",
        "place": "scp.audit.rules.geo_plane:42",
    }


@pytest.mark.parametrize(("receipt", "written"), [(7, as_text(7)), (None, None)])
def test_a_fault_is_an_error(told: Told, receipt: int | None, written: str | None) -> None:
    fault_line(receipt, StoreFault("the spool cannot be written (No space left on device, errno 28)"))
    line = the_line(told)
    assert (line["event"], line["log_level"], line["receipt"]) == ("fault", "error", written)
    assert line["fault"] == "the spool cannot be written (No space left on device, errno 28)"


def test_a_stopwatch_adds_up() -> None:
    watch = Stopwatch()
    for step in ("sync", "judge"):
        watch.lap(step)
    assert list(watch.laps) == ["sync", "judge"]
    assert sum(watch.laps.values()) <= watch.total + 0.002
    assert all(round(lap, 3) == lap for lap in (*watch.laps.values(), watch.total))
