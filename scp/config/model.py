"""What can be set: the sections of ``auditscp.toml``, with defaults and descriptions.

Everything here is frozen. Times are seconds, sizes are bytes. ``config/auditscp.toml`` explains the same settings to
the administrator at more length; a test fails if the two differ.
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
    """``[association]``: who may connect, how many at a time, and how long things may take."""

    max_pdu: PduLength = Field(default=131072, description="Largest PDU that a peer may send, in bytes.")
    max_associations: Annotated[int, Between(1, 1000, "a number of associations")] = Field(
        default=64, description="Most associations at one time, with all peers together."
    )
    max_associations_per_peer: Annotated[int, Between(1, 1000, "a number of associations")] = Field(
        default=32, description="Most associations at one time with one address."
    )
    max_associate_rq: Annotated[int, Between(4096, 1048576, "a number of bytes")] = Field(
        default=262144, description="Largest A-ASSOCIATE-RQ that is read, in bytes."
    )
    minimum_rate: Annotated[int, Between(1, 1_000_000_000, "a number of bytes per second")] = Field(
        default=1024, description="Bytes per second below which a sender is too slow and its association is aborted."
    )
    acse_timeout: Seconds = Field(default=30.0, description="Seconds for the negotiation of an association.")
    network_timeout: Seconds = Field(
        default=60.0, description="Seconds of silence after which an association is aborted."
    )
    drain_timeout: Annotated[float, Between(0, 3600, "a number of seconds")] = Field(
        default=20.0,
        description="Seconds at shutdown to finish receiving; then the associations are aborted.",
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
        """Whether a peer with this calling AE title, without padding, may connect."""
        return not self.calling_ae_titles or ae_title in self.calling_ae_titles


class Classes(Section):
    """``[classes]``: which objects may be sent: those of all storage SOP Classes, unless refused here."""

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
        description="Transfer Syntaxes to accept, by UID or keyword; empty: all that are known, but see below.",
    )
    referenced_pixels: Flag = Field(
        default=False,
        description="If `transfer_syntaxes` is empty, accept also those without pixel data (JPIP, SMPTE ST 2110).",
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
        description="Free disk space below which every instance is answered with A700; `0`: none.",
    )


class Retention(Section):
    """``[retention]``: how long things are kept. Nothing is removed unless this is set."""

    archive_days: Days = Field(
        default=0, description="Days without a request about a study after which it is removed; `0`: never."
    )
    quarantine_days: Days = Field(
        default=0, description="Days after which a refused object and its case are removed; `0`: never."
    )


class Limits(Section):
    """``[limits]``: structural bounds on one instance, checked before everything else."""

    object_bytes: Size = Field(default=ByteSize(4 * 1024**3), description="Largest Data Set, in bytes as received.")
    elements: Annotated[int, Between(100, 10_000_000, "a number of elements")] = Field(
        default=1_000_000, description="Most elements in one Data Set, including those in sequences."
    )
    depth: Annotated[int, Between(1, 1000, "a depth of sequences")] = Field(
        default=32, description="How deep sequences may be nested."
    )
    inflated_bytes: Size = Field(
        default=ByteSize(256 * 1024**2), description="Largest deflated Data Set after inflation, in bytes."
    )


class Audit(Section):
    """``[audit]``: what findings of the rules lead to."""

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
        description="`off`, `info`, `warn` or `refuse` by rule code, family or `CODE.case`, in place of the profile's.",
    )


class Duplicates(Section):
    """``[duplicates]``: what the sender of an identical copy gets."""

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
    """One ``[[peer]]``: settings of one sender that differ. The first block that matches a sender counts."""

    name: Annotated[str, Expecting("a text in quotes")] | None = Field(default=None, description="A name for people.")
    ae_title: AETitle | None = Field(default=None, description="Calling AE title of the peer.")
    address: AddressRange | None = Field(default=None, description="Address or network of the peer, in CIDR form.")
    profile: Profile | None = Field(default=None, description="As `audit.profile`.")
    warning_status: WarningStatus | None = Field(default=None, description="As `audit.warning_status`.")
    identical: Identical | None = Field(default=None, description="As `duplicates.identical`.")
    severity: Severities = Field(default={}, description="As `audit.severity`; takes precedence over it.")
    responses: Responses = Field(default={}, description="As `responses`; takes precedence over it.")

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
    """``[log]``: form and extent of the log on standard output."""

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
        description="Status (four hexadecimal digits) with which this rule refuses, instead of its own.",
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
