"""What ``/metrics`` says can be read by Prometheus, and the dashboard asks for nothing else."""

from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from scp.audit.finding import Decision, Finding, Problem, Severity, Verdict
from scp.errors import LedgerFault
from scp.observe.meter import Meters
from scp.observe.metrics import Gauge, Metrics, file_sizes
from scp.outcomes import Ending
from scp.version import __version__
from tests.unit.nodes import association


def read(metrics: Metrics) -> dict[str, Metric]:
    """Read the exposition as Prometheus does."""
    return {family.name: family for family in text_string_to_metric_families(metrics.text().decode())}


def samples(metrics: Metrics, name: str) -> dict[tuple[tuple[str, str], ...], float]:
    """Return the values of one name, by labels."""
    return {
        tuple(sorted(sample.labels.items())): sample.value
        for family in read(metrics).values()
        for sample in family.samples
        if sample.name == name
    }


def counted() -> Metrics:
    """Metrics of a node that took two instances of an association that has ended, and has one in progress."""
    meters = Meters()
    meter = meters.open(association("CT1"))
    findings = (Finding("GEO-101", Severity.WARN, 0xA920, Problem("x")),)
    meter.instance(Verdict(Decision.ACCEPT, 0), 100, {"sync": 0.2, "judge": 0.04})
    meter.instance(Verdict(Decision.WARN, 0, findings=findings), 50, {"sync": 30.0})
    meters.close(meter, Ending.RELEASED)
    meters.open(association("MR1"))
    meters.rejected("address not allowed")
    meters.tls_failed("not TLS")
    return Metrics(meters)


def test_every_family_can_be_read_and_has_a_type_and_help() -> None:
    for name, family in read(counted()).items():
        assert family.type in {"counter", "gauge", "histogram"}, name
        assert family.documentation, name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("auditscp_associations", {(): 1}),
        ("auditscp_associations_opened_total", {(): 2}),
        (
            "auditscp_associations_closed_total",
            {(("ending", one),): float(one == "released") for one in Ending},
        ),
        ("auditscp_associations_rejected_total", {(("reason", "address not allowed"),): 1}),
        ("auditscp_tls_failures_total", {(("reason", "not TLS"),): 1}),
        (
            "auditscp_instances_total",
            {
                (("calling_ae_title", "CT1"), ("verdict", "accept")): 1,
                (("calling_ae_title", "CT1"), ("verdict", "warn")): 1,
            },
        ),
        ("auditscp_received_bytes_total", {(("calling_ae_title", "CT1"),): 150, (("calling_ae_title", "MR1"),): 0}),
        ("auditscp_findings_total", {(("code", "GEO-101"), ("severity", "warn")): 1}),
        ("auditscp_step_seconds_count", {(("step", "sync"),): 2, (("step", "judge"),): 1}),
    ],
)
def test_what_was_counted_is_there(name: str, expected: dict[Any, float]) -> None:
    assert samples(counted(), name) == expected


def test_what_alerts_look_at_is_there_before_there_is_anything_to_count() -> None:
    metrics = Metrics(Meters())
    nothing_yet = {(("verdict", one),): 0.0 for one in ("accept", "warn", "refuse", "retry", "aborted")}
    assert samples(metrics, "auditscp_verdicts_total") == nothing_yet
    assert samples(counted(), "auditscp_verdicts_total") == nothing_yet | {
        (("verdict", "accept"),): 1, (("verdict", "warn"),): 1,
    }  # fmt: skip


def test_buckets_hold_what_took_at_most_so_long() -> None:
    metrics = counted()
    buckets = {
        float(dict(labels)["le"]): value
        for labels, value in samples(metrics, "auditscp_step_seconds_bucket").items()
        if dict(labels)["step"] == "sync"
    }
    assert (buckets[0.0001], buckets[0.00025], buckets[0.025], buckets[0.05]) == (0, 1, 1, 2)
    assert buckets[float("inf")] == 2
    assert list(buckets.values()) == sorted(buckets.values())
    ((_, seconds), *_) = samples(metrics, "auditscp_step_seconds_sum").items()
    assert seconds == pytest.approx(0.0302)


def test_the_release_is_told() -> None:
    ((labels, value),) = samples(counted(), "auditscp_build_info").items()
    assert (dict(labels)["version"], value) == (__version__, 1)


def test_a_hostile_ae_title_does_not_break_the_exposition() -> None:
    meters = Meters()
    meter = meters.open(association('A"} 1\n#'))
    meter.instance(Verdict(Decision.ACCEPT, 0), 1, {})
    quoted = meters.open(association('A"}\\ 1 #'))
    quoted.instance(Verdict(Decision.ACCEPT, 0), 1, {})
    titles = {dict(labels)["calling_ae_title"] for labels in samples(Metrics(meters), "auditscp_instances_total")}
    assert titles == {"other", 'A"}\\ 1 #'}


def test_what_is_looked_up_is_there_and_what_fails_is_left_out() -> None:
    def fail() -> dict[tuple[str, ...], float]:
        raise LedgerFault("gone")

    def vanish() -> dict[tuple[str, ...], float]:
        raise FileNotFoundError

    metrics = Metrics(
        Meters(),
        [
            Gauge("here", "It is.", ("kind",), lambda: {("a",): 3, ("b",): 4}),
            Gauge("grows", "It does.", (), lambda: {(): 7}, is_counter=True),
            Gauge("failing", "It fails.", (), fail),
            Gauge("vanished", "It is gone.", (), vanish),
        ],
    )
    assert samples(metrics, "auditscp_here") == {(("kind", "a"),): 3, (("kind", "b"),): 4}
    assert samples(metrics, "auditscp_grows_total") == {(): 7}
    assert read(metrics)["auditscp_failing"].samples == []
    assert read(metrics)["auditscp_vanished"].samples == []


def test_sizes_of_files_that_are_not_there_are_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(7))
    assert file_sizes(tmp_path / "a", tmp_path / "b") == 7
