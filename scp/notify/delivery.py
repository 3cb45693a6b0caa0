"""The interface of a channel: deliver one letter, or say why not."""

from typing import Protocol

from scp.notify.outbox import Letter


class Undelivered(Exception):
    """A letter did not arrive. The text is ours: it repeats nothing that the server said.

    ``answered``: the server is there but did not accept this letter, so others may still arrive.
    """

    def __init__(self, reason: str, *, answered: bool = False) -> None:
        super().__init__(reason)
        self.answered = answered


class Sender(Protocol):
    """Delivers letters, one at a time."""

    def send(self, letter: Letter) -> None:
        """Deliver a letter. Raises Undelivered."""
        ...
