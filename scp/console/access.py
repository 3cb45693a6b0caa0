"""Who may see and do what.

========================= ==================== ==========================================================
Listens on                Users are configured Who may
========================= ==================== ==========================================================
addresses of this machine no                   whoever works on this machine may look and act
any                       yes                  users who have signed in, or whose password comes with the
                                               request (HTTP Basic, for programs): by their role
other addresses           no                   nobody: the configuration is refused
========================= ==================== ==========================================================
"""

import base64
import hmac
import math
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Network, ip_address
from typing import Final

from scp.config import ConfigurationError, Console, Problem
from scp.console.sessions import Sessions
from scp.console.throttle import Throttle
from scp.passwords import is_password, nobody

_LONGEST_PASSWORD: Final = 1_024
_FREE_BY_ADDRESS: Final = 5
_FREE_BY_NAME: Final = 20
_DRAWER_DIGITS: Final = 3
"""Hexadecimal digits of a drawer: so there are 4,096 drawers, as many as a throttle remembers keys."""
_MOST_REMEMBERED: Final = 256
LOCAL: Final = "local"
"""The name of whoever uses the console on this machine when no users are configured."""


class Role(IntEnum):
    """What somebody may do; each role may also do what those before it may."""

    VIEWER = 1
    OPERATOR = 2


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who may look, and perhaps act.

    ``csrf`` is the token that must come with a form; None if the request itself names user and password.
    """

    name: str
    role: Role
    csrf: str | None = field(default=None, repr=False)
    signed_in: bool = False

    @property
    def may_act(self) -> bool:
        """Whether quarantine may be changed."""
        return self.role >= Role.OPERATOR

    def is_token(self, given: str) -> bool:
        """Whether a token is that of this visitor's forms."""
        return self.csrf is not None and hmac.compare_digest(self.csrf.encode(), given.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Wait:
    """There were too many wrong passwords: the next may be tried in so many ``seconds``."""

    seconds: int


class Access:
    """Knows the users, their sessions, and who has tried wrong passwords too often."""

    def __init__(self, settings: Console) -> None:
        """Raises ConfigurationError if people on other machines could use the console without signing in."""
        check(settings)
        self._hashes: Mapping[str, str] = {**settings.viewers, **settings.operators}
        self._operators = frozenset(settings.operators)
        self.sessions = Sessions(settings.idle_seconds, settings.session_seconds)
        self._local = Visitor(LOCAL, Role.OPERATOR, csrf=secrets.token_urlsafe(32))
        self._by_address = Throttle(_FREE_BY_ADDRESS)
        self._by_name = Throttle(_FREE_BY_NAME)
        self._nobody = nobody(self._hashes.values())
        self._one_at_a_time = threading.Lock()
        self._secret = secrets.token_bytes(32)
        self._proved: dict[bytes, None] = {}

    @property
    def has_users(self) -> bool:
        """Whether anybody has to sign in."""
        return bool(self._hashes)

    def visitor(self, token: str, authorization: str, address: str, *, asked: bool = True) -> Visitor | Wait | None:
        """Return who makes a request, by the token of its cookie or its Authorization header; None if unknown.

        ``asked`` is false for requests that a page makes by itself: these do not keep a session alive.
        """
        if not self.has_users:
            return self._local
        session = (self.sessions.find if asked else self.sessions.peek)(token) if token else None
        if session and session.name in self._hashes:
            return Visitor(session.name, self._role(session.name), session.csrf, signed_in=True)
        credentials = _basic(authorization)
        if credentials is None:
            return None
        name, password = credentials
        proof = hmac.digest(self._secret, name.encode() + b"\0" + password, sha256)
        if proof in self._proved:
            return Visitor(name, self._role(name))
        checked = self.check_password(name, password, address)
        if isinstance(checked, Wait):
            return checked
        if not checked:
            return None
        if len(self._proved) >= _MOST_REMEMBERED:
            self._proved.clear()
        self._proved[proof] = None
        return Visitor(name, self._role(name))

    def check_password(self, name: str, password: bytes, address: str) -> bool | Wait:
        """Whether this is the user's password, or how long to wait until another one is checked.

        Neither the answer nor the time that it takes depends on whether there is such a user.
        """
        guesser, guessed = neighbourhood(address), self._drawer(name)
        # Each comparison takes memory and time on purpose. One at a time, many do not take many times the memory, and
        # the failures of earlier ones count for later ones.
        with self._one_at_a_time:
            wait = max(self._by_address.wait(guesser), self._by_name.wait(guessed))
            if wait:
                return Wait(math.ceil(wait))
            is_right = is_password(password[:_LONGEST_PASSWORD], self._hashes.get(name, self._nobody))
            if is_right:
                self._by_address.succeeded(guesser)
                self._by_name.succeeded(guessed)
            else:
                self._by_address.failed(guesser)
                self._by_name.failed(guessed)
        return is_right

    def _drawer(self, name: str) -> str:
        """Return the key under which the failures of a name are counted, whether there is such a user or not.

        There are only as many keys as a throttle remembers, so that a flood of names cannot make it forget the failures
        of a user. Nobody outside can know which names share a key.
        """
        return hmac.digest(self._secret, name.encode("utf-8", "replace"), sha256).hex()[:_DRAWER_DIGITS]

    def _role(self, name: str) -> Role:
        return Role.OPERATOR if name in self._operators else Role.VIEWER


def check(settings: Console) -> None:
    """Raise ConfigurationError if people on other machines could use the console without signing in."""
    problems = []
    both = sorted(set(settings.operators) & set(settings.viewers))
    if both:
        problems.append(Problem("[console.viewers]", f"are also in [console.operators]: {', '.join(both)}"))
    if settings.enabled and not (settings.operators or settings.viewers):
        who = "name users in [console.operators] or [console.viewers]"
        if not is_this_machine(settings.host):
            problems.append(
                Problem("[console] host", f"others can reach {settings.host}, and nobody would have to sign in: {who}")
            )
        if settings.proxies:
            problems.append(
                Problem("[console] proxies", f"bring others than this machine, and nobody would have to sign in: {who}")
            )
        if not all(is_this_machine(name) for name in settings.names):
            problems.append(
                Problem("[console] names", f"are for others than this machine, and nobody would have to sign in: {who}")
            )
    if problems:
        raise ConfigurationError(problems)


def neighbourhood(address: str) -> str:
    """Return for whom failures count together: an IPv4 address, or the /64 network of an IPv6 one.

    A single host may use all addresses of such a network.
    """
    if not is_address(address):
        return ""
    found = ip_address(address)
    if isinstance(found, IPv4Address):
        return str(found)
    return str(found.ipv4_mapped or IPv6Network((int(found), 64), strict=False))


def is_address(text: str) -> bool:
    """Whether a text is a numeric address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_this_machine(host: str) -> bool:
    """Whether a host name or address can only be reached from this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _basic(authorization: str) -> tuple[str, bytes] | None:
    """Take HTTP Basic credentials apart (RFC 7617); None if there are none."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(value.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except ValueError:  # it is not ASCII, not base64, or not UTF-8
        return None
