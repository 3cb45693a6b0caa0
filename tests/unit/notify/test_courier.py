"""A courier tells each thing once, in its time and at its pace, whatever fails, and forgets when it is switched off."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import apsw
import orjson
import pytest
from structlog.testing import capture_logs

from scp.config import Notify
from scp.errors import Trouble
from scp.ids import as_text
from scp.layout import LEDGER
from scp.notify import courier as courier_module
from scp.notify import writer as writer_module
from scp.notify.courier import Courier
from scp.notify.delivery import Undelivered
from scp.notify.digest import AUDIT as AUDITED
from scp.notify.outbox import OUTBOX, Letter, Outbox, Progress, now_us
from scp.notify.writer import Orders, Places
from scp.observe.meter import Meters
from scp.outcomes import Ending
from tests.unit.ledger.test_notices import AUDIT, FINDING
from tests.unit.nodes import Scratch, association, data_set, open_node

PATIENCE = 30.0


class Receiver:
    """Takes letters, or fails as it is told, once for each failure."""

    def __init__(self) -> None:
        self.letters: SimpleQueue[Letter] = SimpleQueue()
        self.failures: list[Exception] = []
        self.is_down = False
        self.attempts: SimpleQueue[int] = SimpleQueue()

    def send(self, letter: Letter) -> None:
        self.attempts.put(letter.id)
        if self.is_down:
            raise Undelivered("nobody is there")
        if self.failures:
            raise self.failures.pop(0)
        self.letters.put(letter)

    def next(self) -> dict[str, Any]:
        """Return what the next letter says."""
        body: dict[str, Any] = orjson.loads(self.letters.get(timeout=PATIENCE).body)
        return body


class Channel:
    """A courier beside a node in a folder."""

    def __init__(self, folder: Path) -> None:
        self.node = open_node(folder)
        self.meters = Meters()
        self.troubles: dict[Trouble, str] = {}
        self.receiver = Receiver()
        self.folder = folder
        self.places = Places(folder / LEDGER, folder / OUTBOX, self.meters, lambda: self.troubles)
        self.courier = Courier("webhook", self.places)

    def begin(self, **settings: Any) -> None:
        """Start the courier, or give it other orders."""
        rate = settings.pop("rate", RATE)
        self.courier.use(Orders(Notify.model_validate(settings), "NODE1", rate, self.receiver))
        self.courier.start()

    def end(self) -> None:
        self.courier.stop(time.monotonic() + PATIENCE)

    def again(self) -> None:
        """End the courier, and make another one for the same folder."""
        self.end()
        self.courier = Courier("webhook", self.places)

    def refuse(self, window: int, title: str = "CT1") -> str:
        """Let a sender of its own have something refused; return the number of the association."""
        sender = association(title)
        meter = self.meters.open(sender)
        answer = self.node.send(data_set(WindowCenter=str(window)), sender)
        meter.instance(answer.verdict, answer.size, {})
        self.meters.close(meter, Ending.RELEASED)
        self.courier.call()
        return sender.id

    def outbox(self) -> Outbox:
        return Outbox(self.folder / OUTBOX, "webhook")


RATE = 1000


@pytest.fixture
def channel(tmp_path: Path, told: Any) -> Iterator[Channel]:
    one = Channel(tmp_path)
    one.node.send(data_set())
    yield one
    one.end()
    one.node.close()


def eventually(holds: Callable[[], bool]) -> bool:
    """Wait until something holds; return whether it came to that."""
    deadline = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < deadline:
        threading.Event().wait(0.005)
    return holds()


def associations(body: dict[str, Any]) -> list[str]:
    return [one["association"] for one in body["associations"]]


def test_each_association_is_told_once(channel: Channel) -> None:
    channel.begin()
    first = channel.refuse(1)
    assert associations(channel.receiver.next()) == [first]
    second = channel.refuse(2)
    assert associations(channel.receiver.next()) == [second]
    channel.again()
    channel.begin()
    third = channel.refuse(3)
    assert associations(channel.receiver.next()) == [third]
    assert eventually(lambda: channel.courier.outcomes["delivered"] == 1)


def test_what_was_before_the_channel_was_switched_on_is_not_told(channel: Channel) -> None:
    channel.refuse(1)
    channel.begin()
    second = channel.refuse(2)
    assert associations(channel.receiver.next()) == [second]


def test_while_an_association_goes_on_its_refusals_wait_for_further_ones(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = [0]
    for module in (courier_module, writer_module):
        monkeypatch.setattr(module, "now_us", lambda: now_us() + late[0])
    channel.begin(group_seconds=600)
    sender = association("CT1")
    meter = channel.meters.open(sender)
    for window in (1, 2):
        channel.node.send(data_set(WindowCenter=str(window)), sender)
        channel.courier.call()
    late[0] = 600_000_000
    channel.courier.call()
    body = channel.receiver.next()
    assert (associations(body), body["refused"]) == ([sender.id], 2)
    channel.node.send(data_set(WindowCenter="3"), sender)
    channel.meters.close(meter, Ending.RELEASED)
    channel.courier.call()
    body = channel.receiver.next()
    assert (associations(body), body["refused"]) == ([sender.id], 1)


def test_what_is_more_than_the_pace_allows_is_told_together_later(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel.begin(rate=1)
    first = channel.refuse(1)
    assert associations(channel.receiver.next()) == [first]
    others = [channel.refuse(window) for window in range(2, 27)]
    assert eventually(lambda: channel.courier._called.is_set() is False)
    assert channel.receiver.letters.empty()
    channel.begin(rate=1000)
    body = channel.receiver.next()
    assert associations(body) == others[:20]
    assert (body["further_associations"], body["refused"]) == (5, 20)
    last = channel.refuse(99)
    assert associations(channel.receiver.next()) == [last]


def test_a_letter_that_the_receiver_will_not_have_does_not_hold_up_others(channel: Channel) -> None:
    channel.receiver.failures = [Undelivered("HTTP status 400", answered=True)]
    channel.begin(retry_seconds=3600)
    channel.refuse(1)
    assert eventually(lambda: channel.courier.outcomes["failed"] == 1)
    second = channel.refuse(2)
    assert associations(channel.receiver.next()) == [second]
    channel.begin(retry_seconds=3600)  # new orders: what failed is tried again at once
    assert channel.receiver.next()["refused"] == 1


def test_a_receiver_that_is_not_there_is_asked_again_after_a_pause(channel: Channel) -> None:
    channel.receiver.failures = [Undelivered("nobody is there")] * 3
    channel.begin(retry_seconds=0.1)
    with capture_logs() as lines:
        first = channel.refuse(1)
        assert associations(channel.receiver.next()) == [first]
        assert eventually(lambda: channel.courier.outcomes["delivered"] == 1)
    failed = [line for line in lines if line["event"] == "notification_failed"]
    assert [(line["attempts"], line["retry_seconds"]) for line in failed] == [(1, 0.1), (2, 0.2), (3, 0.4)]
    (delivered,) = (line for line in lines if line["event"] == "notified")
    assert delivered["attempts"] == 4


def test_a_receiver_that_stays_away_fills_no_disk(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "_MOST_WAITING", 2)
    channel.receiver.is_down = True
    channel.begin(retry_seconds=3600)
    sent = [channel.refuse(1)]
    assert eventually(lambda: channel.courier.waiting == 1)
    sent.append(channel.refuse(2))
    assert eventually(lambda: channel.courier.waiting == 2)
    sent += [channel.refuse(window) for window in range(3, 9)]
    channel.again()
    assert channel.outbox().waiting() == 2
    channel.receiver.is_down = False
    channel.begin()
    told = [one for _ in range(3) for one in associations(channel.receiver.next())]
    assert told == sent


def test_what_is_too_old_is_dropped_and_told_in_the_log(channel: Channel) -> None:
    outbox = channel.outbox()
    outbox.put([Letter(7, "refusals", now_us() - 2 * 3_600_000_000, "{}")], Progress({}, {}))
    outbox.close()
    with capture_logs() as lines:
        channel.begin(keep_hours=1)
        assert eventually(lambda: channel.courier.outcomes["dropped"] == 1)
    assert [(line["event"], line["message"]) for line in lines] == [("notification_dropped", as_text(7))]
    assert channel.receiver.letters.empty()


def test_a_channel_that_is_switched_off_forgets(channel: Channel) -> None:
    channel.receiver.is_down = True
    channel.begin(retry_seconds=3600)
    channel.refuse(1)
    assert eventually(lambda: channel.courier.waiting == 1)
    channel.courier.use(Orders(Notify(), "NODE1", RATE, None))
    assert eventually(lambda: channel.courier.waiting == 0)
    channel.refuse(2)
    channel.receiver.is_down = False
    channel.begin()
    third = channel.refuse(3)
    assert associations(channel.receiver.next()) == [third]


def test_only_what_is_asked_for_is_told(channel: Channel) -> None:
    channel.troubles = {Trouble.DISK: "it hums"}
    channel.begin(refusals=False, series=False, health=False)
    channel.refuse(1)
    channel.courier.call()
    channel.again()
    assert channel.receiver.letters.empty()
    channel.begin(refusals=False, series=False)
    assert channel.receiver.next()["troubles"] == {"disk": "it hums"}


def test_health_is_told_when_it_changes_and_once(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer_module, "POLL", 0.01)
    channel.troubles = {Trouble.SPACE: "too little is free"}
    channel.begin()
    assert channel.receiver.next()["troubles"] == {"space": "too little is free"}
    channel.again()
    channel.begin()  # nothing has changed since: the next letter is of what comes
    channel.troubles = {Trouble.SPACE: "even less is free", Trouble.LEDGER: "it cannot be written"}
    assert set(channel.receiver.next()["troubles"]) == {"space", "ledger"}
    channel.troubles = {}
    assert channel.receiver.next()["healthy"]


def audit(node: Scratch, number: int, verdict: str) -> None:
    def write(db: apsw.Connection) -> None:
        db.execute(AUDIT, (number, 1_700_000_000_000_000, verdict))
        if verdict != "consistent":
            db.execute(FINDING, (number, None, f"SER-{number}", 2))

    node.ledger.transact(write)


def test_series_that_are_not_consistent_are_told_once_and_only_those(channel: Channel) -> None:
    audit(channel.node, 1, "attention")
    channel.begin()
    outbox = channel.outbox()
    assert eventually(lambda: outbox.mark(AUDITED) is not None)  # it has seen where to begin
    outbox.close()
    for number, verdict in ((2, "consistent"), (3, "attention")):
        audit(channel.node, number, verdict)
    channel.courier.call()
    (series,) = channel.receiver.next()["series"]
    assert (series["verdict"], series["codes"]) == ("attention", {"SER-1": 1, "SER-3": 1})
    audit(channel.node, 4, "contradictory")
    channel.courier.call()
    (series,) = channel.receiver.next()["series"]
    assert series["verdict"] == "contradictory"


def test_troubles_are_told_even_if_the_outbox_cannot_be_written(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier_module, "_HINDERED", 0.01)
    monkeypatch.setattr(writer_module, "POLL", 0.01)
    (channel.folder / OUTBOX).mkdir()
    channel.receiver.failures = [Undelivered("nobody is there")]
    channel.troubles = {Trouble.DISK: "it hums"}
    with capture_logs() as lines:
        channel.begin()
        assert not channel.receiver.next()["healthy"]
        assert eventually(lambda: channel.courier.outcomes == {"failed": 1, "delivered": 1})
    assert [line["event"] for line in lines] == [
        "notifications_hindered", "notification_failed", "notified",
    ]  # fmt: skip
    (channel.folder / OUTBOX).rmdir()
    channel.troubles = {}
    assert channel.receiver.next()["healthy"]


def test_a_ledger_that_is_gone_hinders_only_what_is_read_from_it(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "POLL", 0.01)
    away = (channel.folder / LEDGER).rename(channel.folder / "away")
    with capture_logs() as lines:
        channel.begin(group_seconds=0)
        assert eventually(lambda: channel.courier._writer._is_blind)
        channel.courier.call()
        channel.troubles = {Trouble.GONE: "the ledger is gone"}
        assert channel.receiver.next()["troubles"] == {"gone": "the ledger is gone"}
    assert [line["event"] for line in lines].count("notifications_hindered") == 1
    away.rename(channel.folder / LEDGER)
    channel.troubles = {}
    assert channel.receiver.next()["healthy"]
    refused = channel.refuse(1)
    assert associations(channel.receiver.next()) == [refused]


def test_a_ledger_that_cannot_be_read_holds_up_no_letter(channel: Channel) -> None:
    channel.node.ledger.transact(lambda db: db.execute("DROP TABLE series_audit"))
    with capture_logs() as lines:
        channel.begin()
        first = channel.refuse(1)
        assert associations(channel.receiver.next()) == [first]
    assert {line["error"] for line in lines if line["event"] == "notifications_hindered"} == {"LedgerFault"}


def test_a_mistake_of_ours_in_sending_holds_up_one_letter(channel: Channel) -> None:
    channel.receiver.failures = [ZeroDivisionError("Doe^Jane")]
    with capture_logs() as lines:
        channel.begin(retry_seconds=0.1)
        first = channel.refuse(1)
        assert associations(channel.receiver.next()) == [first]
    assert [line["reason"].partition(" at ")[0] for line in lines if "reason" in line] == ["ZeroDivisionError"]
    assert "Jane" not in str(lines)


def test_a_mistake_of_ours_does_not_end_notifications(channel: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courier_module, "_HINDERED", 0.01)
    write, mistakes = channel.courier._writer.write, [ZeroDivisionError("Doe^Jane")]

    def written(orders: Orders, outbox: Outbox) -> float:
        if mistakes:
            raise mistakes.pop()
        return write(orders, outbox)

    monkeypatch.setattr(channel.courier._writer, "write", written)
    with capture_logs() as lines:
        channel.begin()
        first = channel.refuse(1)
        assert associations(channel.receiver.next()) == [first]
    assert [line["error"].partition(" at ")[0] for line in lines if "error" in line] == ["ZeroDivisionError"]
    assert "Jane" not in str(lines)


def test_a_mistake_of_ours_in_telling_directly_does_not_end_notifications(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier_module, "_HINDERED", 0.01)
    (channel.folder / OUTBOX).mkdir()
    channel.receiver.failures = [UnicodeError("a host that can be no name")]
    channel.troubles = {Trouble.DISK: "it hums"}
    channel.begin()
    assert not channel.receiver.next()["healthy"]
    (channel.folder / OUTBOX).rmdir()


def test_a_courier_that_stops_writes_down_what_it_cannot_deliver(channel: Channel) -> None:
    release = threading.Event()

    class Slow:
        def send(self, letter: Letter) -> None:
            release.wait(PATIENCE)

    channel.courier.use(Orders(Notify(), "NODE1", RATE, Slow()))
    channel.courier.start()
    channel.refuse(1)
    outbox = channel.outbox()
    assert eventually(lambda: outbox.waiting() == 1)
    channel.courier.stop(time.monotonic())
    assert outbox.waiting() == 1
    channel.refuse(2)
    release.set()
    channel.courier._thread.join()
    assert sorted(orjson.loads(one.body)["refused"] for one in outbox.due(now_us(), 10)) == [1]
    outbox.close()


class Interrupted(threading.Event):
    """An event: something else happens just before it is cleared for the first time."""

    def __init__(self, happens: Callable[[], object]) -> None:
        super().__init__()
        self.happens = [happens]

    def clear(self) -> None:
        while self.happens:
            self.happens.pop()()
        super().clear()


def test_orders_that_come_while_it_turns_to_the_next_round_are_heard(channel: Channel) -> None:
    channel.troubles = {Trouble.DISK: "it hums"}
    orders = Orders(Notify(), "NODE1", RATE, channel.receiver)
    channel.courier._called = Interrupted(lambda: channel.courier.use(orders))
    channel.courier.start()
    assert not channel.receiver.next()["healthy"]


def test_an_end_that_comes_while_it_turns_to_the_next_round_is_heard(channel: Channel) -> None:
    def stop() -> None:
        other = threading.Thread(target=channel.courier.stop, args=(time.monotonic(),))
        other.start()
        other.join()

    channel.courier._called = Interrupted(stop)
    channel.courier.start()
    channel.courier._thread.join(PATIENCE)
    assert not channel.courier._thread.is_alive()


def test_a_courier_without_orders_does_nothing(channel: Channel) -> None:
    channel.courier.start()
    channel.courier.call()
    channel.again()
    assert not (channel.folder / OUTBOX).exists()
