"""A real browser in front of a real node: the distribution's Chromium, driven by Playwright."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from scp.passwords import hash_password
from tests.wire.node import NodeProcess

PASSWORD: Final = "correct horse"
_HASH: Final = hash_password(PASSWORD.encode(), salt=bytes(16))
_CONSOLE: Final = """
[console]
enabled = true
port = 0
[series]
quiet_seconds = 1
"""
WITH_USERS: Final = f"""{_CONSOLE}
[console.operators]
anna = "{_HASH}"
[console.viewers]
vera = "{_HASH}"
"""
_FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")

_PATIENCE_MS: Final = 120_000
"""After that, what should have been seen long ago is taken not to come: Playwright's own five seconds are few for a
machine that is busy."""
expect.set_options(timeout=_PATIENCE_MS)

NewPage = Callable[..., Page]


class Console:
    """A node with a console, and where to call it."""

    def __init__(self, node: NodeProcess) -> None:
        self.node = node
        self.url = f"http://127.0.0.1:{node.wait_for('console_ready')[-1]['port']}"


def _runs(program: str) -> bool:
    """What Ubuntu has under this name does not: it only names another package."""
    return subprocess.run([program, "--version"], capture_output=True, check=False).returncode == 0


# For a module, not for the session: as long as Playwright is there, no other test could run an event loop.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Give a browser; without one, the tests are skipped: scripts/test installs it where it can."""
    program = next(filter(_runs, filter(None, map(shutil.which, _PROGRAMS))), None)
    if program is None:
        pytest.skip("there is no Chromium that runs: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS), timeout=_PATIENCE_MS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Give a node whose console has users."""
    with NodeProcess(tmp_path_factory.mktemp("guarded") / "data", WITH_USERS) as node:
        yield Console(node)
        assert node.complaints() == []


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Give a node whose console is for whoever works on this machine."""
    with NodeProcess(tmp_path_factory.mktemp("local") / "data", _CONSOLE) as node:
        yield Console(node)
        assert node.complaints() == []


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[NewPage]:
    """Give what opens pages; none of them may ask anything of another machine, complain, or open a dialog."""
    contexts: list[BrowserContext] = []
    asked: list[str] = []
    complaints: list[str] = []

    def open_page(url: str, **options: Any) -> Page:
        context = chromium.new_context(base_url=url, **options)
        context.set_default_timeout(_PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
        return page

    yield open_page
    for context in contexts:
        with suppress(Exception):
            context.close()
    assert {urlsplit(url).hostname for url in asked} <= {"127.0.0.1"}
    # What the network says of an answer that is meant: 401, 403, 404, 409.
    assert [text for text in complaints if "the server responded with a status of 4" not in text] == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder for what is sent."""
    return tmp_path / "sent"
