"""The types of values that settings take; each is annotated with its check and what would be right."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, ByteSize, PlainSerializer, ValidationInfo
from pydicom._uid_dict import UID_dictionary

from scp.config.expecting import Between, Expecting, complaint, shown, suggestion
from scp.dicom.status import Status
from scp.dicom.uid import is_uid

KNOWN_CODES: Final = "known_codes"
"""Key in the validation context: the rule codes, families and ``CODE.case`` names that may be set."""


def from_json(value: object) -> object:
    """Decode a list or table that an environment variable has as JSON text; return other values unchanged."""
    return json.loads(value) if isinstance(value, str) else value


def _from_json_or_commas(value: object) -> object:
    if not isinstance(value, str) or value.lstrip().startswith("["):
        return from_json(value)
    return [entry for part in value.split(",") if (entry := part.strip())]


AS_LIST: Final = BeforeValidator(_from_json_or_commas)
AS_TABLE: Final = BeforeValidator(from_json)

Flag = Annotated[bool, Expecting("true or false")]
Port = Annotated[int, Between(0, 65535, "a port", "0 means any free one")]
Seconds = Annotated[float, Between(1, 3600, "a number of seconds")]


def _spell_size(size: int) -> str | int:
    if not size:
        return 0
    units = {"TiB": 1024**4, "GiB": 1024**3, "MiB": 1024**2, "KiB": 1024}
    return next((f"{size // unit} {name}" for name, unit in units.items() if size % unit == 0), int(size))


Size = Annotated[
    ByteSize,
    PlainSerializer(_spell_size, when_used="json"),
    Between(1024, 1024**4, "a size in bytes", 'or text such as "4 GiB"'),
]
Reserve = Annotated[
    ByteSize,
    PlainSerializer(_spell_size, when_used="json"),
    Between(0, 1024**4, "a size in bytes", '0 for none, or text such as "1 GiB"'),
]
Days = Annotated[int, Between(0, 36500, "a number of days", "0 means for ever")]
PduLength = Annotated[
    int,
    Between(4096, 1024**2, "a PDU length in bytes", "0, no limit, is not offered: a peer could fill the memory"),
]


def _ae_title(value: str) -> str:
    # PS3.5 Table 6.2-1: Default Character Repertoire, no backslash, no controls; outer spaces are padding.
    title = value.strip(" ")
    if not re.fullmatch(r"[\x20-\x5B\x5D-\x7E]{1,16}", title):
        raise ValueError
    return title


AETitle = Annotated[
    str,
    AfterValidator(_ae_title),
    Expecting("an AE title: 1 to 16 printable ASCII characters, no backslash, not only spaces"),
]


def _host(value: str) -> str:
    try:
        return str(ip_address(value))
    except ValueError:
        if re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*", value) and not value[-1].isdigit():
            return value
        raise


Host = Annotated[
    str,
    AfterValidator(_host),
    Expecting('an address or host name to listen on, such as "0.0.0.0", "127.0.0.1" or "::"'),
]

HostName = Annotated[
    str,
    AfterValidator(lambda value: _host(value).lower()),
    Expecting('a host name or address without a port, such as "pacs.example"'),
]

Network = IPv4Network | IPv6Network


def _network(value: object) -> Network:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004  # pydantic reports only ValueError as a wrong value
    try:
        return ip_network(value)
    except ValueError:
        wide = ip_network(value, strict=False)  # raises ValueError unless only the host bits were wrong
        raise complaint(f"{shown(value)} has bits beyond its prefix: the network is {wide}") from None


AddressRange = Annotated[
    Network,
    BeforeValidator(_network),
    Expecting('an address or network in CIDR form, such as "192.0.2.7" or "192.0.2.0/24"'),
]


def holds(network: Network, address: str) -> bool:
    """Whether a peer's numeric ``address`` lies in ``network``; false if it is not an address.

    A socket that listens on ``::`` shows IPv4 peers as ``::ffff:192.0.2.7``; these count as IPv4.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if found.version == 6 else None
    return (mapped or found) in network


def contains(network: Network, other: Network) -> bool:
    """Whether every address of another network lies in this one."""
    return holds(network, str(other[0])) and holds(network, str(other[-1]))


def _path(value: str) -> str:
    if value.startswith("~"):
        raise complaint(f"{shown(value)} is not expanded: write the home folder in full")
    if not value or "\0" in value:
        raise ValueError
    return value


_PATH: Final = BeforeValidator(lambda value: _path(value) if isinstance(value, str) else value)
Folder = Annotated[Path, _PATH, Expecting("a folder")]
FilePath = Annotated[Path, _PATH, Expecting("a file")]


def _named_uid(kind: str, *, others: bool) -> Callable[[str], str]:
    """Return a function that reads a UID or keyword of a ``kind`` of PS3.6 Table A-1.

    With ``others``, it also accepts UIDs that the table does not have.
    """
    by_keyword = {entry[4]: uid for uid, entry in UID_dictionary.items() if entry[1] == kind and entry[4]}
    uids = frozenset(uid for uid, entry in UID_dictionary.items() if entry[1] == kind)

    def read(value: str) -> str:
        uid = by_keyword.get(value, value)
        if uid in uids or (others and uid not in UID_dictionary and is_uid(uid)):
            return uid
        raise complaint(f"{shown(value)} is not the UID or keyword of a {kind}{suggestion(value, by_keyword)}")

    return read


TransferSyntax = Annotated[
    str,
    AfterValidator(_named_uid("Transfer Syntax", others=False)),
    Expecting("the UID or keyword of a Transfer Syntax"),
]
SOPClass = Annotated[
    str, AfterValidator(_named_uid("SOP Class", others=True)), Expecting("the UID or keyword of a SOP Class")
]

Profile = Annotated[Literal["observe", "standard", "strict"], Expecting('a profile: "observe", "standard" or "strict"')]
Severity = Annotated[
    Literal["off", "info", "warn", "refuse"], Expecting('a severity: "off", "info", "warn" or "refuse"')
]
Identical = Annotated[Literal["refuse", "accept"], Expecting('an answer: "refuse" or "accept"')]
Durability = Annotated[Literal["full", "none"], Expecting('a durability: "full" or "none"')]
LogFormat = Annotated[Literal["auto", "json", "console"], Expecting('a format: "auto", "json" or "console"')]
LogLevel = Annotated[
    Literal["debug", "info", "warning", "error"], Expecting('a level: "debug", "info", "warning" or "error"')
]


def _rule(form: str, what: str) -> Callable[[str, ValidationInfo], str]:
    pattern = re.compile(form)

    def read(value: str, info: ValidationInfo) -> str:
        known: Collection[str] | None = (info.context or {}).get(KNOWN_CODES)
        fitting = [name for name in known or () if pattern.fullmatch(name)]
        if not pattern.fullmatch(value):
            raise complaint(f"{shown(value)} is not {what}{suggestion(value.upper(), fitting)}")
        if known is not None and value not in known:
            raise complaint(f"no rule is called {shown(value)}{suggestion(value, fitting)}")
        return value

    return read


RuleCode = Annotated[str, AfterValidator(_rule(r"[A-Z]{3}-\d{3}", 'a rule code, such as "STK-251"'))]
RuleName = Annotated[
    str,
    AfterValidator(_rule(r"[A-Z]{3}(-\d{3}(\.\w+)?)?", 'a rule code, family or CODE.case, such as "STK-251" or "STK"')),
]


def _status(value: object) -> int:
    if isinstance(value, str) and re.fullmatch(r"[0-9A-Fa-f]{4}", value):
        return int(value, 16)
    raise ValueError


def _refusal(code: int) -> int:
    """Check that a C-STORE response may refuse an instance with this status (PS3.7 §9.1.1.1.9)."""
    if code in _STORED:
        raise complaint(f'{code:04X} says "stored", which an instance that is refused is not')
    if code >> 8 == Status.OUT_OF_RESOURCES >> 8:
        raise complaint(f'{code:04X} says "try again", which is for this node\'s own troubles only')
    is_in_range = code >> 8 == Status.SOP_CLASS_MISMATCH >> 8 or code >> 12 == Status.DATA_SET_MALFORMED >> 12
    if is_in_range or any(code == status for status in Status):
        return code
    raise ValueError


def _stored(code: int) -> int:
    if code in _STORED:
        return code
    raise ValueError


_STORED: Final = {status.value for status in Status if not status.is_failure}
_AS_HEX: Final = PlainSerializer(lambda code: f"{code:04X}", when_used="json")
RefusalStatus = Annotated[
    int,
    BeforeValidator(_status),
    AfterValidator(_refusal),
    _AS_HEX,
    Expecting('a refusal of C-STORE, four hexadecimal digits in quotes: "0111", "0124", "A9xx", "Cxxx" …'),
]
WarningStatus = Annotated[
    int,
    BeforeValidator(_status),
    AfterValidator(_stored),
    _AS_HEX,
    Expecting('a status for stored instances: "0000", "B000", "B006" or "B007"'),
]

Severities = Annotated[
    Mapping[RuleName, Severity],
    AS_TABLE,
    Expecting("a table of rule = severity"),
]
Responses = Annotated[
    Mapping[RuleCode, RefusalStatus],
    AS_TABLE,
    Expecting("a table of rule = status"),
]
