"""Where the folders of runs go."""

from pathlib import Path

from benchmark.disk import spread


def test_a_folder_can_be_used_as_before_whatever_its_file_system(tmp_path: Path) -> None:
    spread(tmp_path)
    spread(tmp_path)

    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "file").write_bytes(b"1")
    assert [path.name for path in tmp_path.rglob("*")] == ["run", "file"]


def test_a_file_system_without_flags_is_left_as_it_is() -> None:
    spread(Path("/proc"))
