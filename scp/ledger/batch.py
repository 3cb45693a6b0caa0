"""Group commit: all writes that wait are put into one transaction, so that they share one sync.

It works by leader and followers, without a thread of its own. A thread that finds no transaction running leads: it runs
its own act in one. Acts that arrive meanwhile wait for the next transaction; the first of their threads leads that one,
runs all of them in it, and hands out the results. So a single association writes at once, without a hand-over between
threads, and the more associations there are, the more of them share a sync.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

from scp.turn import aside

T = TypeVar("T")


class _Ticket(Generic[T]):
    """An act that waits for a transaction; once it is done, it has a result or an error."""

    __slots__ = ("act", "error", "is_done", "result", "turn")

    result: T

    def __init__(self, act: Callable[[], T]) -> None:
        self.act = act
        self.is_done = False
        self.error: BaseException | None = None
        self.turn = threading.Lock()
        self.turn.acquire()  # released when this is done, or has to lead

    def run(self) -> None:
        self.result = self.act()

    def outcome(self) -> T:
        if self.error is not None:
            raise self.error
        return self.result


class Batches:
    """Runs acts inside of shared transactions. Any thread may call :meth:`run`; acts run one after the other."""

    def __init__(
        self,
        transaction: AbstractContextManager[object],
        concerns_all: Callable[[BaseException], bool],
    ) -> None:
        """``transaction`` begins a transaction each time it is entered, and commits or undoes it when it is left.

        ``concerns_all`` says whether an error is one of the transaction itself, which all of its acts share, or of a
        single act. After an error of a single act, all of them run again, each in a transaction of its own.
        """
        self._transaction = transaction
        self._concerns_all = concerns_all
        self._lock = threading.Lock()
        self._waiting: list[_Ticket[Any]] = []
        self._is_running = False

    def run(self, act: Callable[[], T]) -> T:
        """Run ``act`` in a transaction, and return what it returns once that is committed. Raises what it raises.

        An act may run twice, so it must be safe to repeat once its transaction is undone.
        """
        with self._lock:
            ticket = _Ticket(act) if self._is_running else None
            if ticket:
                self._waiting.append(ticket)
            self._is_running = True
        if ticket is None:  # then nobody else is waiting
            return self._write_alone(act)
        aside(ticket.turn.acquire)
        if not ticket.is_done:
            self._lead()
        return ticket.outcome()

    def _write_alone(self, act: Callable[[], T]) -> T:
        try:
            with self._transaction:
                return act()
        finally:
            self._hand_on()

    def _lead(self) -> None:
        with self._lock:
            batch, self._waiting = self._waiting, []
        try:
            self._write(batch)
        finally:
            for ticket in batch:
                ticket.is_done = True
            self._hand_on()
            for ticket in batch:
                ticket.turn.release()

    def _hand_on(self) -> None:
        """Let the first thread that arrived meanwhile lead the next transaction."""
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            self._is_running = following is not None
        if following:
            following.turn.release()

    def _write(self, batch: list[_Ticket[Any]]) -> None:
        try:
            with self._transaction:
                for ticket in batch:
                    ticket.run()
        except BaseException as error:  # noqa: BLE001 - it belongs to those who wait, and is raised there
            if len(batch) == 1 or self._concerns_all(error):
                for ticket in batch:
                    ticket.error = error
            else:
                for ticket in batch:
                    self._write([ticket])
