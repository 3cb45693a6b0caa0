"""A response is confirmed by whatever comes after it on its association, and by nothing else."""

import threading

import pytest

from scp.delivery import Deliveries


def test_what_comes_next_confirms_the_last_instance_once() -> None:
    deliveries = Deliveries()
    deliveries.expect("A", 1)
    assert deliveries.heard("A") == 1
    assert deliveries.heard("A") is None
    assert deliveries.is_confirmed(1)


def test_before_anything_comes_the_instance_is_open_and_not_confirmed() -> None:
    deliveries = Deliveries()
    deliveries.expect("A", 1)
    assert deliveries.is_open(1)
    assert not deliveries.is_confirmed(1)


def test_associations_do_not_confirm_for_each_other() -> None:
    deliveries = Deliveries()
    deliveries.expect("A", 1)
    deliveries.expect("B", 2)
    assert deliveries.heard("B") == 2
    assert deliveries.is_open(1)
    assert not deliveries.is_confirmed(1)


def test_an_association_that_ends_otherwise_confirms_nothing() -> None:
    deliveries = Deliveries()
    deliveries.expect("A", 1)
    deliveries.ended("A")
    assert not deliveries.is_open(1)
    assert not deliveries.is_confirmed(1)
    assert deliveries.heard("A") is None


def test_the_end_of_an_association_that_expects_nothing_is_nothing() -> None:
    deliveries = Deliveries()
    deliveries.ended("A")
    assert deliveries.heard("A") is None


def test_an_instance_that_two_associations_speak_of_is_open_until_both_have_gone_on() -> None:
    deliveries = Deliveries()
    deliveries.expect("A", 1)
    deliveries.expect("B", 1)
    deliveries.heard("A")
    assert deliveries.is_open(1)
    deliveries.ended("B")
    assert not deliveries.is_open(1)


def test_only_the_newest_confirmations_are_remembered() -> None:
    deliveries = Deliveries()
    for instance in range(2_000):
        deliveries.expect("A", instance)
        deliveries.heard("A")
    assert deliveries.is_confirmed(1_999)
    assert not deliveries.is_confirmed(0)


def test_settling_what_is_not_open_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    deliveries = Deliveries()
    waits: list[float | None] = []
    monkeypatch.setattr(deliveries._changed, "wait", waits.append)
    deliveries.settle(1, seconds=3_600)
    assert waits == []


def test_settling_ends_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    deliveries = Deliveries()
    deliveries.expect("A", 1)
    waits: list[float | None] = []
    monkeypatch.setattr(deliveries._changed, "wait", waits.append)
    deliveries.settle(1, seconds=0.01)
    assert waits
    assert deliveries.is_open(1)


def test_settling_ends_as_soon_as_the_association_goes_on_or_ends() -> None:
    deliveries = Deliveries()
    deliveries.expect("A", 1)
    deliveries.expect("B", 2)
    waiting = [threading.Thread(target=deliveries.settle, args=(one, 3_600), daemon=True) for one in (1, 2)]
    for thread in waiting:
        thread.start()
    deliveries.heard("A")
    deliveries.ended("B")
    for thread in waiting:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in waiting)
