"""``auditscp serve``: the node in the foreground."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from types import FrameType
from typing import Annotated

import structlog
import typer

from scp.cli.options import ConfigOption, fail, fail_over, settings_from
from scp.config import ConfigurationError
from scp.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from scp.errors import NodeFault
from scp.observe import logs
from scp.wiring import make_node


def serve(
    config: ConfigOption = None,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Folder for everything that is kept.")
    ] = None,
    host: Annotated[str | None, typer.Option("--host", metavar="H", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", metavar="N", help="TCP port; 0 takes a free one.")] = None,
    ae_title: Annotated[str | None, typer.Option("--ae-title", metavar="T", help="AE title of this node.")] = None,
) -> None:
    """Receive, judge, keep and answer, until SIGTERM or SIGINT. SIGHUP reads the certificates of [tls] again.

    Exits with 0 after draining, and with 2 if the node cannot start.
    """
    settings = settings_from(
        config, {"--data": data and str(data), "--host": host, "--port": port, "--ae-title": ae_title}
    )
    logs.configure(settings.log.format, settings.log.level)
    log = structlog.get_logger()
    stop = _stop_signal()
    try:
        node = make_node(settings)
    except ConfigurationError as error:
        fail_over(error)
    except NodeFault as fault:
        fail(f"{settings.storage.folder}: {fault}")
    endpoint = node.server.trust.endpoint
    _on_hangup(endpoint.reload if endpoint else lambda: log.info("nothing_to_reload", tls=False))
    try:
        address, number = node.server.start()
    except OSError as error:
        node.close()
        fail(f"cannot listen on {settings.node.host} port {settings.node.port}: {error.strerror}")
    log.info(
        "ready",
        ae_title=settings.node.ae_title,
        host=address,
        port=number,
        folder=str(settings.storage.folder.resolve()),
        profile=settings.audit.profile,
        durability=settings.storage.durability,
        implementation_class_uid=IMPLEMENTATION_CLASS_UID,
        implementation_version_name=IMPLEMENTATION_VERSION_NAME,
        tls=settings.tls.enabled,
        pid=os.getpid(),
    )
    if endpoint:
        endpoint.tell()
    if settings.storage.durability == "none":
        log.warning("not_durable", meaning="a power cut may lose what was answered with success")
    stop.get()
    log.info("draining", seconds=settings.association.drain_timeout)
    drained = node.server.drain(settings.association.drain_timeout)
    node.close()
    log.info("stopped", finished=drained.finished, aborted=drained.aborted)
    sys.stdout.flush()
    os._exit(0)  # a thread that a peer holds up must not hold us up too


def _on_hangup(act: Callable[[], None]) -> None:
    """Act on each SIGHUP, in a thread: a handler may interrupt whoever holds a lock that acting needs."""
    asked: SimpleQueue[None] = SimpleQueue()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        asked.put(None)

    def wait() -> None:
        while True:
            asked.get()
            act()

    signal.signal(signal.SIGHUP, on_signal)
    threading.Thread(target=wait, name="reload", daemon=True).start()


def _stop_signal() -> "SimpleQueue[int]":
    """Return a queue that holds a number once the node has to stop.

    A queue of this kind may be written from a handler that interrupts its own reader; an Event would lock itself up.
    """
    stop: SimpleQueue[int] = SimpleQueue()

    def on_signal(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        stop.put(number)

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop
