"""Delivery by HTTP: a POST of JSON, signed as the Standard Webhooks specification has it (version 1, symmetric).

``webhook-id`` is the same at each attempt: whoever takes messages throws away what has an identifier that is known.
``webhook-signature`` is ``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``; the timestamp, in seconds, is
of the attempt, so that an old request cannot be played again.
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
    """Return the signature of a message."""
    signed = f"{identifier}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def key_of(secret: str) -> bytes:
    """Return the key of a secret. Raises Unusable."""
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
    """Posts letters to one address. Redirects are not followed, and proxies not asked."""

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
        """Post a letter; any answer of 200 to 299 means that it arrived. Raises Undelivered."""
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
