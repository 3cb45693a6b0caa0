"""Statuses are in the ranges of the standard, say what they mean, and are nobody else's."""

import re

import pytest

from scp.dicom.status import Status

# PS3.7 §9.1.1.1.9 and PS3.4 Table B.2-1, and 0111, by which toolkits know a duplicate.
GENERAL = {0x0111, 0x0117, 0x0122, 0x0124, 0x0210, 0x0211, 0x0212}
WARNINGS = {0xB000, 0xB006, 0xB007}
OTHERS_OWN = {0xC001, 0xC002, 0xC210, 0xC211, 0xC122}


@pytest.mark.parametrize("status", Status)
def test_a_status_is_one_that_the_standard_lists_for_c_store(status: Status) -> None:
    ranges = (
        status == 0x0000,
        status in GENERAL,
        status in WARNINGS,
        status >> 8 in (0xA7, 0xA9),
        status >> 12 == 0xC,
    )
    assert sum(ranges) == 1


def test_no_two_statuses_are_the_same() -> None:
    assert len({status.value for status in Status}) == len(Status.__members__) == len(Status)


def test_no_status_has_another_meaning_in_other_software() -> None:
    assert OTHERS_OWN.isdisjoint(Status)


def test_our_resources_have_one_status() -> None:
    assert [status for status in Status if status >> 8 == 0xA7] == [Status.OUT_OF_RESOURCES]


@pytest.mark.parametrize("status", Status)
def test_a_status_is_written_as_four_hexadecimal_digits_and_explained_in_a_sentence(status: Status) -> None:
    assert re.fullmatch("[0-9A-F]{4}", str(status))
    assert int(str(status), 16) == status
    assert status.meaning.endswith(".")
    assert status.meaning[0].isupper()
    assert status.meaning.isascii()


def test_no_two_statuses_mean_the_same() -> None:
    assert len({status.meaning for status in Status}) == len(Status)


@pytest.mark.parametrize("status", Status)
def test_a_status_is_success_warning_or_failure(status: Status) -> None:
    assert status.is_warning is (status in WARNINGS)
    assert status.is_failure is (status not in WARNINGS | {0})


def test_a_status_is_a_number_and_found_by_it() -> None:
    by_code = {int(status): status for status in Status}
    assert by_code[0x0111] is Status.DUPLICATE_SOP_INSTANCE
    assert by_code[0] is Status.SUCCESS
