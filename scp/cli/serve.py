"""``auditscp serve``: the node in the foreground."""

import os
import signal
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from scp.cli.options import ConfigOption, fail, fail_over, settings_from
from scp.cli.signals import Signals
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
    signals = Signals(signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    try:
        node = make_node(settings)
    except ConfigurationError as error:
        fail_over(error)
    except NodeFault as fault:
        fail(f"{settings.storage.folder}: {fault}")
    endpoint = node.server.trust.endpoint
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
    for number in signals:
        if number is not signal.SIGHUP:
            break
        if endpoint:
            endpoint.reload()
        else:
            log.info("nothing_to_reload", tls=False)
    log.info("draining", seconds=settings.association.drain_timeout)
    drained = node.server.drain(settings.association.drain_timeout)
    node.close()
    log.info("stopped", finished=drained.finished, aborted=drained.aborted)
    sys.stdout.flush()
    os._exit(0)  # a thread that a peer holds up must not hold us up too
