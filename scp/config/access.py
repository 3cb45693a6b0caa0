"""Certificates, users and passwords: the types of their values, and the sections that use them."""

import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from scp.config.expecting import Between, Expecting, complaint, shown
from scp.config.section import KEYS, Section
from scp.config.values import AS_LIST, AS_TABLE, AddressRange, AETitle, FilePath, Flag, Host, HostName, Port, from_json
from scp.passwords import FORM


def _certificate_name(value: str) -> str:
    if not value or not value.isprintable():
        raise complaint(f"{shown(value)} is not the common name or SHA-256 fingerprint of a certificate")
    digits = value.replace(":", "").lower()
    return digits if FINGERPRINT.fullmatch(digits) else value


FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")
"""The SHA-256 fingerprint of a certificate as settings hold it: in lower case, without colons."""

ClientCertificates = Annotated[
    Literal["none", "optional", "required"], Expecting('an answer: "none", "optional" or "required"')
]
TLSVersion = Annotated[Literal["1.2", "1.3"], Expecting('a version of TLS: "1.2" or "1.3"')]
CallingAETitles = Annotated[
    Mapping[
        Annotated[str, AfterValidator(_certificate_name)],
        Annotated[tuple[AETitle, ...], AS_LIST, Expecting("a list of AE titles")],
    ],
    AS_TABLE,
    Expecting("a table of certificate = list of AE titles"),
]


def _hashed(value: object) -> object:
    # No message shows the value: somebody may have written the password where its hash belongs.
    if value == "" or (isinstance(value, str) and FORM.fullmatch(value)):
        return value
    raise complaint('the value is not what "auditscp hash-password" prints, or "" for a user without password')


def _users(value: object) -> object:
    try:
        table = from_json(value)
    except ValueError:
        table = None
    if isinstance(table, Mapping):
        return table
    raise complaint("the value is not a table of user name = hashed password")


Users = Annotated[Mapping[str, Annotated[str, BeforeValidator(_hashed)]], BeforeValidator(_users)]


def _given(value: object) -> object:
    if isinstance(value, str) and FORM.fullmatch(value):
        return value
    raise complaint('a password is needed: the value is not what "auditscp hash-password" prints')


def _login_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._@-]{1,64}", value):
        raise complaint("a user name has 1 to 64 letters, digits and signs of . _ @ -")
    return value


Passwords = Annotated[
    Mapping[Annotated[str, AfterValidator(_login_name)], Annotated[str, BeforeValidator(_given)]],
    BeforeValidator(_users),
]


def _somebody(value: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    if not value.prefixlen:
        raise complaint("everybody is no proxy: name the addresses of yours")
    return value


ProxyRange = Annotated[AddressRange, AfterValidator(_somebody)]


class TLS(Section):
    """``[tls]``: whether connections are encrypted, and by which certificate a sender is known."""

    enabled: Flag = Field(default=False, description="Speak TLS, and nothing else, on the port of the node.")
    certificate: FilePath = Field(
        default=Path("tls/certificate.pem"), description="Certificate of the node, then its chain, as PEM."
    )
    key: FilePath = Field(default=Path("tls/key.pem"), description="Private key of the certificate, as PEM.")
    client_certificates: ClientCertificates = Field(
        default="none", description="Whether senders show a certificate: `none`, `optional` or `required`."
    )
    client_ca: FilePath = Field(
        default=Path("tls/client_ca.pem"), description="Certificates by which those of senders are verified, as PEM."
    )
    minimum_version: TLSVersion = Field(default="1.2", description="The oldest version of TLS: `1.2` or `1.3`.")
    calling_ae_titles: CallingAETitles = Field(
        default={},
        description="AE titles that a certificate may call with, by its common name or SHA-256 fingerprint.",
        json_schema_extra={KEYS: "<certificate>"},
    )

    def admits(self, ae_title: str, common_name: str | None, fingerprint: str | None) -> bool:
        """Whether a peer with this certificate may use this calling AE title; without one, ``fingerprint`` is None.

        AE titles that are listed for a certificate are for its holders only, and these may use no others. A peer with a
        certificate that is not listed may use none; a peer without a certificate may use those that are not listed.
        """
        if not self.calling_ae_titles:
            return True
        if fingerprint is None:
            return all(ae_title not in titles for titles in self.calling_ae_titles.values())
        named = common_name if common_name and not FINGERPRINT.fullmatch(common_name) else fingerprint
        return any(ae_title in self.calling_ae_titles.get(key, ()) for key in (fingerprint, named))


class UserIdentity(Section):
    """``[user_identity]``: user names and passwords in negotiation (PS3.7 Annex D.3.3.7)."""

    required: Flag = Field(default=False, description="Reject associations that name no user.")
    users: Users = Field(
        default={},
        description='What `auditscp hash-password` prints, by user name; `""` for a user without password.',
        json_schema_extra={KEYS: "<user name>"},
    )

    @model_validator(mode="after")
    def _somebody_may_in(self) -> Self:
        if self.required and not self.users:
            raise complaint("a user is required, and there is none: add [user_identity.users]")
        return self


class Console(Section):
    """``[console]``: pages for a browser, and the HTTP API with the same rights."""

    enabled: Flag = Field(default=False, description="Offer the console and the HTTP API.")
    host: Host = Field(
        default="127.0.0.1", description="Address to listen on; beyond this machine only with users who log in."
    )
    port: Port = Field(default=8112, description="TCP port; `0` takes any free one, which the log then names.")
    tls: Flag = Field(default=False, description="Speak HTTPS, with `tls.certificate` and `tls.key`.")
    names: Annotated[tuple[HostName, ...], AS_LIST, Expecting("a list of host names")] = Field(
        default=(),
        description="Names that browsers may call it by, beside `localhost`, `127.0.0.1` and `::1`; empty: none, "
        "or any if it listens beyond this machine.",
    )
    proxies: Annotated[tuple[ProxyRange, ...], AS_LIST, Expecting("a list of addresses and networks")] = Field(
        default=(),
        description="Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed, in CIDR form; empty: none.",
    )
    idle_seconds: Annotated[float, Between(60, 86_400, "a number of seconds")] = Field(
        default=1800.0, description="Seconds without a request after which a user must log in again."
    )
    session_seconds: Annotated[float, Between(60, 604_800, "a number of seconds")] = Field(
        default=43_200.0, description="Seconds after which a user must log in again in any case."
    )
    operators: Passwords = Field(
        default={},
        description="Users who may act: what `auditscp hash-password` prints, by user name.",
        json_schema_extra={KEYS: "<user name>"},
    )
    viewers: Passwords = Field(
        default={},
        description="Users who may look: what `auditscp hash-password` prints, by user name.",
        json_schema_extra={KEYS: "<user name>"},
    )
