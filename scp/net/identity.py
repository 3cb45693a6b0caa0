"""Who the user of an association is (PS3.7 Annex D.3.3.7): user name, or user name and password."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from pynetdicom.pdu_primitives import UserIdentityNegotiation

from scp.config import UserIdentity
from scp.passwords import is_password, nobody

_USER_NAME: Final = 1
_USER_NAME_AND_PASSWORD: Final = 2


@dataclass(frozen=True, slots=True)
class Claim:
    """What a peer says of its user: the type of the identity (1 to 5), and its fields as they came."""

    type: int
    name: bytes
    password: bytes = field(repr=False)
    wants_response: bool

    @classmethod
    def of(cls, item: UserIdentityNegotiation | None) -> "Claim | None":
        """Take what matters from a negotiation item."""
        if item is None:
            return None
        return cls(
            item.user_identity_type or 0,
            item.primary_field or b"",
            item.secondary_field or b"",
            item.positive_response_requested,
        )


UNREADABLE: Final = Claim(0, b"", b"", wants_response=False)
"""A claim that is there, but not as the standard has it."""


class Users:
    """Knows the users of the configuration, by name."""

    def __init__(self, settings: UserIdentity) -> None:
        self._hashes: Mapping[str, str] = settings.users
        self._nobody = nobody(settings.users.values())
        self._required = settings.required
        self._one_at_a_time = threading.Lock()

    def admits(self, claim: Claim | None) -> bool:
        """Whether an association with this claim may be. A user who has a password must give it."""
        if claim is None:
            return not self._required
        hashed = self._hashes.get(_text(claim.name))
        if claim.type == _USER_NAME:
            return hashed == ""
        if claim.type != _USER_NAME_AND_PASSWORD or not self._hashes:
            return False
        # Each comparison takes memory and time on purpose: many peers together must not take many times as much.
        with self._one_at_a_time:
            is_right = is_password(claim.password, hashed or self._nobody)
        return bool(hashed) and is_right

    def known(self, claim: Claim | None) -> str | None:
        """Return the name in a claim if the configuration has it; whatever else a peer says is not for the log."""
        name = _text(claim.name) if claim else None
        return name if name in self._hashes else None


def positive_response() -> UserIdentityNegotiation:
    """Return the item that confirms an identity of type 1 or 2: a Server Response without content."""
    item = UserIdentityNegotiation()
    item.server_response = b""
    return item


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").strip(" \0")
