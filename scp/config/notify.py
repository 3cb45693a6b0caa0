"""``[notify]``: who is notified of what, and how.

Secrets are in files of their own, so that ``auditscp config show`` shows none of them.
"""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from scp.config.expecting import Between, Expecting
from scp.config.section import Section
from scp.config.values import AS_LIST, FilePath, Flag, Port

_ADDRESS = re.compile(r"[!#-'*+\-/-9=?A-Z^-~]+(?:\.[!#-'*+\-/-9=?A-Z^-~]+)*@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
"""RFC 5321 §4.1.2 without quoted names and address literals."""


def _url(value: str) -> str:
    if value:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or not value.isprintable() or " " in value:
            raise ValueError
        if "@" in parts.netloc:  # user and password would not be sent: the signature proves who we are
            raise ValueError
        _ = parts.port, parts.hostname.encode("idna")  # raise ValueError if they are not a port and a host name
    return value


def _mail_address(value: str) -> str:
    if value and not _ADDRESS.fullmatch(value):
        raise ValueError
    return value


def _given(value: str) -> str:
    if not value:
        raise ValueError
    return value


def _mail_host(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:-]*", value):
        raise ValueError
    return value


URL = Annotated[
    str,
    AfterValidator(_url),
    Expecting('the address of a page, without a user, such as "https://hooks.example/auditscp"'),
]
MailAddress = Annotated[
    str, AfterValidator(_mail_address), Expecting('a mail address, such as "pacs-team@hospital.example"')
]
Recipient = Annotated[MailAddress, AfterValidator(_given), Expecting("a mail address")]
OptionalFile = Annotated[
    FilePath | None,
    BeforeValidator(lambda value: None if value == "" else value),
    PlainSerializer(lambda path: str(path or ""), when_used="json"),
]
HttpSeconds = Annotated[float, Between(1, 120, "a number of seconds")]
MessagesPerHour = Annotated[int, Between(1, 3600, "a number of messages")]
Security = Annotated[Literal["starttls", "tls", "none"], Expecting('an answer: "starttls", "tls" or "none"')]


class Webhook(Section):
    """``[notify.webhook]``: an HTTP POST of JSON, signed as the Standard Webhooks specification requires."""

    enabled: Flag = Field(default=False, description="Send notifications to a web server.")
    url: URL = Field(default="", description="Address to which notifications are posted.")
    secret_file: FilePath = Field(
        default=Path("notify/webhook.secret"), description="File with the secret that signs them."
    )
    ca: OptionalFile = Field(
        default=None, description="PEM file of CA certificates that verify the server's; empty: the system's."
    )
    timeout: HttpSeconds = Field(default=10.0, description="Seconds that the server has for an answer.")
    per_hour: MessagesPerHour = Field(
        default=120, description="Most messages of each kind in an hour; beyond that, several become one."
    )


class Email(Section):
    """``[notify.email]``: plain mail by SMTP."""

    enabled: Flag = Field(default=False, description="Send notifications by e-mail.")
    host: Annotated[str, AfterValidator(_mail_host), Expecting("the name of a mail server")] = Field(
        default="", description="The mail server."
    )
    port: Port = Field(default=587, description="Its TCP port: usually 587, 465 for `tls`, 25 for `none`.")
    security: Security = Field(
        default="starttls", description="`starttls`, `tls` from the first byte, or `none`: unencrypted."
    )
    ca: OptionalFile = Field(
        default=None, description="PEM file of CA certificates that verify the server's; empty: the system's."
    )
    user: Annotated[str, Expecting("a text in quotes")] = Field(
        default="", description="User name at the server; empty: no login."
    )
    password_file: FilePath = Field(
        default=Path("notify/email.password"), description="File with that user's password."
    )
    sender: MailAddress = Field(default="", description="Address that the mail is from.")
    recipients: Annotated[tuple[Recipient, ...], AS_LIST, Expecting("a list of mail addresses")] = Field(
        default=(), description="Addresses that the mail goes to."
    )
    timeout: HttpSeconds = Field(default=30.0, description="Seconds that the server has for each answer.")
    per_hour: MessagesPerHour = Field(
        default=12, description="Most messages of each kind in an hour; beyond that, several become one."
    )


class Notify(Section):
    """``[notify]``: what is notified, by whichever way."""

    refusals: Flag = Field(default=True, description="Notify of refused instances, one message for each association.")
    series: Flag = Field(default=True, description="Notify of series whose verdict is not `consistent`.")
    health: Flag = Field(default=True, description="Notify when the node becomes unhealthy, and when it is well again.")
    group_seconds: Annotated[float, Between(0, 3600, "a number of seconds")] = Field(
        default=60.0, description="Seconds that a refusal waits for further ones while its association goes on."
    )
    retry_seconds: Annotated[float, Between(0.1, 3600, "a number of seconds")] = Field(
        default=10.0, description="Seconds until a failed delivery is tried again; doubled each time, up to an hour."
    )
    keep_hours: Annotated[float, Between(1, 720, "a number of hours")] = Field(
        default=72.0, description="Hours after which a message that could not be delivered is dropped."
    )
    link: URL = Field(default="", description="Address at which people reach the console, for links in messages.")
    webhook: Webhook = Webhook()
    email: Email = Email()
