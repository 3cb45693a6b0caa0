"""Reload: reads the configuration again, and changes what may change while the node runs, all of it or nothing.

Associations go on with what they negotiated; new policies hold from their next instance on. Settings that need a
restart stay as they are, and the outcome names them.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from scp.config import ConfigurationError, Problem, Settings
from scp.config.section import Section
from scp.errors import place_of
from scp.net.trust import Trust
from scp.notify.notifier import orders_of
from scp.notify.writer import Orders
from scp.observe.lines import certificates_kept, nothing_to_reload, settings_kept, settings_renewed
from scp.standing import Reload
from scp.wiring import Node, check_console, offer, trust_of

APPLIED: Final = frozenset(
    {"association", "audit", "classes", "duplicates", "notify", "peer", "responses", "series", "tls", "user_identity"}
)
"""Sections that a reload applies. All others need a restart."""

_CERTIFICATES: Final = "[tls]"


class Renewal:
    """Reloads a node. For one thread at a time; ``load`` reads the configuration in the same way as at the start."""

    def __init__(self, node: Node, load: Callable[[], Settings]) -> None:
        self._node = node
        self._load = load

    def reload(self) -> Reload:
        """Reload, log the outcome, and return it. Never raises."""
        begun = time.monotonic()
        node = self._node
        try:
            wanted = self._load()
            trust, orders = prepared(wanted)
        except ConfigurationError as error:
            problems = [str(problem) for problem in error.problems]
            of_certificates = [one for one in problems if one.startswith(_CERTIFICATES)]
            if of_certificates:
                certificates_kept(of_certificates)
            if others := [one for one in problems if one not in of_certificates]:
                settings_kept(others)
            return Reload(begun, tuple(problems))
        except Exception as error:  # noqa: BLE001 - a mistake of ours must not end a node that receives
            problem = f"the configuration cannot be read: {type(error).__name__} at {place_of(error)}"
            settings_kept([problem])
            return Reload(begun, (problem,))
        different = list(differences(node.settings, wanted))
        changed = tuple(one.place for one in different if one.section in APPLIED)
        restart = tuple(one.place for one in different if one.section not in APPLIED)
        settings = wanted.model_copy(
            update={name: getattr(node.settings, name) for name in Settings.model_fields if name not in APPLIED}
        )
        self._apply(settings, trust, orders)
        if changed or restart:
            settings_renewed(changed, restart)
        if trust.endpoint:
            trust.endpoint.tell()
        elif not different:
            nothing_to_reload()
        return Reload(begun, (), changed, restart)

    def _apply(self, settings: Settings, trust: Trust, orders: Mapping[str, Orders]) -> None:
        """Have every part of the node use these settings from now on."""
        node = self._node
        node.policies.use(settings)
        node.intake.settle_seconds = settings.duplicates.wait_seconds
        node.watch.quiet_seconds = settings.series.quiet_seconds
        node.server.renew(settings.association, offer(settings), trust)
        node.notifier.use(orders)
        node.settings = settings


def prepared(settings: Settings) -> tuple[Trust, Mapping[str, Orders]]:
    """Read the certificates and secrets that settings name. Raises ConfigurationError with everything that is wrong.

    Most settings of the console need a restart; they are checked now all the same, so that the restart will succeed.
    """
    problems: list[Problem] = []
    trust, orders = None, None
    try:
        trust = trust_of(settings)
    except ConfigurationError as error:
        problems += error.problems
    try:
        orders = orders_of(settings.notify, settings.node.ae_title)
    except ConfigurationError as error:
        problems += error.problems
    try:
        check_console(settings)
    except ConfigurationError as error:
        problems += (one for one in error.problems if one not in problems)  # both may have the same certificate
    if trust is None or orders is None or problems:
        raise ConfigurationError(problems)
    return trust, orders


class Difference(NamedTuple):
    """A setting that differs: its section, and its place as the file has it."""

    section: str
    place: str


def differences(one: Section, two: Section, path: tuple[str, ...] = ()) -> Iterator[Difference]:
    """Yield the settings that differ, without their values. A table or a list of blocks is one setting."""
    for name in type(one).model_fields:
        before, after, here = getattr(one, name), getattr(two, name), (*path, name)
        if before == after:
            continue
        if isinstance(before, Section):
            yield from differences(before, after, here)
        elif isinstance(before, Mapping):
            yield Difference(here[0], f"[{'.'.join(here)}]")
        elif not path:
            yield Difference(name, f"[[{name}]]")
        else:
            yield Difference(here[0], f"[{'.'.join(path)}] {name}")
