"""What was refused is found, shown and acted on from a terminal; every result is there for programs too."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scp.ids import as_text, new_id
from scp.layout import Place, case_path
from tests.rules.builders import SERIES, STUDY
from tests.unit.cli.conftest import Done, Run, account
from tests.unit.nodes import Scratch, association, data_set, open_node
from tests.unit.quarantine.test_acts import acts, receipt, refused

ME = account(os.getuid())
IMAGE = data_set()
RENAMED = data_set(PatientName="Ot\x1b[31mher^Name")
SECOND: dict[str, Any] = {"SOPInstanceUID": "1.2.9", "InstanceNumber": "2", "ImagePositionPatient": ["0", "0", "20"]}
MOVED = data_set(**SECOND, PatientID="NOBODY ELSE")


@pytest.fixture
def node(tmp_path: Path, told: object) -> Iterator[Scratch]:
    """A running node, whose data folder is that of the defaults."""
    one = open_node(tmp_path / "data")
    yield one
    one.close()


def lines(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.out.splitlines()]


def listed(run: Run, *options: object) -> list[str]:
    done = run("quarantine", "list", "--format", "json", *options)
    assert done.code == 0
    return [line["receipt"] for line in lines(done)]


# list


def test_what_is_held_is_listed_newest_first(node: Scratch, run: Run) -> None:
    node.send(IMAGE, association("CT1"))
    numbers = [refused(node, RENAMED, association("CT2")), refused(node, MOVED, association("<b>MR</b>"))]
    done = run("quarantine", "list")
    heading, newest, oldest = done.out.splitlines()
    assert heading.split() == ["receipt", "received", "sender", "status", "rules", "state", "series"]
    assert newest.split()[0] == as_text(numbers[1])
    assert newest.split()[2:5] == ["<b>MR</b>", "192.0.2.1", "C132"]
    assert oldest.split()[0] == as_text(numbers[0])
    assert oldest.split()[5:] == ["DUP-003", "ENT-208", "held", SERIES]


def test_filters_find_what_they_ask_for(node: Scratch, run: Run) -> None:
    node.send(IMAGE, association("CT1"))
    renamed, moved = refused(node, RENAMED, association("CT2")), refused(node, MOVED, association("CT3"))
    one, two = as_text(renamed), as_text(moved)
    assert listed(run) == listed(run, "--since", "1h") == listed(run, "--state", "all") == [two, one]
    assert (
        listed(run, "--ae-title", "CT2") == listed(run, "--rule", "DUP") == listed(run, "--patient-id", "P1") == [one]
    )
    assert (
        listed(run, "--patient-id", "NOBODY ELSE")
        == listed(run, "--rule", "ent-202")
        == listed(run, "--limit", "1")
        == [two]
    )
    assert listed(run, "--series", SERIES, "--study", STUDY) == [two, one]
    assert (
        listed(run, "--since", "2999-01-01") == listed(run, "--state", "dropped") == listed(run, "--study", "1") == []
    )


def test_a_page_that_is_full_says_that_there_may_be_more(node: Scratch, run: Run) -> None:
    refused(node, data_set(Modality=None))
    assert run("quarantine", "list", "--limit", "1").out.endswith("the newest 1; --limit shows more\n")
    assert run("quarantine", "list", "--state", "dropped").out == "nothing\n"


def test_what_was_replaced_says_by_what(node: Scratch, run: Run) -> None:
    node.send(IMAGE)
    new = as_text(refused(node, RENAMED))
    run("quarantine", "replace", new, "--reason", "corrected")
    assert f"replaced by {new}" in run("quarantine", "list").out


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["list", "--since", "yesterday"], "--since yesterday: expected a time such as 2h"),
        (["show", "x\x1b"], r"x\x1b is not the number of a receipt"),
        (["show", "0000000000000"], "there is no receipt 0000000000000"),
        (["release"], "name receipts, --series or --study"),
        (["release", "--series", "1.2.3"], "nothing of it is in quarantine"),
        (["release", "0000000000000", "--force"], "--force needs --reason"),
        (["drop", "0000000000000", "--reason", " "], "--reason: a reason is needed"),
    ],
)
def test_what_cannot_be_done_is_said_and_it_ends_with_2(
    node: Scratch, run: Run, arguments: list[str], error: str
) -> None:
    done = run("quarantine", *arguments)
    assert (done.code, done.out) == (2, "")
    assert error in done.err


@pytest.mark.parametrize("arguments", [["list"], ["show", "0000000000000"], ["drop", "0000000000000", "--reason", "x"]])
def test_without_a_ledger_nothing_is_made(run: Run, tmp_path: Path, arguments: list[str]) -> None:
    done = run("quarantine", *arguments, "--data", tmp_path / "nowhere")
    assert done.code == 2
    assert "there is no ledger" in done.err
    assert not (tmp_path / "nowhere").exists()


# show


def test_the_case_shows_both_sides_and_what_differs(node: Scratch, run: Run) -> None:
    stored = node.send(IMAGE, association("CT1")).receipt
    number = refused(node, RENAMED, association("CT2", "192.0.2.9"))
    out = run("quarantine", "show", as_text(number).lower()).out
    assert out.startswith(f"{as_text(number)}  held\n")
    assert "sender              CT2 at 192.0.2.9" in out
    assert "refuse DUP-003  1 attribute differs: PatientName" in out
    assert f"other    {as_text(stored)} archive/" in out
    (difference,) = [line for line in out.splitlines() if line.startswith("(0010,0010)")]
    assert difference.split() == ["(0010,0010)", "PatientName", "Test^Case", r"Ot\x1b[31mher^Name"]
    assert "\x1b" not in out


def test_the_case_is_there_as_json_with_state_and_acts(node: Scratch, run: Run) -> None:
    node.send(IMAGE)
    number = as_text(refused(node, MOVED))
    run("quarantine", "release", number, "--force", "--reason", "corrected by hand")
    case = json.loads(run("quarantine", "show", number, "--format", "json").out)
    assert (case["case"], case["state"], case["personal"]) == (number, "released", False)
    (act,) = case["acts"]
    assert (act["outcome"], act["reason"], act["overruled"]) == ("forced", "corrected by hand", ["ENT-202"])
    assert "NOBODY" not in json.dumps(case)


def test_numbers_are_shown_as_short_as_they_are(node: Scratch, run: Run) -> None:
    number = as_text(refused(node, data_set(PixelSpacing=["-1", "2"])))
    assert "found    -1\\2\n" in run("quarantine", "show", number).out
    case = json.loads(run("quarantine", "show", number, "--format", "json").out)
    assert json.dumps(case["findings"][0]["found"]) == "[-1, 2]"


def test_what_left_quarantine_is_shown_from_the_ledger_with_what_was_done(node: Scratch, run: Run) -> None:
    node.send(IMAGE)
    number = as_text(refused(node, MOVED))
    run("quarantine", "drop", number, "--reason", "a test\x07")
    out = run("quarantine", "show", number).out
    assert out.startswith(f"{number}  dropped\n")
    assert "personal values are not shown" in out
    assert rf"dropped {number}, by os:{ME}: a test\x07" in out
    assert "NOBODY" not in out


def test_a_resend_shows_the_case_of_what_was_kept(node: Scratch, run: Run) -> None:
    kept, resent = refused(node, data_set(Modality=None)), refused(node, data_set(Modality=None))
    case = json.loads(run("quarantine", "show", as_text(resent), "--format", "json").out)
    assert (case["case"], case["state"]) == (as_text(kept), "held")
    assert case["findings"][0]["found"] == {"(0008,0060) Modality": None}


def test_an_accepted_instance_can_be_shown_too(node: Scratch, run: Run) -> None:
    number = as_text(node.send(IMAGE).receipt)
    assert run("quarantine", "show", number).out.startswith(f"{number}  accept\n")


# release, replace, drop


def test_release_says_what_is_refused_again_and_ends_with_1(node: Scratch, run: Run) -> None:
    node.send(IMAGE)
    number = as_text(refused(node, MOVED))
    done = run("quarantine", "release", number)
    assert done.code == 1
    first, *findings = done.out.splitlines()
    assert first == f"{number} refused again, by ENT-202: it stays in quarantine"
    assert findings[0].split()[:2] == ["refuse", "ENT-202"]


def test_what_is_only_noted_is_no_reason_to_stay(node: Scratch, run: Run) -> None:
    number = as_text(refused(node, data_set(Modality=None, FrameOfReferenceUID=None)))
    findings = run("quarantine", "release", number).out.splitlines()[1:]
    assert [line.split()[:2] for line in findings] == [["refuse", "REQ-001"]]
    (line,) = lines(run("quarantine", "release", number, "--format", "json"))
    assert {(one["severity"], one["code"]) for one in line["findings"]} >= {("refuse", "REQ-001"), ("info", "GEO-108")}


def test_release_goes_by_the_settings_of_now_and_of_the_sender(node: Scratch, run: Run, tmp_path: Path) -> None:
    number = refused(node, data_set(Modality=None), association("OLD"))
    (tmp_path / "auditscp.toml").write_text('[[peer]]\nae_title = "OLD"\nseverity = { REQ-001 = "warn" }\n')
    done = run("quarantine", "release", as_text(number), "--config", "auditscp.toml")
    assert (done.code, done.out) == (0, f"{as_text(number)} released\n")
    assert receipt(node, number).placement.place is Place.ARCHIVE


def test_a_whole_series_is_replaced_oldest_first(node: Scratch, run: Run) -> None:
    old = [node.send(IMAGE).receipt, node.send(data_set(**SECOND)).receipt]
    new = [refused(node, data_set(PatientID="P2")), refused(node, data_set(**SECOND, PatientID="P2"))]
    rehearsed = run("quarantine", "replace", "--series", SERIES, "--reason", "the ID was corrected", "--dry-run")
    assert rehearsed.code == 0
    assert rehearsed.out.splitlines()[0].startswith(
        f"{as_text(new[0])} would be replaced, {as_text(old[0])} would go to quarantine (overruled ENT-202"
    )
    done = run("quarantine", "replace", "--series", SERIES, "--reason", "the ID was corrected", "--format", "json")
    assert [(line["receipt"], line["outcome"], line["other"]) for line in lines(done)] == [
        (as_text(one), "replaced", as_text(other)) for one, other in zip(new, old, strict=True)
    ]
    assert [receipt(node, one).placement.place for one in old] == [Place.QUARANTINE] * 2


def test_drop_takes_several_and_says_of_each(node: Scratch, run: Run) -> None:
    numbers = [refused(node, data_set(Modality=None)), refused(node, data_set(**SECOND, Modality=None))]
    unknown = as_text(new_id())
    done = run("quarantine", "drop", *map(as_text, numbers), unknown, as_text(numbers[0]), "--reason", "test patterns")
    assert done.code == 1
    assert done.out.splitlines() == [
        f"{as_text(numbers[0])} dropped",
        f"{as_text(numbers[1])} dropped",
        f"{unknown} impossible: there is no receipt with this number",
    ]
    assert node.files("quarantine") == []


def test_who_acts_is_the_person_behind_sudo(node: Scratch, run: Run) -> None:
    number = refused(node, data_set(Modality=None))
    run("quarantine", "drop", as_text(number), "--reason", "a test", SUDO_USER="alice")
    assert [act.who for act in acts(node, number)] == ["os:alice"]


def test_who_has_no_name_has_a_number(node: Scratch, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)
    number = refused(node, data_set(Modality=None))
    run("quarantine", "drop", as_text(number), "--reason", "a test")
    assert [act.who for act in acts(node, number)] == ["os:4000000000"]


def test_nobody_leaves_files_that_the_node_cannot_handle(
    node: Scratch, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = refused(node, data_set(Modality=None))
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    done = run("quarantine", "drop", as_text(number), "--reason", "a test")
    assert done.code == 2
    assert f"belongs to {ME}: run this as {ME}" in done.err
    assert acts(node, number) == []


# Cases that are damaged


def damage(node: Scratch, number: int) -> Path:
    """Damage the case of a refused object as a careless editor does."""
    case = node.folder / case_path(receipt(node, number).placement.path)
    case.write_text(json.dumps({**json.loads(case.read_text()), "association": None}))
    return case


def test_a_damaged_case_is_told_and_what_the_ledger_has_is_shown(node: Scratch, run: Run) -> None:
    node.send(IMAGE)
    number = refused(node, MOVED)
    problem = f"{damage(node, number).relative_to(node.folder)}: association: expected an object, found null"
    for output in ("text", "json"):
        done = run("quarantine", "show", as_text(number), "--format", output)
        assert (done.code, done.err) == (1, f"error: the case is damaged: {problem}\n")
        assert "ENT-202" in done.out
        assert "NOBODY" not in done.out
    assert json.loads(done.out)["problem"] == problem
    listed = run("quarantine", "list")
    assert (listed.code, listed.err) == (0, "")
    assert as_text(number) in listed.out


def test_of_several_only_that_with_a_damaged_case_stays(node: Scratch, run: Run) -> None:
    bad, good = refused(node, data_set(Modality=None)), refused(node, data_set(**SECOND, Modality=None))
    case = damage(node, bad).relative_to(node.folder)
    done = run("quarantine", "release", as_text(bad), as_text(good), "--force", "--reason", "a test")
    assert done.code == 1
    first, second = done.out.splitlines()
    assert first.startswith(
        f"{as_text(bad)} impossible: its case is damaged: {case}: association: expected an object, "
    )
    assert second.startswith(f"{as_text(good)} forced")
    assert run("quarantine", "drop", as_text(bad), "--reason", "a test").code == 0
    assert node.files("quarantine") == []


def test_a_reason_that_is_no_text_is_refused_before_anything_is_done(node: Scratch, run: Run) -> None:
    number = refused(node, data_set(Modality=None))
    done = run("quarantine", "drop", as_text(number), "--reason", os.fsdecode(b"\xff"), SUDO_USER=os.fsdecode(b"a\xff"))
    assert (done.code, done.err) == (2, "error: --reason: expected text in UTF-8\n")
    assert node.files("spool") == []
    assert run("quarantine", "drop", as_text(number), "--reason", "x", SUDO_USER=os.fsdecode(b"a\xff")).code == 0
    assert [act.who for act in acts(node, number)] == [r"os:a\udcff"]
