"""Files are judged without a network, and the result can be read by people and by programs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from scp.checking import Checker, Skipped
from scp.cli import check
from tests.rules.builders import INSTANCE, SERIES, encoded, image
from tests.unit.cli.conftest import Done, Run
from tests.unit.dicom.samples import PYDICOM
from tests.unit.test_checking import file

GOOD = encoded(image())
CUT = encoded(image(SOPInstanceUID="1.2.9", InstanceNumber="3", ImagePositionPatient=["0", "0", "30"]))[:-7]
WITHOUT_PLANE = encoded(
    image(SOPInstanceUID="1.2.8", InstanceNumber="2", ImagePositionPatient=None, ImageOrientationPatient=None)
)


def documents(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.out.splitlines()]


# Exit codes


def test_if_nothing_is_refused_it_ends_with_0(run: Run, tmp_path: Path) -> None:
    done = run("check", file(tmp_path / "a", GOOD), file(tmp_path / "b", WITHOUT_PLANE))
    assert (done.code, done.err) == (0, "")


def test_if_something_is_refused_it_ends_with_1(run: Run, tmp_path: Path) -> None:
    assert run("check", file(tmp_path / "a", GOOD), file(tmp_path / "b", CUT)).code == 1


def test_if_a_path_does_not_exist_nothing_is_judged_and_it_ends_with_2(run: Run, tmp_path: Path) -> None:
    done = run("check", file(tmp_path / "a", CUT), tmp_path / "no", tmp_path / "nowhere")
    assert (done.code, done.out) == (2, "")
    assert done.err.splitlines() == [
        f"error: {tmp_path / 'no'}: there is no such file or folder",
        f"error: {tmp_path / 'nowhere'}: there is no such file or folder",
    ]


def test_files_that_are_not_dicom_are_told_and_counted_and_are_no_refusal(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("plain text")
    done = run("check", tmp_path / "notes.txt", PYDICOM / "dicomdirtests" / "DICOMDIR")
    assert done.code == 0
    first, second, summary = done.out.splitlines()
    assert first.startswith(f"skipped {tmp_path / 'notes.txt'}: no DICM prefix")
    assert second.endswith("DICOMDIR: a DICOMDIR: an index of files, which is never sent")
    assert summary.startswith("0 instances: 0 accepted, 0 with warnings, 0 refused; 2 other files")


def test_an_empty_folder_is_no_problem(run: Run, tmp_path: Path) -> None:
    done = run("check", tmp_path)
    assert (done.code, documents(run("check", tmp_path, "--format", "json"))[0]["files"]) == (0, 0)


# Text


def test_a_refusal_is_told_with_what_was_found(run: Run, tmp_path: Path) -> None:
    first, second = file(tmp_path / "a", GOOD), file(tmp_path / "b", encoded(image(PatientID="P2")))
    done = run("check", first, second)
    lines = done.out.splitlines()
    assert lines[0] == f"refuse  C116 {second}"
    assert any(line.split()[:2] == ["refuse", "DUP-003"] for line in lines)
    assert f"               other: {first}" in lines
    assert any("expected: (0010,0020) PatientID = P1" in line for line in lines)
    assert any("found: (0010,0020) PatientID = P2" in line for line in lines)


def test_nothing_that_a_file_says_moves_the_cursor(run: Run, tmp_path: Path) -> None:
    good = encoded(image(Modality="XQ")).replace(b"XQ", b"X\x1b")
    hostile = encoded(image(Modality="XQ", PatientID="P\x1b[2J")).replace(b"XQ", b"X\x1b")
    done = run("check", file(tmp_path / "a", good), file(tmp_path / "b", hostile))
    assert "P\\x1b[2J" in done.out
    assert "\x1b" not in done.out


def test_an_absent_value_is_said_to_be_absent(run: Run, tmp_path: Path) -> None:
    path = file(tmp_path / "a", encoded(image(PatientID=None)))
    done = run("check", path, AUDITSCP_AUDIT__SEVERITY='{"REQ-002": "warn"}')
    assert done.out.startswith(f"warn    0000 {path}\n")
    assert "found: (0010,0020) PatientID = (absent)\n" in done.out


def test_a_value_that_is_a_number_is_shown_as_it_is(run: Run, tmp_path: Path) -> None:
    stored = encoded(image(SOPInstanceUID="1.2.8"))
    done = run("check", file(tmp_path / "a", GOOD), file(tmp_path / "b", stored))
    assert "found: 1\n" in done.out


def test_several_numbers_are_shown_as_their_sender_wrote_them(run: Run, tmp_path: Path) -> None:
    done = run("check", file(tmp_path / "a", encoded(image(PixelSpacing=["-1", "2"]))))
    assert "found: -1\\2\n" in done.out


def test_what_is_good_or_only_noted_is_counted_and_not_listed(run: Run, tmp_path: Path) -> None:
    noted = encoded(
        image(SOPInstanceUID="1.2.8", InstanceNumber="2", PatientID=None, ImagePositionPatient=["0", "0", "1"])
    )
    lines = run("check", file(tmp_path / "a", GOOD), file(tmp_path / "b", noted)).out.splitlines()
    assert lines[0].startswith("2 instances: 2 accepted, 0 with warnings, 0 refused; 0 other files; ")
    assert [line.split()[:3] for line in lines[1:]] == [["1", "×", "REQ-002"]]


def test_the_summary_counts_instances_and_findings(run: Run, tmp_path: Path) -> None:
    paths = [file(tmp_path / "a", GOOD), file(tmp_path / "b", CUT), file(tmp_path / "c", WITHOUT_PLANE)]
    lines = run("check", *paths).out.splitlines()
    summary = next(number for number, line in enumerate(lines) if line.startswith("3 instances:"))
    assert lines[summary].startswith("3 instances: 1 accepted, 1 with warnings, 1 refused; 0 other files; ")
    assert [line.split()[2] for line in lines[summary + 1 :]] == ["ENC-001", "GEO-101"]


# JSON


def test_as_json_every_file_is_one_object_and_the_last_is_the_summary(run: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("plain text")
    first, second = file(tmp_path / "a", GOOD), file(tmp_path / "b", encoded(image(PatientID="P2")))
    done = run("check", "--format", "json", first, second, tmp_path / "notes.txt")
    assert (done.code, done.err) == (1, "")
    good, refused, skipped, series, summary = documents(done)
    assert good == {
        "type": "instance",
        "path": str(first),
        "sop_instance_uid": INSTANCE,
        "series_instance_uid": SERIES,
        "verdict": "accept",
        "status": "0000",
        "findings": [],
    }
    assert (refused["verdict"], refused["status"]) == ("refuse", "C116")
    finding = refused["findings"][0]
    assert set(finding) == {"code", "severity", "status", "message", "tags", "expected", "found", "other"}
    assert (finding["code"], finding["severity"]) == ("DUP-003", "refuse")
    assert finding["tags"] == ["(0010,0020) PatientID"]
    assert finding["other"] == {"sop_instance_uid": INSTANCE, "path": str(first)}
    assert (skipped["type"], skipped["path"]) == ("skipped", str(tmp_path / "notes.txt"))
    assert (series["type"], series["series_instance_uid"]) == ("series", SERIES)
    assert (series["verdict"], series["refused"]) == ("contradictory", {"DUP-003": 1})
    assert summary.pop("seconds") >= 0
    codes = dict.fromkeys(sorted(finding["code"] for finding in refused["findings"]), 1)
    assert summary == {
        "type": "summary", "files": 3, "instances": 2, "accepted": 1, "warned": 0, "refused": 1, "skipped": 1,
        "unread": 0, "codes": codes,
    }  # fmt: skip


# Whole series


def volume(folder: Path, *places: float) -> Path:
    for number, place in enumerate(places, 1):
        ds = image(SOPInstanceUID=f"{INSTANCE}.{number}", InstanceNumber=str(number), SliceLocation=str(place),
                   ImagePositionPatient=[0, 0, place])  # fmt: skip
        file(folder / f"{number}.dcm", encoded(ds))
    return folder


def test_a_series_with_a_hole_is_told_of_after_the_files(run: Run, tmp_path: Path) -> None:
    folder = volume(tmp_path, 0, 2, 4, 6, 12)
    done = run("check", folder)
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == f"attention  CT  {SERIES}  5 instances"
    assert lines[1] == "  warn   SER-305  2 slices missing between Instance Number 4 (z 6) and 5 (z 12), step 2 mm"
    assert lines[2] == "  stack 1: axial, 5 slices at 5 positions, spacing 2 / 2 / 6 mm, 1 gap"
    assert "1 × SER-305" in done.out
    (series,) = [one for one in documents(run("check", "--format", "json", folder)) if one["type"] == "series"]
    assert [finding["code"] for finding in series["findings"]] == ["SER-305"]
    assert series["stacks"][0]["gaps"] == [{"after": 6, "before": 12, "axis": "z", "missing": 2}]


def test_a_whole_series_is_not_worth_a_line(run: Run, tmp_path: Path) -> None:
    assert run("check", volume(tmp_path, 0, 2, 4)).out.startswith("3 instances: 3 accepted")


def test_copies_of_pixels_are_looked_for_if_somebody_asks(run: Run, tmp_path: Path) -> None:
    for number in range(1, 5):
        ds = image(SOPInstanceUID=f"{INSTANCE}.{number}", InstanceNumber=str(number),
                   ImagePositionPatient=[0, 0, 2 * number], PixelData=bytes(range(16)) * 2)  # fmt: skip
        ds["PixelData"].VR = "OW"
        file(tmp_path / f"{number}.dcm", encoded(ds))
    assert "DUP-008" not in run("check", tmp_path).out
    assert "4 images have the same pixels: Instance Number 1, 2, 3 and 4" in run("check", "--pixels", tmp_path).out


# Settings


@pytest.mark.parametrize(("profile", "code"), [("observe", 0), ("standard", 0), ("strict", 1)])
def test_the_profile_decides(run: Run, tmp_path: Path, profile: str, code: int) -> None:
    path = file(tmp_path / "a", WITHOUT_PLANE)
    assert run("check", "--profile", profile, path).code == code
    assert run("check", path, AUDITSCP_AUDIT__PROFILE=profile).code == code


def test_the_configuration_decides(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[audit.severity]\nGEO = "refuse"\n')
    path = file(tmp_path / "a", WITHOUT_PLANE)
    assert run("check", "--config", config, path).code == 1


def test_a_wrong_configuration_ends_with_2(run: Run, tmp_path: Path) -> None:
    done = run("check", file(tmp_path / "a", GOOD), AUDITSCP_NODE__PORT="many")
    assert (done.code, done.out) == (2, "")
    assert "AUDITSCP_NODE__PORT" in done.err


# Whatever comes


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_name_that_is_no_utf8_is_written_all_the_same(run: Run, tmp_path: Path, output: str) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    file(folder / os.fsdecode(b"a\xff.dcm"), CUT)
    done = run("check", "--format", output, folder)
    assert done.code == 1
    assert "udcff.dcm" in done.out


@pytest.mark.parametrize("profile", ["standard", "strict"])
def test_every_file_that_pydicom_ships_is_judged_and_nothing_is_said_beside(run: Run, profile: str) -> None:
    done = run("check", "--format", "json", "--profile", profile, PYDICOM)
    *said, summary = documents(done)
    files = [one for one in said if one["type"] != "series"]
    assert done.err == ""
    assert len(files) < len(said)
    assert len(files) == summary["files"] == sum(path.is_file() for path in PYDICOM.rglob("*"))
    assert summary["instances"] == summary["accepted"] + summary["warned"] + summary["refused"] > 100
    assert "INT-001" not in summary["codes"]


def test_a_bar_is_shown_to_whoever_looks(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(check, "errors", Console(stderr=True, force_terminal=True))
    done = run("check", "--format", "json", file(tmp_path / "a", GOOD))
    assert "checking" in done.err
    assert "instance" not in done.err
    assert [document["type"] for document in documents(done)] == ["instance", "series", "summary"]


def test_a_result_does_not_stand_in_the_line_of_the_bar(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "errors", Console(stderr=True, force_terminal=True))
    monkeypatch.setattr(check, "lines", Console(force_terminal=True, soft_wrap=True, highlight=False))
    done = run("check", file(tmp_path / "a", CUT))
    beginning = next(line for line in done.out.splitlines() if "refuse" in line).partition("refuse")[0]
    assert "checking" not in beginning.rpartition("\x1b[2K")[2]


def test_what_could_not_be_read_is_not_said_to_be_good(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cannot(self: Checker, path: Path) -> Skipped:
        return Skipped(path, "a file cannot be read (Permission denied, errno 13)", unread=True)

    good, cut = file(tmp_path / "a", GOOD), file(tmp_path / "b", CUT)
    judged = Checker.check
    monkeypatch.setattr(Checker, "check", lambda self, path: (cannot if path == good else judged)(self, path))
    done = run("check", good)
    assert done.code == 2
    assert "1 other file, 1 not readable" in done.out
    assert run("check", good, cut).code == 1


@pytest.mark.parametrize("output", ["text", "json"])
@pytest.mark.parametrize("files", [1, 3000])
def test_a_reader_that_goes_away_is_no_error_to_write_home_about(tmp_path: Path, output: str, files: int) -> None:
    """As ``auditscp check … | head -1``, whether it is noticed on the way or only when all is done."""
    path = file(tmp_path / "a", CUT)
    command = [sys.executable, "-m", "scp", "check", "--format", output, *[str(path)] * files]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert said == b""
    assert process.returncode == 1
