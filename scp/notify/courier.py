"""One channel in a thread of its own: looks for news, writes letters, delivers them. Read :meth:`Courier._round`."""

import math
import threading
import time
from collections import Counter
from typing import Final

import apsw

from scp.errors import place_of
from scp.notify import digest, lines
from scp.notify.delivery import Sender, Undelivered
from scp.notify.outbox import Letter, Outbox, now_us
from scp.notify.pace import pause
from scp.notify.writer import Orders, Places, Writer, us

_HINDERED: Final = 10.0
"""Seconds until a channel tries again that cannot use ledger or outbox."""
_AT_ONCE: Final = 10
"""Letters that are read from the outbox together."""


class Courier:
    """Delivers on one channel. Tell it what to :meth:`use`, :meth:`start` it, and :meth:`stop` it once."""

    def __init__(self, channel: str, places: Places) -> None:
        self.channel = channel
        self.outcomes: Counter[str] = Counter()
        """Deliveries since the start, by outcome: delivered, failed, dropped."""
        self.waiting = 0
        self._places = places
        self._writer = Writer(channel, places)
        self._orders: Orders | None = None
        self._in_use: Orders | None = None
        self._outbox: Outbox | None = None
        self._called = threading.Event()
        self._stopping = False
        self._deadline = math.inf
        self._resume_at = 0.0
        self._is_hindered = False
        self._thread = threading.Thread(target=self._run, name=f"notify-{channel}", daemon=True)

    def use(self, orders: Orders) -> None:
        """Follow these orders from now on."""
        if self._orders is None or self._orders.sender is None:
            self._writer.begins = now_us()
        self._orders = orders
        self.call()

    def call(self) -> None:
        """Wake the courier up: there is news, or it has new orders, or it is to stop."""
        self._writer.look()
        self._called.set()

    def start(self) -> None:
        """Start the thread, unless it runs already."""
        if not self._thread.is_alive():
            self._thread.start()

    def stop(self, deadline: float) -> None:
        """Write letters about all news, deliver until ``deadline`` (of the monotonic clock), and end."""
        self._deadline = deadline
        self._stopping = True
        self.call()
        if self._thread.is_alive():
            self._thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while True:
            self._called.clear()  # before looking: whoever calls from here on is heard in the next round
            is_last, orders = self._stopping, self._orders
            seconds: float | None = None
            if orders:
                try:
                    seconds = self._round(orders)
                    self._is_hindered = False
                except (apsw.Error, OSError) as error:
                    seconds = self._hindered(orders, type(error).__name__)
                except Exception as error:  # noqa: BLE001 - a mistake of ours must not end notifications for good
                    seconds = self._hindered(orders, f"{type(error).__name__} at {place_of(error)}")
            if is_last:
                return
            self._called.wait(seconds)

    def _round(self, orders: Orders) -> float | None:
        """Do all that is to be done now; return the seconds until there may be more, or None to wait for a call."""
        if orders.sender is None:
            self._switch_off(orders)
            return None
        outbox = self._opened()
        if self._in_use is not orders:
            outbox.hurry()
            self._in_use, self._resume_at = orders, 0.0
        for letter in outbox.expire(now_us() - orders.author.keep_us):
            self.outcomes["dropped"] += 1
            lines.dropped(self.channel, letter)
        was_full = self._writer.is_full(outbox)
        next_letter = self._writer.write(orders, outbox)
        next_delivery = self._deliver(orders, orders.sender, outbox)
        self.waiting = outbox.waiting()
        if was_full and not self._writer.is_full(outbox):
            return 0.0
        return max(0.0, min(next_letter, next_delivery))

    def _switch_off(self, orders: Orders) -> None:
        """Forget everything: a channel that is switched on again only tells what is new from then on."""
        if self._in_use is not orders and self._places.outbox.exists():
            self._opened().forget()
        self._in_use, self.waiting = orders, 0
        self._close()

    def _deliver(self, orders: Orders, sender: Sender, outbox: Outbox) -> float:
        """Deliver the letters that are due; return the seconds until the next one is."""
        while time.monotonic() >= self._resume_at and (letters := outbox.due(now_us(), _AT_ONCE)):
            for letter in letters:
                if time.monotonic() >= self._deadline or self._orders is not orders:
                    return 0.0
                failure = _attempt(sender, letter)
                if failure is None:
                    outbox.delivered(letter)
                    self._arrived(letter)
                    continue
                seconds = pause(letter.attempts + 1, orders.settings.retry_seconds)
                self._failed(letter, failure, seconds)
                outbox.failed(letter, now_us() + us(seconds))
                if not failure.answered:
                    self._resume_at = time.monotonic() + seconds
                    break
        due = outbox.next_due()
        if due is None:
            return math.inf
        return max((due - now_us()) / 1_000_000, self._resume_at - time.monotonic())

    def _arrived(self, letter: Letter) -> None:
        self.outcomes["delivered"] += 1
        lines.delivered(self.channel, letter)

    def _failed(self, letter: Letter, failure: Undelivered, seconds: float) -> None:
        self.outcomes["failed"] += 1
        lines.undelivered(self.channel, letter, str(failure), seconds)

    def _hindered(self, orders: Orders, error: str) -> float:
        """Tell about troubles even without the outbox: it lies on the same disk, which may be the trouble."""
        if not self._is_hindered:
            lines.hindered(self.channel, error)
        self._is_hindered = True
        self._close()
        if orders.sender and orders.settings.health:
            written = digest.health(orders.author, self._places.troubles(), self._writer.told_directly, now_us())
            if written:
                letter, progress = written
                failure = _attempt(orders.sender, letter)
                if failure is None:
                    self._writer.told_directly = str(progress.marks[digest.HEALTH])
                    self._arrived(letter)
                else:
                    self._failed(letter, failure, _HINDERED)
        return _HINDERED

    def _opened(self) -> Outbox:
        if self._outbox is None:
            self._outbox = Outbox(self._places.outbox, self.channel)
        return self._outbox

    def _close(self) -> None:
        if self._outbox:
            self._outbox.close()
        self._outbox = None


def _attempt(sender: Sender, letter: Letter) -> Undelivered | None:
    """Deliver a letter; return why it did not arrive, or None. An error of ours only holds up this letter."""
    try:
        sender.send(letter)
    except Undelivered as failure:
        return failure
    except Exception as error:  # noqa: BLE001 - without this thread, nobody would be told anything any more
        return Undelivered(f"{type(error).__name__} at {place_of(error)}", answered=True)
    return None
