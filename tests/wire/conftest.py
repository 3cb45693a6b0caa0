"""Nodes for tests: started fresh, and looked over when the test is done with them."""

import itertools
import resource
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.wire.node import NodeProcess

pytest.register_assert_rewrite("tests.wire.soundness", "tests.wire.hostility")
from tests.wire.hostility import IMPATIENT, unharmed  # noqa: E402
from tests.wire.soundness import assert_sound  # noqa: E402 - rewritten, so that failures explain themselves

StartNode = Callable[..., NodeProcess]

_studies: Final = itertools.count(1)
_DESCRIPTORS: Final = 4096


@pytest.fixture(scope="session", autouse=True)
def descriptors() -> None:
    """Let this process have the descriptors of some hundred peers: there are systems where it begins with 256."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@pytest.fixture
def start_node(tmp_path: Path) -> Iterator[StartNode]:
    """Give what starts nodes, each with its own data folder; takes what NodeProcess takes after it."""
    yield from running_nodes(tmp_path)


@pytest.fixture
def node(start_node: StartNode) -> NodeProcess:
    """Give a node with default settings that nobody has sent anything to."""
    return start_node()


@pytest.fixture(scope="module")
def shared_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """Give a node with default settings that a module's tests share; each takes a ``study`` of its own."""
    for start in running_nodes(tmp_path_factory.mktemp("shared")):
        yield start()


@pytest.fixture(scope="module")
def impatient_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """Give a node with short timeouts that a module's tests share."""
    for start in running_nodes(tmp_path_factory.mktemp("impatient")):
        yield start(IMPATIENT)


@pytest.fixture
def target(impatient_node: NodeProcess) -> Iterator[NodeProcess]:
    """Give a node to be hostile to; when the test is done with it, it must serve on and hold nothing of it."""
    yield from unharmed(impatient_node)


@pytest.fixture
def study() -> int:
    """Give the number of a study that no other test of this process sends."""
    return next(_studies)


def running_nodes(folder: Path) -> Iterator[StartNode]:
    """Give what starts nodes; at the end each must stop properly and hold what the wire tests hold of every node."""
    started: list[NodeProcess] = []
    with ExitStack() as stack:

        def start(settings: str = "", *, environ: dict[str, str] | None = None) -> NodeProcess:
            one = NodeProcess(folder / f"data{len(started)}", settings, environ=environ)
            started.append(stack.enter_context(one))
            return one

        yield start
        for one in started:
            if one.is_running:
                assert_sound(one)
                assert one.stop() == 0
                assert one.rows("SELECT id FROM sealed") == []
            assert one.stderr == ""
            assert one.complaints() == []
