"""What came lately is what the meters moved by."""

from collections.abc import Iterator

from scp.audit.finding import Decision, Verdict
from scp.console.rates import Lately
from scp.observe.meter import Meters
from scp.outcomes import Ending
from tests.unit.nodes import association


def ticking() -> Iterator[float]:
    yield from range(1000, 10_000, 5)


def test_each_look_is_a_step() -> None:
    meters, clock = Meters(), ticking()
    lately = Lately(meters, lambda: next(clock))
    meter = meters.open(association())
    for decision in (Decision.ACCEPT, Decision.WARN, Decision.REFUSE, Decision.RETRY, Decision.ACCEPT):
        meter.instance(Verdict(decision, 0), 10, {})
    meter.aborted(5)
    lately.look()
    meters.close(meter, Ending.RELEASED)
    lately.look()
    first, second = lately.rates().steps
    assert (first.accepted, first.warned, first.refused, first.other, first.bytes, first.instances) == (
        2,
        1,
        1,
        2,
        55,
        6,
    )
    assert (second.instances, second.at) == (0, 1005)


def test_the_last_minute_is_twelve_steps_and_five_minutes_are_kept() -> None:
    meters, clock = Meters(), ticking()
    lately = Lately(meters, lambda: next(clock))
    meter = meters.open(association())
    for _ in range(100):
        meter.instance(Verdict(Decision.REFUSE, 0xC111), 1, {})
        lately.look()
    rates = lately.rates()
    assert (len(rates.steps), rates.instances, rates.refused, rates.bytes) == (60, 12, 12, 12)


def test_what_came_before_does_not_count() -> None:
    meters = Meters()
    meter = meters.open(association())
    meter.instance(Verdict(Decision.ACCEPT, 0), 1, {})
    lately = Lately(meters)
    lately.look()
    assert lately.rates().instances == 0
