"""The couriers of a node, one for each channel."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from scp.config import ConfigurationError, Notify, Problem
from scp.errors import Trouble
from scp.layout import LEDGER
from scp.notify.courier import Courier
from scp.notify.delivery import Sender
from scp.notify.email import EmailSender
from scp.notify.outbox import OUTBOX
from scp.notify.webhook import WebhookSender
from scp.notify.writer import Orders, Places
from scp.observe.meter import Meters
from scp.observe.metrics import Reading

WEBHOOK: Final = "webhook"
EMAIL: Final = "email"
CHANNELS: Final = (WEBHOOK, EMAIL)


def orders_of(settings: Notify, node: str) -> Mapping[str, Orders]:
    """Return the orders of each courier, by channel; ``node`` is the AE title that messages show.

    Raises ConfigurationError with everything that is wrong with the channels that are enabled.
    """
    makers: tuple[tuple[str, bool, int, Callable[[], Sender]], ...] = (
        (WEBHOOK, settings.webhook.enabled, settings.webhook.per_hour, lambda: WebhookSender(settings.webhook)),
        (EMAIL, settings.email.enabled, settings.email.per_hour, lambda: EmailSender(settings.email)),
    )
    orders: dict[str, Orders] = {}
    problems: list[Problem] = []
    for channel, is_enabled, per_hour, make in makers:
        try:
            orders[channel] = Orders(settings, node, per_hour, make() if is_enabled else None)
        except ConfigurationError as error:
            problems += error.problems
    if problems:
        raise ConfigurationError(problems)
    return orders


class Notifier:
    """All notifications of a node. Each channel is off until :meth:`use` gives its courier a sender."""

    def __init__(self, folder: Path, meters: Meters, troubles: Callable[[], Mapping[Trouble, str]]) -> None:
        places = Places(folder / LEDGER, folder / OUTBOX, meters, troubles)
        self._outbox = places.outbox
        self._couriers = {channel: Courier(channel, places) for channel in CHANNELS}

    def use(self, orders: Mapping[str, Orders]) -> None:
        """Follow these orders from now on; one without a sender switches its channel off."""
        for channel, courier in self._couriers.items():
            courier.use(orders[channel])
            if orders[channel].sender or self._outbox.exists():
                courier.start()

    def closed(self) -> None:
        """Called when an association has ended with refusals (see :class:`scp.observe.meter.Listener`)."""
        for courier in self._couriers.values():
            courier.call()

    def stop(self, seconds: float) -> None:
        """Write letters about all news, deliver for at most ``seconds``; the rest waits for the next start."""
        deadline = time.monotonic() + seconds
        for courier in self._couriers.values():
            courier.stop(deadline)

    def waiting(self) -> Reading:
        """Return how many messages wait, by channel."""
        return {(channel,): courier.waiting for channel, courier in self._couriers.items()}

    def outcomes(self) -> Reading:
        """Return how many deliveries there were, by channel and outcome."""
        return {
            (channel, outcome): number
            for channel, courier in self._couriers.items()
            for outcome, number in courier.outcomes.copy().items()
        }
