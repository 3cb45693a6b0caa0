"""What the console has of the node: to look at, and to act through."""

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
    """What a node lends to its console.

    ``settings`` and ``policy`` are asked each time: a reload may change them. ``troubles`` is what the node suffers
    from now, ``metrics`` the exposition for Prometheus.
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
    """What a page works with."""

    node: NodeParts
    access: Access
    readers: Readers
    lately: Lately
    thumbnails: Thumbnails
    started: float = field(default_factory=time.time)
