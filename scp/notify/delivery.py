"""What a channel must be able to do: deliver one letter, or say why not."""

from typing import Protocol

from scp.notify.outbox import Letter


class Undelivered(Exception):
    """A letter did not arrive. The text is one of ours: what the other side says is not repeated.

    ``answered`` if the other side is there but would not have this letter: then others may still arrive.
    """

    def __init__(self, reason: str, *, answered: bool = False) -> None:
        super().__init__(reason)
        self.answered = answered


class Sender(Protocol):
    """Delivers letters, one at a time."""

    def send(self, letter: Letter) -> None:
        """Deliver a letter. Raises Undelivered."""
        ...
