"""One at a time has the turn; who waits hands it on, and has it again afterwards."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from scp import turn
from scp.turn import acquire, aside

PATIENCE = 30.0


def in_thread(act: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=act)
    thread.start()
    return thread


def somebody_else_can_have_it() -> bool:
    """Whether another thread gets the turn, and hands it on."""

    def have() -> None:
        turn.take()
        had.set()
        turn.leave()

    had = threading.Event()
    thread = in_thread(have)
    thread.join(PATIENCE)
    return had.is_set()


@pytest.fixture
def ours() -> Iterator[None]:
    """Have the turn."""
    turn.take()
    yield
    turn.leave()


def test_who_never_took_the_turn_just_waits() -> None:
    assert aside(lambda value: value * 2, 4) == 8
    assert somebody_else_can_have_it()


@pytest.mark.usefixtures("ours")
def test_nobody_else_has_the_turn_before_it_is_handed_on() -> None:
    had = threading.Event()

    def have() -> None:
        turn.take()
        had.set()
        turn.leave()

    thread = in_thread(have)
    order = [had.is_set()]
    aside(thread.join, PATIENCE)
    order.append(had.is_set())
    assert order == [False, True]


@pytest.mark.usefixtures("ours")
def test_others_go_on_while_one_waits_and_then_it_is_ours_again() -> None:
    assert aside(somebody_else_can_have_it)
    assert turn._holder == threading.get_ident()


@pytest.mark.usefixtures("ours")
def test_a_wait_that_fails_gives_the_turn_back() -> None:
    with pytest.raises(ZeroDivisionError):
        aside(divmod, 1, 0)
    assert turn._holder == threading.get_ident()


@pytest.mark.usefixtures("ours")
def test_a_lock_whose_holder_waits_for_the_turn_is_waited_for_without_it() -> None:
    lock = threading.Lock()
    held = threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            turn.take()
            turn.leave()

    thread = in_thread(hold)
    assert held.wait(PATIENCE)
    acquire(lock)
    lock.release()
    thread.join(PATIENCE)
    assert turn._holder == threading.get_ident()


@pytest.mark.usefixtures("ours")
def test_a_lock_that_is_free_costs_no_turn() -> None:
    lock = threading.Lock()
    acquire(lock)
    assert lock.locked()
    assert turn._holder == threading.get_ident()


@pytest.mark.usefixtures("ours")
def test_who_is_not_asked_by_anybody_keeps_the_turn() -> None:
    turn.offer()
    assert turn._holder == threading.get_ident()


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize("step", [turn.offer, lambda: aside(bool)], ids=["offer", "aside"])
def test_who_never_waits_for_long_lets_those_have_a_turn_who_do(step: Callable[[], object]) -> None:
    had = threading.Event()

    def have() -> None:
        turn.take()
        had.set()
        turn.leave()

    thread = in_thread(have)
    until = time.monotonic() + PATIENCE
    while not had.is_set() and time.monotonic() < until:
        step()
    assert had.is_set()
    thread.join(PATIENCE)
    assert turn._impatient == 0
