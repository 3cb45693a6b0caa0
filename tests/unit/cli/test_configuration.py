"""The configuration is checked and shown before anything is started with it."""

from pathlib import Path

import pytest

from scp.config import Settings, load
from tests.unit.cli.conftest import Run

WRONG = """
[node]
port = 99999
ae_titel = "X"

[audit.severity]
GEO-999 = "warn"
"""


def test_the_defaults_have_no_problems(run: Run) -> None:
    assert run("config", "check") == (0, "the defaults: no problems\n", "")


def test_a_good_file_has_no_problems(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "good.toml"
    path.write_text("[node]\nport = 104\n")
    done = run("config", "check", "--config", path)
    assert (done.code, done.out) == (0, f"{path}: no problems\n")


def test_certificates_that_cannot_be_used_are_problems(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "tls.toml"
    path.write_text(f"[tls]\nenabled = true\ncertificate = '{tmp_path}'\nkey = '{path}'\n")
    done = run("config", "check", "--config", path)
    assert (done.code, done.out) == (2, "")
    assert done.err == f"error: [tls] certificate: {tmp_path} cannot be read: Is a directory\n"


def test_everything_that_is_wrong_is_told_with_its_place(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(WRONG)
    done = run("config", "check", "--config", path, AUDITSCP_LOG__LEVEL="loud")
    assert (done.code, done.out) == (2, "")
    lines = done.err.splitlines()
    assert len(lines) == 4
    assert all(line.startswith("error: ") for line in lines)
    for place in (f"{path}:3 [node] port", f"{path}:4 [node] ae_titel", f"{path}:7", "environment AUDITSCP_LOG__LEVEL"):
        assert sum(place in line for line in lines) == 1


def test_a_file_that_is_not_there_is_told(run: Run, tmp_path: Path) -> None:
    done = run("config", "check", "--config", tmp_path / "missing.toml")
    assert done.code == 2
    assert "there is no such file" in done.err


def test_what_is_shown_is_what_is_in_force(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "some.toml"
    path.write_text('[node]\nport = 104\n[audit.severity]\nNUM = "off"\n[[peer]]\nae_title = "CT1"\n')
    done = run("config", "show", "--config", path, AUDITSCP_NODE__AE_TITLE="ARCHIVE")
    shown = tmp_path / "shown.toml"
    shown.write_text(done.out)
    settings = load(shown)
    assert settings == load(path, environ={"AUDITSCP_NODE__AE_TITLE": "ARCHIVE"})
    assert (settings.node.port, settings.node.ae_title) == (104, "ARCHIVE")


def test_the_defaults_are_shown_without_a_file(run: Run, tmp_path: Path) -> None:
    shown = tmp_path / "shown.toml"
    shown.write_text(run("config", "show").out)
    assert load(shown) == Settings()


@pytest.mark.parametrize("verb", [("config", "check"), ("config", "show"), ("check", "."), ("serve",)])
def test_the_file_may_be_named_by_the_environment(run: Run, tmp_path: Path, verb: tuple[str, ...]) -> None:
    done = run(*verb, AUDITSCP_CONFIG=str(tmp_path / "missing.toml"))
    assert done.code == 2
    assert "missing.toml" in done.err
