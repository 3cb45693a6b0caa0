"""Each channel gets its orders, what is wrong is told together, and nothing is done while all are off."""

import threading
from pathlib import Path
from typing import Any

import pytest

from scp.config import ConfigurationError, Notify
from scp.notify.notifier import Notifier, orders_of
from scp.notify.outbox import OUTBOX
from scp.observe.meter import Meters
from scp.outcomes import Ending
from tests.receivers import SECRET, WebReceiver
from tests.unit.nodes import association, data_set, open_node


def names() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_a_channel_that_is_off_has_nobody_to_send_with(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    on = {"enabled": True, "url": "http://127.0.0.1/", "secret_file": str(secret), "per_hour": 7}
    orders = orders_of(Notify.model_validate({"webhook": on}), "NODE1")
    assert orders["webhook"].sender is not None
    assert (orders["webhook"].per_hour, orders["webhook"].node) == (7, "NODE1")
    assert orders["email"].sender is None


def test_what_is_wrong_with_all_channels_is_told_together() -> None:
    with pytest.raises(ConfigurationError) as caught:
        orders_of(Notify.model_validate({"webhook": {"enabled": True}, "email": {"enabled": True}}), "NODE1")
    places = {problem.place.split("]")[0] for problem in caught.value.problems}
    assert places == {"[notify.webhook", "[notify.email"}


def test_while_all_channels_are_off_there_is_no_thread_and_no_file(tmp_path: Path) -> None:
    before = names()
    notifier = Notifier(tmp_path, Meters(), dict)
    notifier.use(orders_of(Notify(), "NODE1"))
    notifier.closed()
    assert names() == before
    assert not (tmp_path / OUTBOX).exists()
    notifier.stop(1)
    assert notifier.waiting() == {("webhook",): 0, ("email",): 0}
    assert notifier.outcomes() == {}


def test_refusals_come_by_way_of_the_meters(tmp_path: Path, told: Any) -> None:
    node, meters = open_node(tmp_path), Meters()
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    meters.listener = notifier = Notifier(tmp_path, meters, dict)
    with WebReceiver().running() as receiver:
        on = {"enabled": True, "url": receiver.url, "secret_file": str(secret)}
        notifier.use(orders_of(Notify.model_validate({"webhook": on}), "NODE1"))
        sender = association()
        meter = meters.open(sender)
        for data in (data_set(), data_set(WindowCenter="7")):
            answer = node.send(data, sender)
            meter.instance(answer.verdict, answer.size, {})
        meters.close(meter, Ending.RELEASED)
        assert receiver.next().body["associations"][0]["association"] == sender.id
        notifier.stop(30)
        assert notifier.outcomes() == {("webhook", "delivered"): 1}
        # What is switched off later has forgotten; a file that an earlier node left is emptied.
        later = Notifier(tmp_path, meters, dict)
        later.use(orders_of(Notify(), "NODE1"))
        later.stop(30)
    node.close()
