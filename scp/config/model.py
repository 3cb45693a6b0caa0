"""What can be set: the sections of ``auditscp.toml``, with defaults and descriptions.

Everything here is frozen. Times are seconds, sizes are bytes. ``config/auditscp.toml`` says the same at more
length for the administrator, and a test holds the two together.
"""

from inspect import isclass
from pathlib import Path
from typing import Annotated, Self, get_args

from pydantic import AfterValidator, ByteSize, Field, model_validator
from pydantic.fields import FieldInfo

from scp.config.access import TLS, Console, UserIdentity
from scp.config.expecting import Between, Expecting, complaint
from scp.config.notify import Notify
from scp.config.section import Section
from scp.config.values import (
    AS_LIST,
    AddressRange,
    AETitle,
    Days,
    Durability,
    Flag,
    Folder,
    Host,
    Identical,
    LogFormat,
    LogLevel,
    PduLength,
    Port,
    Profile,
    Reserve,
    Responses,
    Seconds,
    Severities,
    Size,
    SOPClass,
    TransferSyntax,
    WarningStatus,
    contains,
    holds,
)


class Node(Section):
    """``[node]``: who this node is and where it listens."""

    ae_title: AETitle = Field(default="AUDITSCP", description="AE title of this node.")
    host: Host = Field(
        default="0.0.0.0",  # noqa: S104  # a storage node exists to be reached
        description="Address to listen on; `0.0.0.0` is every IPv4 address, `::` every address.",
    )
    port: Port = Field(default=11112, description="TCP port; `0` takes any free one, which the log then names.")


class Associations(Section):
    """``[association]``: who may connect, how many at a time, and how long anything may take."""

    max_pdu: PduLength = Field(default=131072, description="Largest PDU that a peer may send, in bytes.")
    max_associations: Annotated[int, Between(1, 1000, "a number of associations")] = Field(
        default=64, description="Associations at one time, with all peers together."
    )
    max_associations_per_peer: Annotated[int, Between(1, 1000, "a number of associations")] = Field(
        default=32, description="Associations at one time with one address."
    )
    max_associate_rq: Annotated[int, Between(4096, 1048576, "a number of bytes")] = Field(
        default=262144, description="Largest A-ASSOCIATE-RQ, in bytes."
    )
    minimum_rate: Annotated[int, Between(1, 1_000_000_000, "a number of bytes per second")] = Field(
        default=1024, description="Bytes per second below which a sender is too slow, and is aborted."
    )
    acse_timeout: Seconds = Field(default=30.0, description="Seconds for the negotiation of an association.")
    network_timeout: Seconds = Field(
        default=60.0, description="Seconds of silence after which an association is aborted."
    )
    drain_timeout: Annotated[float, Between(0, 3600, "a number of seconds")] = Field(
        default=20.0,
        description="Seconds at shutdown to finish what is being received; then associations are aborted.",
    )
    require_called_ae_title: Flag = Field(
        default=False, description="Reject associations that call another AE title than `node.ae_title`."
    )
    calling_ae_titles: Annotated[tuple[AETitle, ...], AS_LIST, Expecting("a list of AE titles")] = Field(
        default=(), description="AE titles that may connect; empty admits all."
    )
    addresses: Annotated[tuple[AddressRange, ...], AS_LIST, Expecting("a list of networks")] = Field(
        default=(), description="Networks that may connect, in CIDR form; empty admits all."
    )

    def admits_address(self, address: str) -> bool:
        """Whether a peer at this numeric address may connect."""
        return not self.addresses or any(holds(network, address) for network in self.addresses)

    def admits_calling(self, ae_title: str) -> bool:
        """Whether a peer that calls itself this, without padding, may connect."""
        return not self.calling_ae_titles or ae_title in self.calling_ae_titles


class Classes(Section):
    """``[classes]``: which objects may be sent. All storage classes of the standard, unless refused here."""

    private: Flag = Field(default=True, description="Accept private SOP Classes, those with a vendor's UID root.")
    unknown: Flag = Field(
        default=True,
        description="Accept SOP Classes under the standard's root that the dictionary does not know yet.",
    )
    refused_sop_classes: Annotated[tuple[SOPClass, ...], AS_LIST, Expecting("a list of SOP Classes")] = Field(
        default=(), description="SOP Classes to refuse, by UID or keyword."
    )
    transfer_syntaxes: Annotated[tuple[TransferSyntax, ...], AS_LIST, Expecting("a list of Transfer Syntaxes")] = Field(
        default=(),
        description="Transfer Syntaxes to accept, by UID or keyword; empty accepts all that are known.",
    )
    referenced_pixels: Flag = Field(
        default=False,
        description="Among all that are known, accept those that leave the pixels elsewhere (JPIP, SMPTE ST 2110).",
    )


class Storage(Section):
    """``[storage]``: where everything is kept, and what a success response promises."""

    folder: Folder = Field(
        default=Path("data"),
        description="Folder of spool, archive, quarantine and ledger; relative to the working directory.",
    )
    durability: Durability = Field(
        default="full",
        description="`full`: what was answered with success survives a power cut; `none`: for trials.",
    )
    reserve_bytes: Reserve = Field(
        default=ByteSize(1024**3),
        description="Free space below which every instance is answered A700 before it is received; `0`: none.",
    )


class Retention(Section):
    """``[retention]``: how long things are kept. Nothing is removed unless this is set."""

    archive_days: Days = Field(
        default=0, description="Days without a request about a study after which it leaves the archive; `0`: never."
    )
    quarantine_days: Days = Field(
        default=0, description="Days after which an object and its case leave quarantine; `0`: never."
    )


class Limits(Section):
    """``[limits]``: structural bounds on one instance, checked before anything else looks at it."""

    object_bytes: Size = Field(default=ByteSize(4 * 1024**3), description="Largest Data Set, in bytes as received.")
    elements: Annotated[int, Between(100, 10_000_000, "a number of elements")] = Field(
        default=1_000_000, description="Elements in one Data Set, nested ones included."
    )
    depth: Annotated[int, Between(1, 1000, "a depth of sequences")] = Field(
        default=32, description="Sequences within sequences."
    )
    inflated_bytes: Size = Field(
        default=ByteSize(256 * 1024**2), description="Largest deflated Data Set after inflation, in bytes."
    )


class Audit(Section):
    """``[audit]``: what the rules' findings do."""

    profile: Profile = Field(
        default="standard",
        description="`observe` refuses nothing that can be stored, `strict` is for trials and QA.",
    )
    warning_status: WarningStatus = Field(
        default=0,
        description="Status for an instance stored with warnings: `0000`, `B000`, `B006` or `B007`.",
    )
    severity: Severities = Field(
        default={},
        description="`off`, `info`, `warn` or `refuse` by rule code, family or `CODE.case`, over profiles.",
    )


class Duplicates(Section):
    """``[duplicates]``: what a resend of stored bytes gets."""

    identical: Identical = Field(
        default="refuse", description="`refuse` answers an identical resend with 0111, `accept` with 0000."
    )
    wait_seconds: Annotated[float, Between(0, 60, "a number of seconds")] = Field(
        default=2.0, description="How long a resend waits to learn whether the first sender got its answer."
    )


class Series(Section):
    """``[series]``: when a whole series is judged."""

    quiet_seconds: Annotated[float, Between(0.1, 86_400, "a number of seconds")] = Field(
        default=60.0, description="Seconds without a new instance after which a series is audited."
    )


class Peer(Section):
    """One ``[[peer]]``: what is different for one sender. The first that matches counts."""

    name: Annotated[str, Expecting("a text in quotes")] | None = Field(default=None, description="A name for people.")
    ae_title: AETitle | None = Field(default=None, description="Calling AE title of the peer.")
    address: AddressRange | None = Field(default=None, description="Address or network of the peer, in CIDR form.")
    profile: Profile | None = Field(default=None, description="As `audit.profile`.")
    warning_status: WarningStatus | None = Field(default=None, description="As `audit.warning_status`.")
    identical: Identical | None = Field(default=None, description="As `duplicates.identical`.")
    severity: Severities = Field(default={}, description="As `audit.severity`, over it.")
    responses: Responses = Field(default={}, description="As `responses`, over it.")

    @model_validator(mode="after")
    def _matches_something(self) -> Self:
        if self.ae_title is None and self.address is None:
            raise complaint("a peer needs ae_title or address, or both")
        return self

    def matches(self, ae_title: str, address: str) -> bool:
        """Whether a sender with this calling AE title and numeric address is this peer."""
        return self.ae_title in (None, ae_title) and (self.address is None or holds(self.address, address))

    def hides(self, later: Self) -> bool:
        """Whether this peer matches every sender that a later one does."""
        if self.ae_title not in (None, later.ae_title):
            return False
        return self.address is None or (later.address is not None and contains(self.address, later.address))


def _each_counts(peers: tuple[Peer, ...]) -> tuple[Peer, ...]:
    for number, later in enumerate(peers, 1):
        for before, earlier in enumerate(peers[: number - 1], 1):
            if earlier.hides(later):
                raise complaint(
                    f"entry {number} never counts, as entry {before} is for the same senders: put it before that one"
                )
    return peers


class Log(Section):
    """``[log]``: how the node tells what it does, on standard output."""

    format: LogFormat = Field(
        default="auto", description="`json`, `console`, or `auto`: console on a terminal, JSON otherwise."
    )
    level: LogLevel = Field(default="info", description="The least important line that is written.")


class Settings(Section):
    """The whole configuration of a node. ``Settings()`` is the defaults."""

    node: Node = Node()
    association: Associations = Associations()
    tls: TLS = TLS()
    user_identity: UserIdentity = UserIdentity()
    classes: Classes = Classes()
    storage: Storage = Storage()
    retention: Retention = Retention()
    limits: Limits = Limits()
    audit: Audit = Audit()
    duplicates: Duplicates = Duplicates()
    series: Series = Series()
    log: Log = Log()
    console: Console = Console()
    notify: Notify = Notify()
    responses: Responses = Field(
        default={},
        description="Status of four hexadecimal digits with which a rule refuses, instead of its own.",
    )
    peer: Annotated[
        tuple[Peer, ...], AfterValidator(_each_counts), AS_LIST, Expecting("a list of [[peer]] tables")
    ] = ()

    def peer_for(self, ae_title: str, address: str) -> Peer | None:
        """Return the first peer that a sender's calling AE title and numeric address match, or None."""
        return next((peer for peer in self.peer if peer.matches(ae_title, address)), None)


def section_of(field: FieldInfo) -> type[Section] | None:
    """Return the model of a field that is a section or a list of sections, else None."""
    kinds = (field.annotation, *get_args(field.annotation))
    return next((kind for kind in kinds if isclass(kind) and issubclass(kind, Section)), None)
