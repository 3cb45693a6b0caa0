"""``[notify]``: who is told, and how, when somebody should look.

Secrets are in files of their own: what ``auditscp config show`` writes has none of them.
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
        if "@" in parts.netloc:  # it would not be sent: the signature says who we are
            raise ValueError
        _ = parts.port, parts.hostname.encode("idna")  # raises ValueError if it is none
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
    """``[notify.webhook]``: an HTTP POST of JSON, signed as Standard Webhooks has it."""

    enabled: Flag = Field(default=False, description="Send notifications to a web server.")
    url: URL = Field(default="", description="Where they are posted to.")
    secret_file: FilePath = Field(
        default=Path("notify/webhook.secret"), description="File with the secret by which they are signed."
    )
    ca: OptionalFile = Field(
        default=None, description="Certificates by which the server's is verified, as PEM; empty: the system's."
    )
    timeout: HttpSeconds = Field(default=10.0, description="Seconds that the server has for an answer.")
    per_hour: MessagesPerHour = Field(
        default=120, description="Messages of each kind an hour; beyond, several become one."
    )


class Email(Section):
    """``[notify.email]``: plain mail by SMTP."""

    enabled: Flag = Field(default=False, description="Send notifications by e-mail.")
    host: Annotated[str, AfterValidator(_mail_host), Expecting("the name of a mail server")] = Field(
        default="", description="The mail server."
    )
    port: Port = Field(default=587, description="Its TCP port: usually 587, 465 for `tls`, 25 for `none`.")
    security: Security = Field(
        default="starttls", description="`starttls`, `tls` from the first byte, or `none`: in the clear."
    )
    ca: OptionalFile = Field(
        default=None, description="Certificates by which the server's is verified, as PEM; empty: the system's."
    )
    user: Annotated[str, Expecting("a text in quotes")] = Field(
        default="", description="User name at the server; empty: no login."
    )
    password_file: FilePath = Field(
        default=Path("notify/email.password"), description="File with that user's password."
    )
    sender: MailAddress = Field(default="", description="The address that the mail is from.")
    recipients: Annotated[tuple[Recipient, ...], AS_LIST, Expecting("a list of mail addresses")] = Field(
        default=(), description="The addresses that the mail is for."
    )
    timeout: HttpSeconds = Field(default=30.0, description="Seconds that the server has for each answer.")
    per_hour: MessagesPerHour = Field(
        default=12, description="Messages of each kind an hour; beyond, several become one."
    )


class Notify(Section):
    """``[notify]``: what is told, however it is."""

    refusals: Flag = Field(default=True, description="Tell of refused instances, one message for an association.")
    series: Flag = Field(default=True, description="Tell of series that are found not to be consistent.")
    health: Flag = Field(default=True, description="Tell when the node is not healthy, and when it is again.")
    group_seconds: Annotated[float, Between(0, 3600, "a number of seconds")] = Field(
        default=60.0, description="Seconds that refusals of an association in progress wait for further ones."
    )
    retry_seconds: Annotated[float, Between(0.1, 3600, "a number of seconds")] = Field(
        default=10.0, description="Seconds until a failed delivery is tried again; doubled each time, up to an hour."
    )
    keep_hours: Annotated[float, Between(1, 720, "a number of hours")] = Field(
        default=72.0, description="Hours after which what could not be delivered is dropped."
    )
    link: URL = Field(default="", description="Address of the console as people reach it, for links in messages.")
    webhook: Webhook = Webhook()
    email: Email = Email()
