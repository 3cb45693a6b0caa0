"""Delivery by SMTP: plain mail, over TLS unless the settings say otherwise (RFC 5321, RFC 3207, RFC 8314)."""

import smtplib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

import orjson

from scp.config import ConfigurationError, Email, Problem
from scp.ids import as_text
from scp.notify.deadline import within
from scp.notify.delivery import Undelivered
from scp.notify.lines import recipients_refused
from scp.notify.message import subject, text
from scp.notify.outbox import Letter
from scp.notify.secrets import attempt, client_context, secret_in, words

_PLACE: Final = "[notify.email]"
_NEEDED: Final = {
    "host": "is empty: which server takes the mail?",
    "sender": "is empty: from whom is the mail?",
    "recipients": "is empty: for whom is the mail?",
}
_UNSENDABLE: Final = "has characters beyond ASCII, which cannot be sent to log in"  # smtplib has no way to send them


class _Server(smtplib.SMTP):
    """A connection on which the timeout holds for every answer as a whole, however many lines it has."""

    def getreply(self) -> tuple[int, bytes]:
        """Read an answer."""
        with within(self.timeout, lambda: self.sock):
            return super().getreply()


class _SecureServer(_Server, smtplib.SMTP_SSL):
    """The same over TLS from the first byte."""


class EmailSender:
    """Sends letters as mail, each through a connection of its own."""

    def __init__(self, settings: Email) -> None:
        """Read the password and the certificates. Raises ConfigurationError with everything that is wrong."""
        problems = [Problem(f"{_PLACE} {name}", why) for name, why in _NEEDED.items() if not getattr(settings, name)]
        if settings.user and settings.security == "none":
            problems.append(
                Problem(f"{_PLACE} user", 'a password does not go in the clear: security must not be "none"')
            )
        password = ""
        if settings.user:
            password = attempt(problems, f"{_PLACE} password_file", lambda: secret_in(settings.password_file)) or ""
            given = {"user": settings.user, "password_file": password}
            problems += [Problem(f"{_PLACE} {name}", _UNSENDABLE) for name, it in given.items() if not it.isascii()]
        self._context = attempt(problems, f"{_PLACE} ca", lambda: client_context(settings.ca))
        if problems:
            raise ConfigurationError(problems)
        self._settings, self._password = settings, password

    def send(self, letter: Letter) -> None:
        """Hand a letter to the mail server. Raises Undelivered; recipients that the server refuses are only logged."""
        mail = self.mail(letter)
        try:
            with self._connected() as server:
                refused = server.send_message(mail)
        except smtplib.SMTPRecipientsRefused:
            raise Undelivered("the server takes no recipient", answered=True) from None
        except smtplib.SMTPResponseException as error:
            about_this = isinstance(error, smtplib.SMTPDataError | smtplib.SMTPSenderRefused)
            raise Undelivered(f"SMTP status {error.smtp_code}", answered=about_this) from None
        except OSError as error:  # smtplib's own errors are among them
            raise Undelivered(words(error)) from None
        if refused:
            recipients_refused(letter, len(refused))  # another attempt would send it to the others again

    def mail(self, letter: Letter) -> EmailMessage:
        """Return a letter as mail; ``Message-ID`` is the same at each attempt."""
        body = orjson.loads(letter.body)
        mail = EmailMessage()
        mail["Subject"] = subject(body)
        mail["From"] = self._settings.sender
        mail["To"] = ", ".join(self._settings.recipients)
        mail["Date"] = format_datetime(datetime.fromtimestamp(letter.made / 1_000_000, UTC))
        mail["Message-ID"] = f"<{as_text(letter.id)}@{self._settings.sender.partition('@')[2]}>"
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: automatic replies do not answer it
        mail.set_content(text(body))
        return mail

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        settings = self._settings
        place = (settings.host, settings.port)
        server = (
            _SecureServer(*place, timeout=settings.timeout, context=self._context)
            if settings.security == "tls"
            else _Server(*place, timeout=settings.timeout)
        )
        try:
            if settings.security == "starttls":
                server.starttls(context=self._context)
            if settings.user:
                server.login(settings.user, self._password)
            yield server
            with suppress(OSError):
                server.quit()
        finally:
            server.close()
