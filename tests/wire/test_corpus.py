"""Real series, sent by real clients: nothing clean is refused, whatever the order, and nothing is stored twice."""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from pydicom import dcmread

from tests.corpus import CLEAN, SERIES, Series
from tests.wire.clients import Run, dcmsend, pynetdicom_association, storescu
from tests.wire.conftest import running_nodes
from tests.wire.node import NodeProcess
from tests.wire.objects import data_set_in, instance_in

WARNING: Final = 2
"""Severity of a finding, as the ledger has it."""

OF_THE_INSTANCE: Final = frozenset({"GEO-108"})
"""Warnings that clean series may have: about attributes of single instances, none about the series."""


class Way(NamedTuple):
    """An order of sending and the client that sends."""

    name: str
    order: Callable[[Sequence[Path]], Sequence[Path]]
    client: Callable[..., Run]


def shuffled(files: Sequence[Path]) -> Sequence[Path]:
    """Return the files in an order that nobody chose, but the same every time."""
    return random.Random(20260102).sample(files, len(files))


WAYS: Final = (
    Way("in_file_order_by_storescu", list, storescu),
    Way("reversed_by_dcmsend", lambda files: files[::-1], dcmsend),
    Way("shuffled_by_storescu", shuffled, storescu),
)


@pytest.fixture(scope="module", params=WAYS, ids=[way.name for way in WAYS])
def way(request: pytest.FixtureRequest) -> Way:
    """Give a way of sending."""
    found: Way = request.param
    return found


@pytest.fixture(scope="module")
def node_for_way(way: Way, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """Give the node to which everything is sent in one way: each series is of another study."""
    for start in running_nodes(tmp_path_factory.mktemp(way.name)):
        yield start()


@pytest.mark.parametrize("series", CLEAN, ids=[series.folder for series in CLEAN])
def test_clean_series_are_stored_and_then_refused_as_stored_already(
    node_for_way: NodeProcess, way: Way, series: Series
) -> None:
    node, files = node_for_way, way.order(series.paths)
    uids = [str(dcmread(file, stop_before_pixels=True).SOPInstanceUID) for file in files]
    before = len(node.archived())

    run = way.client(node.port, files)

    assert run.statuses == ["0000"] * series.files
    assert run.exit_code == 0
    association = node.receipts()[-1]["association"]
    (closed,) = node.wait_for("association_closed", association=association)
    counted = {name: closed[name] for name in ("received", "refused", "retried", "aborted", "refused_by_code")}
    assert counted == {"received": series.files, "refused": 0, "retried": 0, "aborted": 0, "refused_by_code": {}}
    assert closed["accepted"] + closed["warned"] == series.files
    assert closed["ending"] == "released"
    lines = node.lines("instance", association=association)
    assert [line["sop_instance_uid"] for line in lines] == uids
    assert warnings_of(node, uids) <= OF_THE_INSTANCE
    assert len(node.archived()) == before + series.files

    again = storescu(node.port, files, "--no-halt")

    assert again.statuses == ["0111"] * series.files
    assert again.exit_code == 0
    assert len(node.archived()) == before + series.files
    assert node.quarantined() == []


def warnings_of(node: NodeProcess, uids: Sequence[str]) -> set[str]:
    """Return the codes of all warnings about these instances."""
    found = node.rows(
        "SELECT code, affected_sop_instance_uid AS uid FROM finding JOIN receipt ON receipt.id = finding.receipt"
        " WHERE severity = ?",
        WARNING,
    )
    return {row["code"] for row in found if row["uid"] in set(uids)}


@pytest.mark.parametrize("series", SERIES, ids=[series.folder for series in SERIES])
def test_the_archive_holds_each_data_set_byte_for_byte_as_it_was_sent(shared_node: NodeProcess, series: Series) -> None:
    instances = [instance_in(path) for path in series.paths]
    with pynetdicom_association(shared_node.port, instances) as sender:
        statuses = [sender.store(instance) for instance in instances]
    assert statuses == ["0000"] * series.files
    archived = {path.stem: path for path in shared_node.archived()}
    assert all(data_set_in(archived[one.sop_instance_uid]) == one.data for one in instances)
