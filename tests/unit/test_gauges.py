"""What ``/metrics`` looks up of a node, and that the dashboard asks for nothing that is not there."""

import re
from collections.abc import Iterator, Mapping, MutableSequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from scp.config import Settings
from scp.errors import Trouble
from scp.wiring import Node, make_node
from tests.unit.nodes import data_set, request_for, take

DASHBOARD = Path(__file__).parents[2] / "config" / "grafana.json"

_FUNCTIONS = {"sum", "by", "rate", "histogram_quantile", "increase", "max", "min", "topk", "or", "vector"}


@pytest.fixture
def node(tmp_path: Path, told: MutableSequence[Any]) -> Iterator[Node]:
    one = make_node(Settings.model_validate({"storage": {"folder": str(tmp_path)}}))
    yield one
    one.close()


def values(node: Node) -> Mapping[tuple[str, ...], float]:
    """Return every sample, by its name and the values of its labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(node.metrics.text().decode())
        for sample in family.samples
    }


def test_a_node_tells_of_its_disk_ledger_quarantine_series_and_health(node: Node) -> None:
    first, second = data_set(), data_set(WindowCenter="77")
    assert take(node.intake, request_for(first), first).verdict.status == 0
    assert take(node.intake, request_for(second), second).verdict.status == 0xC111
    found = values(node)
    assert found["auditscp_quarantine_objects",] == 1
    assert found["auditscp_quarantine_bytes",] == len(second)
    assert found["auditscp_series", "none"] == 1
    assert found["auditscp_series_open",] == 1
    assert 0 < found["auditscp_disk_free_bytes",] < found["auditscp_disk_size_bytes",]
    assert found["auditscp_ledger_bytes",] > 0
    assert found["auditscp_healthy",] == 1
    assert {labels[1] for labels in found if labels[0] == "auditscp_trouble"} == set(Trouble)
    assert found["auditscp_notifications_waiting", "webhook"] == 0


def test_troubles_are_told_one_by_one(node: Node) -> None:
    node.health.report(Trouble.SYNC, "the disk lost what it had been given")
    found = values(node)
    assert found["auditscp_healthy",] == 0
    assert found["auditscp_trouble", "sync"] == 1
    assert found["auditscp_trouble", "space"] == 0


def expressions(part: Any) -> Iterator[str]:
    """Yield every query of a dashboard."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("expr", "query", "definition") and isinstance(value, str):
                yield value
            else:
                yield from expressions(value)
    elif isinstance(part, list):
        for value in part:
            yield from expressions(value)


def names_in(expression: str) -> set[str]:
    """Return the names of metrics in a query: words that are neither functions, labels nor text."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\bby *\([^)]*\)', " ", expression)
    return {word for word in re.findall(r"[a-zA-Z_:][\w:]*", bare) if word not in _FUNCTIONS}


def test_the_dashboard_asks_only_for_metrics_that_are_there(node: Node) -> None:
    known = set()
    for family in node.metrics.registry.collect():
        ends = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"], "info": ["_info"]}
        known |= {family.name + end for end in ends.get(family.type, [""])}
    dashboard = orjson.loads(DASHBOARD.read_bytes())
    queries = list(expressions(dashboard["panels"]))
    assert len(queries) > 10
    used = {name for query in queries for name in names_in(query)}
    assert used <= known, used - known
    # Whatever is measured, somebody can see it.
    assert {name for name in known if name.startswith("auditscp_")} - used <= {
        "auditscp_step_seconds_count", "auditscp_step_seconds_sum", "auditscp_disk_size_bytes",
    }  # fmt: skip


def test_the_dashboard_has_panels_that_do_not_overlap_and_identifiers_of_their_own() -> None:
    dashboard = orjson.loads(DASHBOARD.read_bytes())
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
