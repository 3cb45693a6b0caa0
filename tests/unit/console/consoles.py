"""A node with a console, without a DICOM network: the real application, asked over real sockets."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from scp.config import Settings
from scp.console.server import ConsoleServer
from scp.ids import as_text
from scp.intake import Answer
from scp.passwords import hash_password
from scp.wiring import Node, console_of, make_node
from tests.rules.builders import encoded
from tests.unit.nodes import association, request_for, take
from tests.wire.objects import ct_image

PASSWORD = "a good password"
HASH = hash_password(PASSWORD.encode(), salt=bytes(16))
USERS: dict[str, Any] = {"operators": {"anna": HASH}, "viewers": {"vera": HASH}}


@dataclass
class Consoled:
    """A node, its console, and where that listens."""

    node: Node
    console: ConsoleServer
    url: str

    def client(self, **options: Any) -> httpx.Client:
        """Return a browser of sorts: it keeps cookies, and follows nothing by itself."""
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False, **options)

    def send(self, number: int = 1, study: int = 1, sender: str = "CT1", **changes: Any) -> Answer:
        """Let the node take a slice; ``changes`` are attributes by keyword."""
        data = encoded(ct_image(number, study, **changes))
        return take(self.node.intake, request_for(data, association(sender)), data)

    def refuse(self, number: int = 1, study: int = 1, **changes: Any) -> str:
        """Have a conflicting slice refused, and return its receipt."""
        self.send(number, study)
        answer = self.send(number, study, **({"SliceThickness": "9"} | changes))
        assert answer.verdict.status == 0xC111
        return as_text(answer.receipt)


@contextmanager
def consoled(folder: Path, others: Mapping[str, Any] | None = None, **settings: Any) -> Iterator[Consoled]:
    """Give a node with a console; ``settings`` are of its section, ``others`` are other sections."""
    node = make_node(
        Settings.model_validate(
            {
                "storage": {"folder": str(folder), "durability": "none", "reserve_bytes": 0},
                "duplicates": {"wait_seconds": 0},
                "console": {"enabled": True, "port": 0, **settings},
                **(others or {}),
            }
        )
    )
    console = console_of(node)
    assert console
    try:
        host, port = console.start()
    except OSError:
        node.close()
        raise
    scheme = "https" if settings.get("tls") else "http"
    try:
        yield Consoled(node, console, f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}")
    finally:
        console.stop()
        node.close()


def sign_in(client: httpx.Client, name: str = "anna", password: str = PASSWORD) -> httpx.Response:
    """Sign in as a form does."""
    return client.post("/login", data={"name": name, "password": password})


def csrf(client: httpx.Client) -> str:
    """Return what must come with whatever acts."""
    token: str = client.get("/api/v1/me").json()["csrf"]
    return token
