"""What is counted is counted once, whoever asks and whenever; labels are bounded."""

import threading
from dataclasses import replace

from scp.audit.finding import Decision, Finding, Problem, Severity, Verdict
from scp.observe.meter import BOUNDS_MS, OTHER, Meters
from scp.outcomes import Ending
from tests.unit.nodes import association

ACCEPT = Verdict(Decision.ACCEPT, 0)
REFUSE = Verdict(
    Decision.REFUSE,
    0xC111,
    findings=(
        Finding("DUP-004", Severity.REFUSE, 0xC111, Problem("x")),
        Finding("UID-004", Severity.INFO, 0, Problem("y")),
        Finding("UID-004", Severity.INFO, 0, Problem("z")),
    ),
)


class Told:
    """Counts calls."""

    def __init__(self) -> None:
        self.times = 0

    def closed(self) -> None:
        self.times += 1


def test_instances_are_counted_by_sender_and_outcome_while_the_association_goes_on_and_after() -> None:
    meters = Meters()
    meter = meters.open(association("CT1"))
    meter.instance(ACCEPT, 100, {"sync": 0.2})
    meter.instance(REFUSE, 10, {})
    meter.aborted(1)
    expected = {("CT1", "accept"): 1, ("CT1", "refuse"): 1, ("CT1", "aborted"): 1}
    before = meters.totals()
    assert (before.outcomes, before.bytes) == (expected, {"CT1": 111})
    assert before.findings == {("DUP-004", 3): 1, ("UID-004", 1): 2}
    assert (before.associations, before.opened, before.endings) == (1, 1, {})
    assert meters.live() == [meter]
    meters.close(meter, Ending.RELEASED)
    after = meters.totals()
    assert (after.outcomes, after.bytes, after.findings) == (expected, {"CT1": 111}, before.findings)
    assert (after.associations, after.opened, after.endings) == (0, 1, {"released": 1})
    assert after.steps == before.steps
    assert meters.live() == []


def test_steps_fall_into_the_class_of_their_upper_end() -> None:
    meters = Meters()
    meter = meters.open(association())
    for milliseconds in (BOUNDS_MS[0], BOUNDS_MS[0] + 0.001, 1e9):
        meter.instance(ACCEPT, 1, {"judge": milliseconds})
    *counts, total = meters.totals().steps["judge"]
    assert counts[:2] == [1, 1]
    assert counts[-1] == 1
    assert sum(counts) == 3
    assert total == BOUNDS_MS[0] * 2 + 0.001 + 1e9


def test_only_the_first_senders_have_names_of_their_own_and_only_proper_ones() -> None:
    meters = Meters(senders=2)
    titles = ["CT1", "", "X" * 17, "CT\n1", "CTÄ", "CT2", "CT3", "CT1"]
    for title in titles:
        meter = meters.open(association(title))
        meter.instance(ACCEPT, 1, {})
        meters.close(meter, Ending.RELEASED)
    assert meters.totals().bytes == {"CT1": 2, "CT2": 1, OTHER: 5}


def test_reasons_are_bounded() -> None:
    meters = Meters()
    for number in range(100):
        meters.rejected(f"reason {number}")
        meters.tls_failed("no handshake in time")
    totals = meters.totals()
    assert totals.tls_failed == {"no handshake in time": 100}
    assert totals.rejected["reason 49"] == 1
    assert totals.rejected[OTHER] == 50
    assert len(totals.rejected) == 51


def test_associations_with_refusals_are_told_when_they_have_ended() -> None:
    meters, told = Meters(), Told()
    meters.listener = told
    for verdict in (ACCEPT, REFUSE, replace(REFUSE, findings=())):
        meter = meters.open(association())
        meter.instance(verdict, 1, {})
        before = told.times
        meters.close(meter, Ending.LOST)
        assert told.times - before == (verdict.decision is Decision.REFUSE)


def test_nothing_is_lost_or_counted_twice_while_others_look() -> None:
    meters, rounds, seen = Meters(), 300, [0]
    done = threading.Event()

    def send() -> None:
        for _ in range(rounds):
            meter = meters.open(association("CT1"))
            meter.instance(ACCEPT, 1, {"sync": 1.0})
            meter.instance(REFUSE, 1, {"sync": 1.0, "judge": 1.0})
            meters.close(meter, Ending.RELEASED)

    def look() -> None:
        while not done.is_set():
            seen.append(meters.totals().bytes["CT1"])

    watcher, senders = threading.Thread(target=look), [threading.Thread(target=send) for _ in range(4)]
    for thread in (watcher, *senders):
        thread.start()
    for thread in senders:
        thread.join()
    done.set()
    watcher.join()
    assert seen == sorted(seen)
    totals = meters.totals()
    assert totals.outcomes == {("CT1", "accept"): 4 * rounds, ("CT1", "refuse"): 4 * rounds}
    assert sum(totals.steps["sync"][:-1]) == 8 * rounds
