"""Delivery by HTTP: a POST of JSON, signed as the Standard Webhooks specification requires (version 1, symmetric).

``webhook-id`` is the same at each attempt, so that a receiver can discard messages whose identifier it knows.
``webhook-signature`` is ``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``. The timestamp, in seconds, is
that of the attempt, so that a receiver can reject old requests that somebody replays.
"""

import base64
import binascii
import hashlib
import hmac
import string
import time
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Final
from urllib.parse import quote, urlsplit

from scp.config import ConfigurationError, Problem, Webhook
from scp.ids import as_text
from scp.notify.deadline import within
from scp.notify.delivery import Undelivered
from scp.notify.outbox import Letter
from scp.notify.secrets import Unusable, attempt, client_context, secret_in, words
from scp.version import __version__

_PREFIX: Final = "whsec_"
_SHORTEST: Final = 16
_PLACE: Final = "[notify.webhook]"


def sign(key: bytes, identifier: str, timestamp: int, body: bytes) -> str:
    """Return the value of ``webhook-signature``; ``timestamp`` is in seconds since 1970."""
    signed = f"{identifier}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for. Raises Unusable if it is too short or not valid base64."""
    key = secret.encode()
    if secret.startswith(_PREFIX):
        try:
            key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            raise Unusable(f'the secret begins with "{_PREFIX}", but what follows is not base64') from None
    if len(key) < _SHORTEST:
        raise Unusable(f"the secret is too short: {_SHORTEST} characters are the least")
    return key


class WebhookSender:
    """Posts letters to one address, without following redirects and without using proxies."""

    def __init__(self, settings: Webhook) -> None:
        """Read the secret and the certificates. Raises ConfigurationError with everything that is wrong."""
        problems: list[Problem] = []
        if not settings.url:
            problems.append(Problem(f"{_PLACE} url", "is empty: where are notifications to be posted?"))
        key = attempt(problems, f"{_PLACE} secret_file", lambda: key_of(secret_in(settings.secret_file)))
        context = attempt(problems, f"{_PLACE} ca", lambda: client_context(settings.ca))
        if problems or key is None:
            raise ConfigurationError(problems)
        parts = urlsplit(settings.url)
        self._key, self._context, self._timeout = key, context, settings.timeout
        self._is_secure = parts.scheme == "https"
        self._host, self._port = parts.hostname or "", parts.port
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._target = quote(target, safe=string.punctuation)

    def send(self, letter: Letter) -> None:
        """Post a letter; any status from 200 to 299 means that it arrived. Raises Undelivered."""
        identifier, now, body = as_text(letter.id), int(time.time()), letter.body.encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"auditscp/{__version__}",
            "webhook-id": identifier,
            "webhook-timestamp": str(now),
            "webhook-signature": sign(self._key, identifier, now, body),
        }
        connection = self._connection()
        try:
            with within(self._timeout, lambda: connection.sock):
                connection.request("POST", self._target, body, headers)
                status = connection.getresponse().status
        except (OSError, HTTPException) as error:
            raise Undelivered(words(error)) from None
        finally:
            connection.close()
        if not 200 <= status < 300:
            raise Undelivered(f"HTTP status {status}", answered=True)

    def _connection(self) -> HTTPConnection:
        if self._is_secure:
            return HTTPSConnection(self._host, self._port, timeout=self._timeout, context=self._context)
        return HTTPConnection(self._host, self._port, timeout=self._timeout)
