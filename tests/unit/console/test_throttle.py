"""Guessing becomes slow, and honest mistakes are forgotten."""

from scp.console.throttle import Throttle
from tests.unit.console.test_sessions import Clock


def test_the_first_failures_cost_nothing_and_then_the_wait_doubles() -> None:
    clock = Clock()
    throttle = Throttle(3, clock)
    waits = []
    for _ in range(8):
        throttle.failed("a")
        waits.append(throttle.wait("a"))
    assert waits == [0, 0, 1, 2, 4, 8, 16, 32]


def test_a_wait_is_at_most_five_minutes_and_passes() -> None:
    clock = Clock()
    throttle = Throttle(0, clock)
    for _ in range(100):
        throttle.failed("a")
    assert throttle.wait("a") == 300
    clock.now += 299
    assert throttle.wait("a") == 1
    clock.now += 1
    assert throttle.wait("a") == 0


def test_success_and_an_hour_forget_failures() -> None:
    clock = Clock()
    throttle = Throttle(1, clock)
    throttle.failed("a")
    throttle.failed("b")
    throttle.succeeded("a")
    assert (throttle.wait("a"), throttle.wait("b")) == (0, 1)
    clock.now += 3600
    throttle.failed("b")
    assert throttle.wait("b") == 1


def test_others_do_not_wait() -> None:
    throttle = Throttle(0)
    throttle.failed("a")
    assert throttle.wait("b") == 0


def test_a_flood_of_keys_is_bounded() -> None:
    throttle = Throttle(0)
    for number in range(5000):
        throttle.failed(str(number))
    assert throttle.wait("0") == 0
    assert throttle.wait("4999") > 0
