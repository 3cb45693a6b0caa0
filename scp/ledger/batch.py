"""Group commit: whoever waits to write is taken into one transaction, so that one sync serves them all.

By leader and followers, without a thread of its own. Who finds no transaction running leads: it takes everything that
waits, its own act first, into one transaction, and hands the results out. What comes meanwhile waits for the next,
which the first of those leads. So a lone association writes at once and pays no hand-over between threads, and the
more there are, the more share a sync.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar, cast

from scp.turn import aside

T = TypeVar("T")


class _Ticket:
    """An act that waits for a transaction: then it has a result, or an error."""

    __slots__ = ("act", "error", "is_done", "result", "turn")

    def __init__(self, act: Callable[[], Any]) -> None:
        self.act = act
        self.is_done = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.turn = threading.Lock()
        self.turn.acquire()  # released when this is done, or has to lead

    def run(self) -> None:
        self.result = self.act()

    def outcome(self) -> Any:
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
        """``transaction`` begins one each time it is entered, and commits or undoes it at its end.

        ``concerns_all`` tells an error of the transaction itself, which all of its acts share, from that of one act.
        After an error of one act, all of them run again, each in a transaction of its own.
        """
        self._transaction = transaction
        self._concerns_all = concerns_all
        self._lock = threading.Lock()
        self._waiting: list[_Ticket] = []
        self._is_running = False

    def run(self, act: Callable[[], T]) -> T:
        """Run ``act`` in a transaction, and return what it returns once that is committed. Raises what it raises.

        An act may be run twice, and must not mind.
        """
        with self._lock:
            if ticket := _Ticket(act) if self._is_running else None:
                self._waiting.append(ticket)
            self._is_running = True
        if ticket is None:  # then nobody waits
            return self._write_alone(act)
        aside(ticket.turn.acquire)
        if not ticket.is_done:
            self._lead()
        return cast("T", ticket.outcome())

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
        """Let the first of those who came meanwhile lead."""
        with self._lock:
            following = self._waiting[0] if self._waiting else None
            self._is_running = following is not None
        if following:
            following.turn.release()

    def _write(self, batch: list[_Ticket]) -> None:
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
