"""``auditscp series plot`` and ``auditscp check --plot``: files with pictures, or an error that says what is wrong."""

import errno
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.rules.builders import SERIES
from tests.unit.cli.conftest import Run
from tests.unit.nodes import data_set, open_node
from tests.unit.system import system_error
from tests.wire.objects import ct, write_file

NUMBERS = (1, 2, 3, 4, 7, 8, 9)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the data folder of a node that has a series with a hole."""
    node = open_node(tmp_path_factory.mktemp("plot") / "data")
    for number in NUMBERS:
        changes = {"SOPInstanceUID": f"{SERIES}.{number}", "InstanceNumber": str(number)}
        node.send(data_set(**changes, ImagePositionPatient=["0", "0", f"{number * 2.5}"]))
    node.close()
    return node.folder


def written(path: Path) -> list[str | None]:
    """Return the texts of an SVG."""
    return [one.text for one in ET.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def test_a_series_is_drawn_as_svg(run: Run, data: Path, tmp_path: Path) -> None:
    done = run("series", "plot", SERIES, "-o", tmp_path / "a.svg", "--data", data)
    assert done == (0, "", "")
    assert {"CT series", "attention", "2 slices missing"} <= set(written(tmp_path / "a.svg"))


def test_a_series_is_drawn_as_png(run: Run, data: Path, tmp_path: Path) -> None:
    done = run("series", "plot", SERIES, "--output", tmp_path / "a.PNG", "--data", data)
    assert done == (0, "", "")
    assert (tmp_path / "a.PNG").read_bytes().startswith(b"\x89PNG")


def test_what_names_a_patient_is_not_in_the_picture(run: Run, data: Path, tmp_path: Path) -> None:
    run("series", "plot", SERIES, "-o", tmp_path / "a.svg", "--data", data)
    content = (tmp_path / "a.svg").read_text()
    assert not [text for text in ("Test", "Case", "P1", "19700101", "20260102") if text in content]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((SERIES, "-o", "a.pdf"), "error: a.pdf: a picture is written as .svg or .png\n"),
        (("1.2.3", "-o", "a.svg"), "error: {data}: nothing is stored of series 1.2.3\n"),
        ((SERIES, "-o", "missing/a.svg"), "error: missing/a.svg: No such file or directory\n"),
    ],
)
def test_what_cannot_be_drawn_exits_with_2(run: Run, data: Path, arguments: tuple[str, ...], message: str) -> None:
    done = run("series", "plot", *arguments, "--data", data)
    assert (done.code, done.err) == (2, message.format(data=data))


def test_png_without_pillow_says_what_to_install(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    done = run("series", "plot", SERIES, "-o", tmp_path / "a.png", "--data", data)
    assert done.code == 2
    assert "pip install pillow" in done.err


def test_check_draws_every_series_into_a_folder(run: Run, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    for study in (1, 2):
        for number in NUMBERS:
            write_file(files, ct(number, study))
    done = run("check", files, "--plot", tmp_path / "some" / "pictures")
    assert done.code == 0
    pictures = sorted((tmp_path / "some" / "pictures").iterdir())
    assert [path.name for path in pictures] == ["1.2.826.0.1.1.1.svg", "1.2.826.0.1.2.1.svg"]
    assert all("2 slices missing" in written(path) for path in pictures)


def test_check_says_if_there_can_be_no_folder_for_pictures(run: Run, tmp_path: Path) -> None:
    files = tmp_path / "files"
    files.mkdir()
    file = write_file(files, ct(1))
    done = run("check", file, "--plot", file)
    assert done.code == 2
    assert done.err == f"error: {file}: File exists\n"


def test_a_picture_that_cannot_be_written_leaves_the_one_from_before(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a.svg"
    target.write_text("from before")

    def full(path: Path, content: bytes) -> None:
        path.touch()
        raise system_error(errno.ENOSPC)

    monkeypatch.setattr(Path, "write_bytes", full)
    done = run("series", "plot", SERIES, "-o", target, "--data", data)
    assert (done.code, done.err) == (2, f"error: {target}: No space left on device\n")
    assert [path.name for path in tmp_path.iterdir()] == ["a.svg"]
    assert target.read_text() == "from before"
