"""A series is audited when it has become quiet: once, again if more comes, and after a restart too."""

import threading
import time
from collections.abc import Callable, MutableSequence
from typing import Any

import pytest
import structlog
from pydicom.uid import ColorPaletteStorage

from scp.audit.catalogue import RULES
from scp.audit.finding import Severity
from scp.audit.policy import make_policy
from scp.audit.series import judge
from scp.audit.series.result import SeriesVerdict
from scp.errors import LedgerFault
from scp.ids import new_id
from scp.layout import LEDGER
from scp.ledger.acts import Act, ActKind, record
from scp.ledger.browse import SeriesFilter, series_page
from scp.ledger.census import take
from scp.ledger.reading import reading
from scp.ledger.series import all_series
from scp.ledger.series_status import history, newest, status
from scp.observe import lines, series_lines
from scp.series import Auditor, opener
from scp.watch import LOOK_SECONDS, Watch
from tests.rules.builders import SERIES
from tests.unit.nodes import LIMITS, Scratch, data_set
from tests.unit.series import volume

QUIET = 10.0
PATIENCE = 30.0
Told = MutableSequence[Any]


class Clock:
    """Seconds that pass when somebody says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """Every line that the watch tells."""
    capture = structlog.testing.LogCapture()
    logger = structlog.wrap_logger(
        structlog.ReturnLogger(), processors=[capture], wrapper_class=structlog.make_filtering_bound_logger(0)
    )
    for module in (lines, series_lines):
        monkeypatch.setattr(module, "_log", logger)
    monkeypatch.setattr(structlog, "get_logger", lambda: logger)
    return capture.entries


@pytest.fixture
def clock() -> Clock:
    return Clock()


Make = Callable[..., Watch]


@pytest.fixture
def make(node: Scratch, clock: Clock) -> Make:
    """Make a watch of the node, which listens to its intake."""
    auditor = Auditor(make_policy(RULES), LIMITS, opener(node.folder))

    def make(auditor: Callable[[], Auditor] = lambda: auditor, quiet: float = QUIET, **more: Any) -> Watch:
        made = Watch(node.ledger, node.folder / "ledger.sqlite3", auditor, quiet, **({"clock": clock} | more))
        node.intake.hear_series = made.hear
        return made

    return make


@pytest.fixture
def watch(make: Make) -> Watch:
    """A watch that has seen that there was nothing before it."""
    made = make()
    made.turn()
    return made


def send(node: Scratch, *numbers: int, **changes: Any) -> None:
    for data in volume(*numbers, **changes):
        assert node.send(data).verdict.is_stored


def verdict(node: Scratch, uid: str = SERIES) -> SeriesVerdict | None:
    found = node.ledger.transact(lambda db: status(db, uid))
    assert found is not None
    return found.verdict


def audits(node: Scratch) -> int:
    return len(node.ledger.transact(lambda db: history(db, SERIES)))


def series_told(told: Told) -> list[dict[str, Any]]:
    return [line for line in told if line["event"] == "series"]


def audited_series(told: Told) -> list[str]:
    return [line["series_instance_uid"] for line in series_told(told)]


def test_a_series_is_audited_when_nothing_has_come_for_so_long(
    node: Scratch, watch: Watch, clock: Clock, told: Told
) -> None:
    send(node, 1, 2, 3)
    clock.now += QUIET - 1
    send(node, 4)
    clock.now += QUIET - 1
    assert watch.turn() == pytest.approx(1)
    assert verdict(node) is None
    clock.now += 1
    watch.turn()
    assert verdict(node) is SeriesVerdict.CONSISTENT
    (line,) = series_told(told)
    assert (line["series_instance_uid"], line["verdict"], line["instances"]) == (SERIES, "consistent", 4)


def test_objects_of_no_patient_are_no_series_together(
    node: Scratch, watch: Watch, make: Make, clock: Clock, told: Told
) -> None:
    for number, maker in enumerate(("MAKER 1", "MAKER 2")):
        palette = data_set(
            SOPClassUID=ColorPaletteStorage, SOPInstanceUID=f"1.2.77.{number}", Manufacturer=maker,
            StudyInstanceUID=None, SeriesInstanceUID=None, PatientID=None,
        )  # fmt: skip
        assert node.send(palette).verdict.is_stored
    assert watch.open == 0
    assert watch.audit("") is None
    restarted = make()
    restarted.turn()
    assert restarted.open == 0
    assert node.ledger.transact(all_series) == []
    assert series_told(told) == []
    with reading(node.folder / LEDGER) as db:
        assert list(newest(db, 10)) == []
        assert series_page(db, SeriesFilter()) == []
        assert take(db).series == {}


def test_it_sleeps_until_something_is_due(node: Scratch, watch: Watch, clock: Clock) -> None:
    assert watch.turn() == pytest.approx(LOOK_SECONDS)
    send(node, 1)
    clock.now += 2
    send(node, 2, SeriesInstanceUID=f"{SERIES}.2", SOPInstanceUID="1.2.3.4")
    assert watch.turn() == pytest.approx(QUIET - 2)


def test_a_late_instance_opens_a_series_again_and_the_old_findings_are_closed(
    node: Scratch, watch: Watch, clock: Clock, told: Told
) -> None:
    send(node, 1, 2, 3, 5)
    clock.now += QUIET
    watch.turn()
    assert verdict(node) is SeriesVerdict.ATTENTION
    send(node, 4)
    clock.now += QUIET
    watch.turn()
    assert verdict(node) is SeriesVerdict.CONSISTENT
    first, second = series_told(told)
    assert (first["codes"], first["opened"], first["closed"], first["log_level"]) == ({"SER-305": 1}, 2, 0, "warning")
    assert (second["codes"], second["opened"], second["closed"], second["log_level"]) == ({}, 0, 2, "info")


def test_a_resend_that_changes_nothing_is_not_told_of_again(
    node: Scratch, watch: Watch, clock: Clock, told: Told
) -> None:
    send(node, 1, 2, 3)
    clock.now += QUIET
    watch.turn()
    for data in volume(1, 2, 3):
        node.send(data)
    clock.now += QUIET
    watch.turn()
    assert len(series_told(told)) == audits(node) == 1


def test_here_and_now_is_answered(node: Scratch, watch: Watch) -> None:
    send(node, 1, 2, 3, 5)
    audited = watch.audit(SERIES)
    assert audited is not None
    assert audited.audit.verdict is verdict(node) is SeriesVerdict.ATTENTION
    assert watch.audit("1.2.3") is None


def test_what_was_not_judged_before_a_restart_is_judged_after_it(node: Scratch, make: Make, clock: Clock) -> None:
    first = make()
    send(node, 1, 2, 3)
    first.close()
    second = make()
    assert second.turn() == pytest.approx(QUIET)
    assert verdict(node) is None, "its sender may be about to go on"
    clock.now += QUIET
    second.turn()
    assert verdict(node) is SeriesVerdict.CONSISTENT
    third = make()
    third.turn()
    clock.now += QUIET
    third.turn()
    assert audits(node) == 1


def test_series_for_which_there_is_no_room_have_their_turn_later(
    node: Scratch, watch: Watch, clock: Clock, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scp.watch.MOST", 2)
    uids = [f"{SERIES}.{number}" for number in range(1, 6)]
    for number, uid in enumerate(uids, 1):
        send(node, number, SeriesInstanceUID=uid, SOPInstanceUID=f"1.2.3.{number}")
    assert watch.open == 2
    clock.now += QUIET
    watch.turn()
    assert audited_series(told) == uids[:2]
    for _ in range(2):
        clock.now += LOOK_SECONDS
        watch.turn()
        assert watch.open <= 2
        clock.now += QUIET
        watch.turn()
    assert audited_series(told) == uids, "the ledger knew of those that found no room"
    clock.now += LOOK_SECONDS
    watch.turn()
    assert watch.open == 0


def test_a_start_with_more_than_there_is_room_for_comes_to_all_of_it(
    node: Scratch, make: Make, clock: Clock, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scp.watch.MOST", 2)
    node.intake.hear_series = lambda _uid: None
    uids = [f"{SERIES}.{number}" for number in range(1, 4)]
    for number, uid in enumerate(uids, 1):
        send(node, number, SeriesInstanceUID=uid, SOPInstanceUID=f"1.2.3.{number}")
    watch = make()
    watch.turn()
    assert watch.open == 2
    for _ in range(2):
        clock.now += QUIET
        watch.turn()
        clock.now += LOOK_SECONDS
        watch.turn()
    assert audited_series(told) == uids


def test_a_ledger_that_cannot_be_read_does_not_make_the_watch_forget_that_it_is_behind(
    node: Scratch, make: Make, clock: Clock, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = make()
    send(node, 1)
    watch._due.clear()
    with monkeypatch.context() as broken:
        broken.setattr("scp.watch.reading", _fault)
        watch.turn()
    clock.now += LOOK_SECONDS
    watch.turn()
    clock.now += QUIET
    watch.turn()
    assert audited_series(told) == [SERIES]


def test_what_somebody_did_about_an_object_is_looked_for(node: Scratch, watch: Watch, clock: Clock) -> None:
    send(node, 1, 2, 3)
    watch.audit(SERIES)
    receipt = node.receipts()[1].id
    node.ledger.transact(lambda db: db.execute("DELETE FROM instance WHERE id = ?", (receipt,)))
    node.ledger.transact(
        lambda db: record(db, Act(new_id(), 0, ActKind.REPLACE.value, "somebody", "", receipt, "replaced", ""))
    )
    watch.turn()
    clock.now += LOOK_SECONDS
    watch.turn()
    watch.turn()
    assert audits(node) == 2


def test_an_instance_that_came_just_now_puts_it_off(node: Scratch, watch: Watch, clock: Clock) -> None:
    send(node, 1, 2, 3)
    taken = watch._take
    clock.now += QUIET
    watch.hear(SERIES)
    taken(SERIES)
    assert verdict(node) is None
    clock.now += QUIET
    watch.turn()
    assert verdict(node) is SeriesVerdict.CONSISTENT


def test_a_series_that_is_gone_is_forgotten(watch: Watch, clock: Clock) -> None:
    watch.hear("1.2.3")
    clock.now += QUIET
    assert watch.turn() == pytest.approx(LOOK_SECONDS - QUIET)


def test_a_ledger_that_fails_is_told_of_and_asked_again(
    node: Scratch, watch: Watch, clock: Clock, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(node, 1, 2, 3)
    clock.now += QUIET
    with monkeypatch.context() as broken:
        broken.setattr(node.ledger, "transact", _fault)
        watch.turn()
    assert [line["fault"] for line in told if line["event"] == "fault"] == ["the ledger cannot be written"]
    clock.now += QUIET
    watch.turn()
    assert verdict(node) is SeriesVerdict.CONSISTENT


def _fault(_: object) -> None:
    raise LedgerFault("the ledger cannot be written")


def test_our_own_mistake_about_one_series_does_not_end_the_watch(
    node: Scratch, make: Make, clock: Clock, told: Told
) -> None:
    def broken() -> Auditor:
        raise KeyError("Doe^John")

    watch = make(broken)
    watch.turn()
    send(node, 1)
    clock.now += QUIET
    watch.turn()
    (line,) = [one for one in told if one["event"] == "series_audit_failed"]
    assert line["error"] == "KeyError"
    assert "Doe" not in repr(told)


def test_a_rule_that_fails_is_told_of(node: Scratch, told: Told, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> list[Any]:
        raise ValueError("Doe^John")

    monkeypatch.setattr(judge, "SERIES_RULES", ((judge.SERIES_RULES[0][0], broken),))
    send(node, 1)
    audited = make().audit(SERIES)
    assert audited is not None
    assert [one.severity for one in audited.audit.findings] == [Severity.WARN]
    (line,) = [one for one in told if one["event"] == "rule_failed"]
    assert (line["error"], line["series_instance_uid"]) == ("ValueError", SERIES)


def test_the_thread_wakes_for_what_is_due_and_ends_when_asked(node: Scratch, make: Make, told: Told) -> None:
    watch = make(quiet=0.05, clock=time.monotonic)
    watch.start()
    send(node, 1, 2, 3)
    assert eventually(lambda: verdict(node) is SeriesVerdict.CONSISTENT)
    watch.close(PATIENCE)
    assert not watch._thread.is_alive()
    assert series_told(told)


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < deadline:
        threading.Event().wait(0.005)
    return holds()


def test_a_watch_that_was_never_started_can_be_closed(make: Make) -> None:
    make().close()


def test_what_is_stopped_begins_no_other_audit(node: Scratch, watch: Watch, clock: Clock) -> None:
    send(node, 1)
    clock.now += QUIET
    watch.close()
    assert watch.turn() == 0
    assert verdict(node) is None
