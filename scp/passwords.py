"""Passwords as the configuration keeps them: scrypt hashes (RFC 7914), never the passwords.

A hash is one word, ``scrypt:<log2 of N>:<salt>:<key>``, salt and key in hexadecimal digits. r is 8 and p is 1, so N
alone says what a guess costs: with 2^14, 16 MiB and some hundredths of a second.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Final

FORM: Final = re.compile(r"scrypt:(1[4-7]):([0-9a-f]{32}):([0-9a-f]{64})")
"""A hash; costs beyond these would let a peer occupy the node with one guess."""

_COST: Final = 14


def nobody(hashes: Iterable[str]) -> str:
    """Return what the password of an unknown user is compared with; no password has it.

    It costs as much as the costliest of these hashes, those of the known users, so that the answer takes as long for
    them if they all cost the same: those of :func:`hash_password` do. An empty one is of a user without password.
    """
    costs = (int(hashed.split(":")[1]) for hashed in hashes if hashed)
    return f"scrypt:{max(costs, default=_COST)}:{'0' * 32}:{'0' * 64}"


def hash_password(password: bytes, salt: bytes | None = None) -> str:
    """Return the hash of a password, UTF-8; the ``salt`` is 16 random bytes unless given."""
    salt = secrets.token_bytes(16) if salt is None else salt
    return f"scrypt:{_COST}:{salt.hex()}:{_key(password, salt, _COST).hex()}"


def is_password(password: bytes, hashed: str) -> bool:
    """Whether a password is the one of a hash of this :data:`FORM`; takes as long whatever the answer."""
    parts = FORM.fullmatch(hashed)
    assert parts is not None, "the configuration lets nothing else in"
    cost, salt, key = parts.groups()
    return hmac.compare_digest(_key(password, bytes.fromhex(salt), int(cost)), bytes.fromhex(key))


def _key(password: bytes, salt: bytes, cost: int) -> bytes:
    n, r = 1 << cost, 8
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=1, maxmem=2 * 128 * n * r, dklen=32)
