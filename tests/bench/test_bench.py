"""scripts/bench as it is called, with as little to do as there can be."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmark.nodes import ROOT


def bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmark", *map(str, arguments)]
    environ = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'scripts'}"}
    return subprocess.run(command, capture_output=True, text=True, env=environ, timeout=300, check=False)


def figures(*arguments: str | Path) -> dict[str, Any]:
    done = bench("--nodes", "auditscp-none", "--runs", "1", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_throughput_is_told_for_machines_and_shown_for_people(tmp_path: Path) -> None:
    found = figures("--workloads", "mr", "single", "--associations", "2", "--instances", "5", "--folder", tmp_path)

    together, one_by_one = found["throughput"]
    for one in (together, one_by_one):
        assert one["void"] == []
        assert one["instances"] == 5
        assert min(one["instances_per_second"], one["megabytes_per_second"], one["peak_megabytes"]) > 0
        assert one["cpu_ms_per_instance"] >= 0
    assert (together["associations"], one_by_one["associations"]) == (2, 5)
    assert one_by_one["seconds_per_association"] > 0
    assert found["machine"]["versions"].keys() == {"auditscp, durability none"}
    assert list(tmp_path.iterdir()) == []

    saved = tmp_path / "figures.json"
    saved.write_text(json.dumps(found))
    shown = bench("--show", saved, "--markdown").stdout
    assert "| auditscp, durability none | MR 64×64, 2 |" in shown
    assert found["machine"]["kernel"] in shown


def test_growth_compares_a_ledger_made_through_the_schema_with_an_empty_one(tmp_path: Path) -> None:
    found = figures(
        "--growth", "--growth-instances", "30000", "--growth-series", "20", "--instances", "10", "--associations", "1",
        "--folder", tmp_path,
    )  # fmt: skip

    (growth,) = found["growth"]
    assert growth["instances"] >= 30_000  # so many copies that a number of 63 bits must not be multiplied
    assert 200 < growth["bytes_per_instance"] < 10_000
    empty, large = growth["beside"]
    assert empty["void"] == large["void"] == growth["series"]["void"] == []
    assert min(empty["instances_per_second"], large["ratios"]["auditscp-none"], growth["series"]["ratio"]) > 0


def test_nodes_that_are_not_here_are_skipped_and_named(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for program in ("storescu", "echoscu"):
        (tmp_path / "bin" / program).touch(mode=0o755)
    done = subprocess.run(
        [sys.executable, "-m", "benchmark", "--nodes", "dcmtk"], capture_output=True, text=True, check=False,
        env={"PATH": str(tmp_path / "bin"), "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'scripts'}"},
    )  # fmt: skip

    assert done.returncode == 1
    assert "dcmtk is skipped: storescp is not installed" in done.stderr
