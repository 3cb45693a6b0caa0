"""``auditscp serve``: runs the node in the foreground."""

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

import structlog
import typer

from scp import failpoints
from scp.cli import manager
from scp.cli.options import ConfigOption, DataOption, fail, fail_over, settings_from, settings_of
from scp.cli.reading import fail_at
from scp.cli.signals import Signals
from scp.config import ConfigurationError, Console
from scp.config import Node as NodeSettings
from scp.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.errors import NodeFault
from scp.heap import tune_heap
from scp.observe import logs
from scp.renewal import Renewal
from scp.standing import Standing, publish, withdraw
from scp.wiring import Node, check_console, console_of, make_node


def serve(
    config: ConfigOption = None,
    data: DataOption = None,
    host: Annotated[str | None, typer.Option("--host", metavar="H", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", metavar="N", help="TCP port; 0 takes any free one.")] = None,
    ae_title: Annotated[str | None, typer.Option("--ae-title", metavar="T", help="AE title of this node.")] = None,
) -> None:
    """Run the node until SIGTERM or SIGINT; SIGHUP makes it read its configuration again.

    Exits with 0 after draining, and with 2 if the node cannot start.
    """
    given = {"--data": data and str(data), "--host": host, "--port": port, "--ae-title": ae_title}
    tune_heap()  # must be done before there are threads
    settings = settings_from(config, given)
    logs.configure(settings.log.format, settings.log.level)
    log = structlog.get_logger()
    failpoints.arm(os.environ)
    signals = Signals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    try:
        check_console(settings)
        node = make_node(settings)
        console = console_of(node)
    except ConfigurationError as error:
        fail_over(error)
    except NodeFault as fault:
        fail_at(settings.storage.folder, fault)
    endpoint = node.server.trust.endpoint
    address, number = _listen(node, node.server.start, settings.node)
    pages = _listen(node, console.start, settings.console) if console else None
    for keeper in node.keepers:
        keeper.start()
    node.watch.start()
    folder = settings.storage.folder
    with suppress(OSError):  # without it, only SIGHUP reloads, not "auditscp reload"
        publish(folder, Standing(os.getpid()))
    log.info(
        "ready",
        ae_title=settings.node.ae_title,
        host=address,
        port=number,
        folder=str(folder.resolve()),
        profile=settings.audit.profile,
        durability=settings.storage.durability,
        implementation_class_uid=IMPLEMENTATION_CLASS_UID,
        implementation_version_name=IMPLEMENTATION_VERSION_NAME,
        tls=settings.tls.enabled,
        pid=os.getpid(),
    )
    if pages:
        log.info("console_ready", host=pages[0], port=pages[1], tls=settings.console.tls)
    if endpoint:
        endpoint.tell()
    if settings.storage.durability == "none":
        log.warning("not_durable", meaning="a power cut may lose what was answered with success")
    manager.ready(f"{settings.node.ae_title} listens on {address} port {number}")
    renewal = Renewal(node, lambda: settings_of(config, given))
    for number in signals:
        if number is not signal.SIGHUP:
            break
        outcome = renewal.reload()
        if console and not outcome.problems:
            console.renew()
        with suppress(OSError):
            publish(folder, Standing(os.getpid(), outcome))
    seconds = node.settings.association.drain_timeout
    log.info("draining", seconds=seconds)
    manager.stopping(f"associations have {seconds:g} seconds to end")
    drained = node.server.drain(seconds)
    withdraw(folder)
    if console:
        console.stop()
    node.close()
    log.info("stopped", finished=drained.finished, aborted=drained.aborted)
    with suppress(OSError):  # whatever reads the log may have gone
        sys.stdout.flush()
    os._exit(0)  # do not wait for threads: a peer may hold one up


def _listen(node: Node, start: Callable[[], tuple[str, int]], settings: NodeSettings | Console) -> tuple[str, int]:
    """Listen, and return the address and port; if that is not possible, say so and exit with 2."""
    try:
        return start()
    except OSError as error:
        node.close()
        fail(f"cannot listen on {settings.host} port {settings.port}: {error.strerror}")
