"""A moment of what ``scripts/soak`` does for half an hour."""

from pathlib import Path

import pytest

from tests.fault.soak import HEADING, Sample, _growth, soak

pytestmark = [
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("swept"),
]


def test_peers_of_every_sort_leave_nothing_behind(tmp_path: Path) -> None:
    lines: list[str] = []
    assert soak(tmp_path, 2, 1, lines.append) == []
    assert lines[0] == HEADING
    assert len(lines) >= 1 + 2 * 2


def sample(seconds: int, memory: int, threads: int = 9, ledger: int = 1) -> Sample:
    return Sample("plain", seconds, 0, memory << 20, ledger << 20, threads, 20)


def test_what_grows_is_told() -> None:
    assert _growth([sample(second, 80) for second in range(8)]) == []
    assert _growth([sample(second, 40 if second < 2 else 80) for second in range(8)]) == []
    (told,) = _growth([sample(second, 80 + 10 * second) for second in range(8)])
    assert told.startswith("plain: memory grew from ")
    assert len(_growth([sample(second, 80 + 6 * second) for second in range(6)])) == 1
    assert _growth([sample(second, 80 + 6 * second, ledger=6 * second) for second in range(6)]) == []
    assert len(_growth([sample(second, 80 + 20 * second, ledger=40 * second) for second in range(8)])) == 1
    (told,) = _growth([sample(second, 80, threads=9 + 3 * second) for second in range(8)])
    assert told.startswith("plain: threads grew from ")
