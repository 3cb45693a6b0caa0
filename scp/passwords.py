"""Passwords as the configuration keeps them: scrypt hashes (RFC 7914), never the passwords.

A hash is one word, ``scrypt:<log2 of N>:<salt>:<key>``, with salt and key in hexadecimal digits. r is 8 and p is 1, so
N alone determines what a guess costs: with 2^14, 16 MiB and some hundredths of a second.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from typing import Final

FORM: Final = re.compile(r"scrypt:(1[4-7]):([0-9a-f]{32}):([0-9a-f]{64})")
"""The form of a hash; with higher costs than these, a peer could keep the node busy with one guess."""

_COST: Final = 14


def nobody(hashes: Iterable[str]) -> str:
    """Return a hash that no password has, with which the password of an unknown user is compared.

    ``hashes`` are those of the known users, empty for one without password. The comparison costs as much as with the
    costliest of them: so if all cost the same, as those of :func:`hash_password` do, the time that an answer takes does
    not show whether the user exists.
    """
    costs = (int(hashed.split(":")[1]) for hashed in hashes if hashed)
    return f"scrypt:{max(costs, default=_COST)}:{'0' * 32}:{'0' * 64}"


def hash_password(password: bytes, salt: bytes | None = None) -> str:
    """Return the hash of a password in UTF-8; the ``salt`` is 16 random bytes unless it is given."""
    salt = secrets.token_bytes(16) if salt is None else salt
    return f"scrypt:{_COST}:{salt.hex()}:{_key(password, salt, _COST).hex()}"


def is_password(password: bytes, hashed: str) -> bool:
    """Whether a hash, of the :data:`FORM`, is that of a password; takes the same time whatever the answer."""
    parts = FORM.fullmatch(hashed)
    assert parts is not None, "the configuration lets nothing else in"
    cost, salt, key = parts.groups()
    return hmac.compare_digest(_key(password, bytes.fromhex(salt), int(cost)), bytes.fromhex(key))


def _key(password: bytes, salt: bytes, cost: int) -> bytes:
    n, r = 1 << cost, 8
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=1, maxmem=2 * 128 * n * r, dklen=32)
