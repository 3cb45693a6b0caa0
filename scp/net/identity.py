"""User identity of associations (PS3.7 Annex D.3.3.7): user name, or user name and password."""

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
    """What a peer says about its user: the type of the identity (1 to 5), and its fields as they were sent."""

    type: int
    name: bytes
    password: bytes = field(repr=False)
    wants_response: bool

    @classmethod
    def of(cls, item: UserIdentityNegotiation | None) -> "Claim | None":
        """Return the claim of a negotiation item; None if there is none."""
        if item is None:
            return None
        return cls(
            item.user_identity_type or 0,
            item.primary_field or b"",
            item.secondary_field or b"",
            item.positive_response_requested,
        )


UNREADABLE: Final = Claim(0, b"", b"", wants_response=False)
"""A claim in a form that pynetdicom cannot read."""


class Users:
    """Knows the users of the configuration, by name."""

    def __init__(self, settings: UserIdentity) -> None:
        self._hashes: Mapping[str, str] = settings.users
        self._nobody = nobody(settings.users.values())
        self._required = settings.required
        self._one_at_a_time = threading.Lock()

    def admits(self, claim: Claim | None) -> bool:
        """Whether an association with this claim is allowed. A user who has a password must give it."""
        if claim is None:
            return not self._required
        hashed = self._hashes.get(_text(claim.name))
        if claim.type == _USER_NAME:
            return hashed == ""
        if claim.type != _USER_NAME_AND_PASSWORD or not self._hashes:
            return False
        # Each comparison takes memory and time on purpose; one at a time, many peers do not take many times the memory.
        with self._one_at_a_time:
            is_right = is_password(claim.password, hashed or self._nobody)
        return bool(hashed) and is_right

    def known(self, claim: Claim | None) -> str | None:
        """Return the name in a claim, for the log, if the configuration has it; any other name is not logged."""
        name = _text(claim.name) if claim else None
        return name if name in self._hashes else None


def positive_response() -> UserIdentityNegotiation:
    """Return the item that confirms an identity of type 1 or 2: a Server Response without content."""
    item = UserIdentityNegotiation()
    item.server_response = b""
    return item


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").strip(" \0")
