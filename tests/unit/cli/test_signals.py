"""Signals are read by the main thread, whichever thread the system interrupts."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from scp.cli.signals import Signals

NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@pytest.fixture
def signals() -> Iterator[Signals]:
    before = {number: signal.getsignal(number) for number in NUMBERS}
    made = Signals(*NUMBERS)
    yield made
    made.close()
    for number, handler in before.items():
        signal.signal(number, handler)


def test_signals_are_read_in_the_order_in_which_they_came(signals: Signals) -> None:
    coming = iter(signals)
    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        os.kill(os.getpid(), number)
        assert next(coming) is number


def test_a_signal_that_interrupts_another_thread_wakes_the_one_that_waits(signals: Signals) -> None:
    signalled = threading.Event()

    def interrupt_myself() -> None:
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        signalled.set()

    thread = threading.Thread(target=interrupt_myself)
    thread.start()
    assert next(iter(signals)) is signal.SIGTERM
    assert signalled.wait(60)
    thread.join()
