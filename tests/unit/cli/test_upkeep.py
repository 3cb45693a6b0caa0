"""``auditscp verify``, ``backup``, ``rebuild`` and ``retention``: what they write, and how they exit."""

import fcntl
import json
import os
import shutil
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from scp.cli.verify import rate_of
from scp.layout import ACTS, LEDGER, LOCK
from scp.store.store import Store
from scp.upkeep.rebuild import Rebuilder, Rebuilt
from tests.unit.cli.conftest import Run, account
from tests.unit.upkeep.folders import filled


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "data"
    filled(folder).close()
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path) -> Path:
    """Give the data folder that commands find by themselves."""
    shutil.copytree(template, tmp_path / "data")
    return tmp_path / "data"


def quarantined(folder: Path) -> Path:
    return min((folder / "quarantine").rglob("*.dcm"))


def test_a_folder_in_good_order_exits_with_0_and_says_how_much_was_read(run: Run, folder: Path) -> None:
    done = run("verify", "--rate", "500MB/s")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("7 objects, 0 MiB read; 0 missing, 0 changed, 0 unreadable, 0 unknown, 0 bad case; ")


def test_flaws_exit_with_1_and_are_named(run: Run, folder: Path) -> None:
    path = quarantined(folder)
    path.unlink()
    (folder / "archive" / "a\nb.txt").write_bytes(b"")
    done = run("verify", "--data", folder)
    assert done.code == 1
    missing, unknown, summary = done.out.splitlines()
    assert missing == f"missing     {path.relative_to(folder)} (receipt {path.stem}): there is no such file"
    assert unknown == "unknown     archive/a\\nb.txt: no receipt says so"
    assert "1 missing" in summary


def test_flaws_as_json(run: Run, folder: Path) -> None:
    path = quarantined(folder)
    path.unlink()
    done = run("verify", "--format", "json", "--since", "2w")
    flaw, summary = (json.loads(line) for line in done.out.splitlines())
    assert flaw == {
        "type": "flaw", "sort": "missing", "path": str(path.relative_to(folder)), "receipt": path.stem,
        "detail": "there is no such file",
    }  # fmt: skip
    assert {key: summary[key] for key in ("type", "objects", "missing", "changed", "bad_case")} == {
        "type": "summary", "objects": 7, "missing": 1, "changed": 0, "bad_case": 0,
    }  # fmt: skip


def test_what_came_before_is_left_out(run: Run, folder: Path) -> None:
    quarantined(folder).unlink()
    done = run("verify", "--since", "2999-01-01")
    assert (done.code, done.out.split(" objects")[0]) == (0, "0")


@pytest.mark.parametrize("options", [["--since", "yesterday"], ["--rate", "fast"], ["--rate", "0"]])
def test_an_option_that_is_not_understood_exits_with_2(run: Run, folder: Path, options: list[str]) -> None:
    done = run("verify", *options)
    assert done.code == 2
    assert done.err.startswith(f"error: {options[0]} {options[1]}: expected ")


@pytest.mark.parametrize("is_there", [False, True])
@pytest.mark.parametrize("command", [["verify"], ["backup", "copy"], ["rebuild"], ["retention"]])
def test_where_there_is_nothing_they_exit_with_2_and_leave_nothing(
    run: Run, tmp_path: Path, command: list[str], *, is_there: bool
) -> None:
    nothing = tmp_path / "nothing"
    if is_there:
        nothing.mkdir()
    done = run(*command, "--data", str(nothing))
    assert done.code == 2
    assert done.err.startswith(f"error: {nothing}: there is n")
    assert list(tmp_path.glob("nothing/*")) == []


@pytest.mark.parametrize("command", ["rebuild", "retention"])
def test_who_is_not_the_owner_leaves_no_files_that_the_node_cannot_use(
    run: Run, folder: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (folder / LEDGER).stat().st_ino
    monkeypatch.setattr("os.geteuid", lambda: folder.stat().st_uid + 1)
    done = run(command, "--data", folder, AUDITSCP_RETENTION__ARCHIVE_DAYS="1")
    assert done.code == 2
    assert f"{folder} belongs to " in done.err
    assert (folder / LEDGER).stat().st_ino == before


@pytest.mark.parametrize("verb", [["verify"], ["receipts"], ["report"], ["series", "list"], ["backup", "copy"]])
def test_who_may_not_read_is_told_whose_the_folder_is(
    run: Run, folder: Path, verb: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = account(folder.stat().st_uid)
    monkeypatch.setattr("os.geteuid", lambda: folder.stat().st_uid + 1)
    monkeypatch.setattr("os.access", lambda *_, **__: False)
    done = run(*verb, "--data", folder)
    advice = f"the folder belongs to {owner}: run this as {owner} (sudo -u {owner} auditscp …)"
    assert (done.code, done.err) == (2, f"error: {folder}: this user may not read the ledger; {advice}\n")


def test_whose_a_folder_is_that_hides_in_the_home_of_another_account_is_told(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, home = Path.stat, Path.cwd()

    def stat(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path in (Path(), Path("data")) or path.is_relative_to(home):
            raise PermissionError
        return looked(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr("os.geteuid", lambda: looked(home.parent).st_uid + 1)
    monkeypatch.setattr("os.access", lambda *_, **__: False)
    monkeypatch.setattr(Path, "stat", stat)
    done = run("quarantine", "list", "--data", "data")
    assert done.code == 2
    assert "the folder belongs to " in done.err


def test_rates_are_bytes_a_second() -> None:
    assert [rate_of(text) for text in ("50MB/s", "1 MiB/s", "2048", "1kb")] == [50_000_000, 1 << 20, 2048, 1000]


def test_a_backup_is_said_to_be_made(run: Run, folder: Path) -> None:
    done = run("backup", "copy.sqlite3")
    assert done.code == 0
    assert done.out.startswith("copy.sqlite3: 8 receipts, ")
    with closing(apsw.Connection("copy.sqlite3")) as db:
        assert db.execute("SELECT count(*) FROM receipt").get == 8


def test_a_backup_that_cannot_be_written_exits_with_2(run: Run, folder: Path) -> None:
    assert run("backup", "missing/copy").code == 2
    assert run("backup", folder / "ledger.sqlite3").code == 2


def test_a_backup_that_is_not_sound_exits_with_1(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scp.cli import backup
    from scp.upkeep.backup import Unsound

    def unsound(*_: object) -> None:
        raise Unsound("the copy is not sound")

    monkeypatch.setattr(backup, "back_up", unsound)
    done = run("backup", "copy")
    assert (done.code, done.err) == (1, "error: the copy is not sound\n")


def test_a_rebuilt_ledger_is_in_place_and_verifies(run: Run, folder: Path) -> None:
    (folder / "ledger.sqlite3").unlink()
    done = run("rebuild")
    assert (done.code, done.out) == (0, "4 in the archive, 3 in quarantine, 0 left out\n")
    assert run("verify").code == 0
    again = run("rebuild", "--data", folder)
    assert again.code == 0
    assert "The old ledger is kept as data/ledger.sqlite3." in again.out.replace(str(folder), "data")


def test_what_is_left_out_is_named_and_exits_with_1(run: Run, folder: Path) -> None:
    (folder / "archive" / "x.dcm").write_bytes(b"")
    done = run("rebuild")
    assert done.code == 1
    assert done.out.startswith("left out  archive/x.dcm: it is not a DICOM file\n")


def test_a_folder_in_use_is_not_rebuilt(run: Run, folder: Path) -> None:
    with closing(Store(folder)):
        done = run("rebuild")
    assert done.code == 2
    assert f"another node (process {os.getpid()}) is using the data folder" in done.err


def test_without_a_setting_nothing_is_ever_removed(run: Run, folder: Path) -> None:
    assert run("retention").out == "[retention] keeps everything for ever\n"


def test_what_would_be_removed_is_shown_and_then_removed(run: Run, folder: Path) -> None:
    days = {"AUDITSCP_RETENTION__ARCHIVE_DAYS": "7", "AUDITSCP_RETENTION__QUARANTINE_DAYS": "7"}
    with closing(apsw.Connection(str(folder / "ledger.sqlite3"))) as db:
        db.execute("UPDATE receipt SET received = received - 8 * 86400000000")
    shown = run("retention", "--dry-run", **days)
    assert shown.code == 0
    assert shown.out.splitlines()[-1] == (
        "2 studies with 4 instances, 3 objects of quarantine, 0 MiB would be removed; 0 studies in doubt stay"
    )
    assert "study 1.2.826.0.1.1" in shown.out.splitlines()
    done = run("retention", **days)
    assert done.code == 0
    assert done.out.splitlines()[-1].startswith("2 studies with 4 instances, 3 objects of quarantine, 0 MiB removed")
    assert list((folder / "archive").iterdir()) == []
    assert run("verify").code == 0


def test_a_node_that_is_running_removes_by_itself(run: Run, folder: Path) -> None:
    with closing(Store(folder)):
        done = run("retention", AUDITSCP_RETENTION__ARCHIVE_DAYS="7")
    assert done.code == 2
    assert f"another node (process {os.getpid()}) is using the data folder" in done.err


def test_a_damaged_case_is_told_by_all_that_read_it_and_the_others_are_read(run: Run, folder: Path) -> None:
    case = quarantined(folder).with_suffix(".json")
    case.write_text(json.dumps({**json.loads(case.read_text()), "related_general_classes": None}))
    name, problem = case.relative_to(folder), "related_general_classes: expected a list, found null"
    verified = run("verify")
    assert verified.code == 1
    assert verified.out.splitlines()[0] == f"bad case    {name} (receipt {case.stem}): {problem}"
    assert verified.out.splitlines()[1].startswith("7 objects, ")
    rebuilt = run("rebuild")
    assert rebuilt.code == 1
    assert rebuilt.out.splitlines()[:3] == [
        f"damaged   {name}: {problem}",
        "4 in the archive, 3 in quarantine, 0 left out",
        "Where a case or header is damaged, the ledger lacks what only that had.",
    ]


@pytest.mark.parametrize("holder", ["auditscp rebuild", "auditscp retention"])
def test_who_is_using_the_folder_is_told(run: Run, folder: Path, holder: str) -> None:
    with closing(Store(folder, holder=holder)):
        for command in (["rebuild"], ["retention"]):
            done = run(*command, AUDITSCP_RETENTION__ARCHIVE_DAYS="7")
            assert (done.code, done.out) == (2, "")
            assert done.err == f"error: data: {holder} (process {os.getpid()}) is using the data folder\n"


@pytest.mark.parametrize("word", [b"", b"\xff\xfe"])
def test_who_is_using_the_folder_need_not_have_said_so(run: Run, folder: Path, word: bytes) -> None:
    with closing(Store(folder)):
        (folder / LOCK).write_bytes(word)
        done = run("rebuild")
    assert (done.code, done.err) == (2, "error: data: another node, rebuild or retention is using the data folder\n")


def test_a_rebuild_holds_off_acts_and_an_act_a_rebuild(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []

    def locked(*_: object) -> Rebuilt:
        with (folder / ACTS).open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                held.append(True)
        return Rebuilt()

    monkeypatch.setattr(Rebuilder, "run", locked)
    assert run("rebuild").code == 0
    assert held == [True]


@pytest.mark.parametrize(
    ("edit", "verbs"),
    [
        ("UPDATE receipt SET kept = 'moon'", ["verify", "receipts", "quarantine show", "quarantine drop --reason x"]),
        ("UPDATE receipt SET outcome = 'x'", ["quarantine show", "quarantine drop --reason x"]),
        ("UPDATE finding SET tags = '5'", ["quarantine show", "quarantine release"]),
        ("UPDATE receipt SET association = 1", ["receipts", "quarantine list --state all"]),
        ("UPDATE instance SET geometry = x'00'", ["series audit 1.2.826.0.1.1.1"]),
    ],
)
def test_a_ledger_that_was_edited_by_hand_is_told_and_how_to_go_on(
    run: Run, folder: Path, edit: str, verbs: list[str]
) -> None:
    with closing(apsw.Connection(str(folder / "ledger.sqlite3"))) as db:
        db.execute(edit)
    for verb in verbs:
        number = (
            [quarantined(folder).stem] if verb.startswith(("quarantine show", "quarantine d", "quarantine r")) else []
        )
        done = run(*verb.split(), *number)
        assert (done.code, done.out) == (2, ""), verb
        assert done.err.startswith("error: data: the ledger holds what no release writes (read in scp."), verb
        assert done.err.endswith("): restore a backup, or make a new one with auditscp rebuild\n"), verb
