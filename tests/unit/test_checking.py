"""Files are judged as if each had been sent, in their order, and a file that could not be sent is told to be none."""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, JPEGBaseline8Bit

from scp.audit.catalogue import RULES
from scp.audit.finding import Decision
from scp.audit.policy import Profile, make_policy
from scp.checking import Checked, Checker, Skipped, files_under, shown
from scp.dicom.part10 import file_header
from scp.dicom.request import Association, Request
from scp.dicom.walk import Limits
from tests.rules.builders import encoded, image
from tests.unit.dicom.encode import explicit
from tests.unit.dicom.samples import PYDICOM

IMAGE = encoded(image())


@pytest.fixture
def checker() -> Checker:
    return Checker(make_policy(RULES), Limits())


def file(path: Path, data: bytes = IMAGE, instance: str = "1.2.7") -> Path:
    """A DICOM file, as it would be written by somebody else: its header knows the class and the instance."""
    association = Association("0", "", 0, "WRITER", "READER")
    header = file_header(Request(association, 1, CTImageStorage, instance, CTImageStorage, ExplicitVRLittleEndian))
    path.write_bytes(header + data)
    return path


def checked(result: Checked | Skipped) -> Checked:
    assert isinstance(result, Checked)
    return result


def codes(result: Checked | Skipped) -> list[str]:
    return [finding["code"] for finding in checked(result).findings]


def names(files: Sequence[Path]) -> list[str]:
    return [path.name for path in files]


# Which files


def test_files_are_taken_in_the_order_given_and_folders_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b/2", "b/1", "b/deep/0", "a", "c"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    found = files_under([tmp_path / "c", tmp_path / "b", tmp_path / "a"])
    assert names(found) == ["c", "1", "2", "0", "a"]


def test_an_empty_folder_has_no_files(tmp_path: Path) -> None:
    assert files_under([tmp_path]) == []


def test_what_is_no_file_in_a_folder_is_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    assert files_under([tmp_path]) == []


def test_a_link_to_a_folder_is_not_followed_and_says_so(checker: Checker, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a").write_bytes(b"")
    (tmp_path / "series").mkdir()
    link = tmp_path / "series" / "link"
    link.symlink_to(tmp_path / "elsewhere")
    assert files_under([tmp_path / "series"]) == [link]
    assert checker.check(link) == Skipped(link, "a link to a folder: name the folder itself", unread=True)
    assert names(files_under([link])) == ["a"]


# What is judged


def test_a_good_file_is_accepted(checker: Checker, tmp_path: Path) -> None:
    result = checked(checker.check(file(tmp_path / "a")))
    assert (result.verdict.decision, result.verdict.status, result.findings) == (Decision.ACCEPT, 0, [])
    assert result.facts.modality == "CT"
    assert result.path == tmp_path / "a"


def test_the_same_file_again_is_a_duplicate_of_the_first(checker: Checker, tmp_path: Path) -> None:
    first, second = file(tmp_path / "a"), file(tmp_path / "b")
    checker.check(first)
    for _ in range(2):
        result = checked(checker.check(second))
        assert result.verdict.status == 0x0111
        assert codes(result) == ["DUP-001"]
        assert result.findings[0]["other"]["path"] == str(first)


def test_another_object_under_the_same_uid_is_compared_with_the_first(checker: Checker, tmp_path: Path) -> None:
    checker.check(file(tmp_path / "a"))
    other = file(tmp_path / "b", encoded(image(PixelData=b"\1" * 32)))
    assert codes(checker.check(other)) == ["DUP-005"]
    assert "DUP-003" in codes(checker.check(file(tmp_path / "c", encoded(image(PatientName="Another^Name")))))


def test_both_sides_of_a_contradiction_are_shown(checker: Checker, tmp_path: Path) -> None:
    first = file(tmp_path / "a")
    checker.check(first)
    second = encoded(image(SOPInstanceUID="1.2.9", InstanceNumber="2", PatientID="P2"))
    result = checked(checker.check(file(tmp_path / "b", second)))
    finding = next(one for one in result.findings if one["code"] == "ENT-202")
    assert finding["expected"] == {"(0010,0020) PatientID": "P1"}
    assert finding["found"] == {"(0010,0020) PatientID": "P2"}
    assert finding["other"] == {"sop_instance_uid": image().SOPInstanceUID, "path": str(first)}
    assert finding["severity"] == "refuse"
    assert finding["tags"] == ["(0010,0020) PatientID"]


def test_a_value_is_shown_where_the_finding_has_none(checker: Checker, tmp_path: Path) -> None:
    result = checked(checker.check(file(tmp_path / "a", encoded(image(PatientID=None)))))
    assert codes(result) == ["REQ-002"]
    assert result.findings[0]["found"] == {"(0010,0020) PatientID": None}
    assert result.findings[0]["other"] is None


def test_a_refused_file_is_not_what_later_ones_are_compared_with(checker: Checker, tmp_path: Path) -> None:
    broken = file(tmp_path / "a", IMAGE[:-7])
    assert codes(checker.check(broken)) == ["ENC-001"]
    assert checked(checker.check(file(tmp_path / "b"))).findings == []


def test_the_profile_is_that_of_the_policy(tmp_path: Path) -> None:
    observe = Checker(make_policy(RULES, Profile.OBSERVE), Limits())
    result = checked(observe.check(file(tmp_path / "a", IMAGE[:-7])))
    assert (result.verdict.decision, codes(result)) == (Decision.WARN, ["ENC-001"])


def test_limits_are_those_that_were_given(tmp_path: Path) -> None:
    small = Checker(make_policy(RULES), Limits(max_elements=5))
    assert "ENC-003" in codes(small.check(file(tmp_path / "a")))


def test_a_file_without_its_own_uids_is_sent_with_those_of_its_header(checker: Checker, tmp_path: Path) -> None:
    data = encoded(image(SOPInstanceUID=None, SOPClassUID=None))
    assert codes(checker.check(file(tmp_path / "a", data, instance="1.2"))) == ["REQ-001"]
    assert codes(checker.check(file(tmp_path / "b", data, instance="1.02"))) == ["UID-001", "REQ-001"]


def test_a_file_with_file_meta_elements_in_its_data_set_is_read(checker: Checker, tmp_path: Path) -> None:
    data = explicit(0x00020010, "UI", JPEGBaseline8Bit.encode()) + IMAGE
    assert codes(checker.check(file(tmp_path / "a", data))) == ["UID-011"]


def test_what_would_be_refused_can_be_told_in_any_year(
    checker: Checker, tmp_path: Path, set_clock: Callable[[int], None]
) -> None:
    in_fifty_years = time.time_ns() // 1000 + 50 * 366 * 86_400 * 10**6
    set_clock(in_fifty_years)
    checker.check(file(tmp_path / "a"))
    assert checked(checker.check(file(tmp_path / "b"))).verdict.status == 0x0111
    assert checked(checker.check(file(tmp_path / "c", IMAGE[:-7]))).verdict.decision is Decision.REFUSE


# What is not


@pytest.mark.parametrize("content", [b"", b"no DICOM file", b"\x89PNG\r\n\x1a\n" + bytes(200)])
def test_a_file_that_is_not_dicom_is_skipped(checker: Checker, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    result = checker.check(tmp_path / "a")
    assert isinstance(result, Skipped)
    assert "no DICM prefix" in result.reason


def test_a_dicomdir_is_skipped(checker: Checker) -> None:
    result = checker.check(PYDICOM / "dicomdirtests" / "DICOMDIR")
    assert isinstance(result, Skipped)
    assert "DICOMDIR" in result.reason


def test_a_file_that_is_gone_is_skipped(checker: Checker, tmp_path: Path) -> None:
    assert checker.check(tmp_path / "a") == Skipped(tmp_path / "a", "there is no such file")


def test_a_pipe_is_skipped_and_not_waited_for(checker: Checker, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert checker.check(tmp_path / "pipe") == Skipped(tmp_path / "pipe", "not a file, but a pipe or a device")


def test_a_folder_that_cannot_be_read_is_named_in_the_place_of_its_files(
    checker: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scandir(path: Path | str, *, scan: Callable[..., object] = os.scandir) -> object:
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    (tmp_path / "locked").mkdir()
    file(tmp_path / "locked" / "a")
    file(tmp_path / "z")
    monkeypatch.setattr(os, "scandir", scandir)
    assert files_under([tmp_path]) == [tmp_path / "locked", tmp_path / "z"]
    assert checker.check(tmp_path / "locked") == Skipped(
        tmp_path / "locked", "a folder that cannot be read", unread=True
    )


def test_a_file_that_cannot_be_looked_at_is_skipped_and_those_after_it_are_not(
    checker: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a folder that may be listed but not entered, or behind a link to one."""

    def stat(path: Path, *, look: Callable[..., os.stat_result] = Path.stat, follow_symlinks: bool = True) -> object:
        if path.name == "a":
            raise PermissionError(13, "Permission denied", str(path))
        return look(path, follow_symlinks=follow_symlinks)

    file(tmp_path / "a")
    file(tmp_path / "z")
    monkeypatch.setattr(Path, "stat", stat)
    assert files_under([tmp_path]) == [tmp_path / "a", tmp_path / "z"]
    reason = "it cannot be looked at (Permission denied, errno 13)"
    assert checker.check(tmp_path / "a") == Skipped(tmp_path / "a", reason, unread=True)


def test_what_no_node_would_store_for_its_size_is_not_judged(tmp_path: Path) -> None:
    path = file(tmp_path / "a")
    too_large = Skipped(path, "the object is larger than this node's limit", unread=True)
    assert Checker(make_policy(RULES), Limits(), len(IMAGE) - 1).check(path) == too_large
    assert checked(Checker(make_policy(RULES), Limits(), len(IMAGE)).check(path)).verdict.decision is Decision.ACCEPT


def test_a_file_that_cannot_be_read_is_skipped(
    checker: Checker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, mode: str = "r") -> None:
        raise PermissionError(13, "Permission denied", str(path))

    file(tmp_path / "a")
    monkeypatch.setattr(Path, "open", refuse)
    reason = "a file cannot be read (Permission denied, errno 13)"
    assert checker.check(tmp_path / "a") == Skipped(tmp_path / "a", reason, unread=True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"CT 1.dcm", "CT 1.dcm"),
        ("Müller/王".encode(), "Müller/王"),
        (b"a\xff.dcm", "a\\udcff.dcm"),
        (b"a\nb\x1b[31m", "a\\nb\\x1b[31m"),
    ],
)
def test_a_path_is_shown_in_characters_that_can_be_written_anywhere(name: bytes, text: str) -> None:
    assert shown(Path(os.fsdecode(name))) == text
