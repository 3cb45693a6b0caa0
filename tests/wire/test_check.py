"""``auditscp check`` says of files what a node answers when they are sent."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.corpus import ODD, SERIES, files_of
from tests.wire.clients import pynetdicom_association
from tests.wire.conftest import StartNode
from tests.wire.node import environment
from tests.wire.objects import ct, instance_in, write_file

ROOT: Final = Path(__file__).parents[2]


def check(*paths: Path, profile: str = "standard") -> tuple[int, list[dict[str, Any]], dict[str, Any]]:
    """Run the check; return its exit code, the documents of its instances, and the summary."""
    done = subprocess.run(
        [sys.executable, "-m", "scp", "check", *map(str, paths), "--format", "json", "--profile", profile],
        capture_output=True, text=True, cwd=ROOT, env=environment(), timeout=600, check=False,
    )  # fmt: skip
    assert done.stderr == ""
    *documents, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert summary["type"] == "summary"
    return done.returncode, [one for one in documents if one["type"] == "instance"], summary


@pytest.mark.parametrize("profile", ["standard", "strict", "observe"])
def test_check_and_node_say_the_same_of_every_file_of_the_corpus(start_node: StartNode, profile: str) -> None:
    files = [path for series in SERIES if profile == "standard" or series.files < 30 for path in series.paths]
    files += [path for path in files_of(ODD) if instance_in(path).sop_class_uid]
    node = start_node(f'[audit]\nprofile = "{profile}"\n')
    instances = [instance_in(path) for path in files]
    with pynetdicom_association(node.port, instances) as sender:
        statuses = [sender.store(instance) for instance in instances]

    code, checked, summary = check(*files, profile=profile)

    assert [Path(one["path"]) for one in checked] == files
    assert {one["path"]: one["status"] for one in checked} == dict(zip(map(str, files), statuses, strict=True))
    lines = node.wait_for("instance", len(files))
    assert [said_of(one) for one in checked] == [(line["verdict"], line["codes"]) for line in lines]
    assert code == (1 if any(one["verdict"] == "refuse" for one in checked) else 0)
    assert summary["instances"] == len(files)


def said_of(checked: dict[str, Any]) -> tuple[str, list[str]]:
    """Return verdict and codes of a document."""
    return checked["verdict"], [finding["code"] for finding in checked["findings"]]


def test_what_check_says_of_both_sides_is_what_a_case_holds(start_node: StartNode, tmp_path: Path) -> None:
    first, second = ct(1), ct(2, PatientID="OTHER", Rows=2, Columns=8)
    folder = tmp_path / "files"
    folder.mkdir()
    files: Sequence[Path] = [write_file(folder, first), write_file(folder, second)]
    node = start_node()
    with pynetdicom_association(node.port, [first]) as sender:
        assert [sender.store(first), sender.store(second)] == ["0000", "C132"]
    (case,) = node.cases()

    _, (_, refused), _ = check(*files)

    def sides(findings: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        return [
            tuple(one[name] for name in ("code", "severity", "message", "tags", "expected", "found"))
            for one in findings
        ]

    assert sides(refused["findings"]) == sides(case["findings"])
    assert refused["findings"][0]["other"]["path"] == str(files[0])
