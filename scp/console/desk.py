"""The parts of the node that the console uses, to look and to act."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from scp.audit.policy import Policy
from scp.config import Settings
from scp.console.access import Access
from scp.console.rates import Lately
from scp.console.readers import Readers
from scp.console.thumbnails import Thumbnails
from scp.dicom.walk import Limits
from scp.errors import Trouble
from scp.observe.meter import Meters
from scp.quarantine.acts import Quarantine
from scp.store.store import Store


@dataclass(frozen=True, slots=True)
class NodeParts:
    """The parts that a node gives to its console.

    ``settings`` and ``policy`` are called each time they are needed, as a reload may change them. ``troubles`` returns
    what is wrong with the node now, ``metrics`` the text for Prometheus.
    """

    settings: Callable[[], Settings]
    policy: Callable[[], Policy]
    store: Store
    meters: Meters
    quarantine: Quarantine
    limits: Limits
    troubles: Callable[[], Mapping[Trouble, str]]
    metrics: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Desk:
    """What endpoints work with; ``started`` is in seconds since 1970."""

    node: NodeParts
    access: Access
    readers: Readers
    lately: Lately
    thumbnails: Thumbnails
    started: float = field(default_factory=time.time)
