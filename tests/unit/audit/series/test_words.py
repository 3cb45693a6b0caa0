"""Messages name things as people do."""

import pytest

from scp.audit.series.stacks import stacks_of
from scp.audit.series.words import distance, listed, named, number, some, uids_of, where, who_of
from scp.printable import count
from tests.rules.series import again, member, slices


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (-82.5, 2, "−82.5"),
        (2.50, 2, "2.5"),
        (10, 2, "10"),
        (100, 0, "100"),
        (-0.001, 2, "0"),
        (1.23456, 3, "1.235"),
        (-1e308, 2, "−1e+308"),
    ],
)
def test_numbers_have_no_more_digits_than_they_need(value: float, digits: int, text: str) -> None:
    assert number(value, digits) == text


@pytest.mark.parametrize(
    ("numbers", "text"),
    [((4,), "4"), ((4, 7), "4 and 7"), ((4, 7, 9, 12), "4, 7, 9 and 12"), ((1, 2, 3, 4, 5), "1, 2, 3 and 2 more")],
)
def test_several_numbers_are_listed(numbers: tuple[int, ...], text: str) -> None:
    assert listed(numbers) == text


@pytest.mark.parametrize(
    ("numbers", "amount", "text"),
    [
        ((4, 7), 2, "4 and 7"),
        ((4, 7), 3, "4, 7 and 1 more"),
        ((4, 7, 9, 12), 4, "4, 7, 9 and 12"),
        ((1, 2, 3, 4, 5), 900, "1, 2, 3 and 897 more"),
    ],
)
def test_numbers_that_were_not_looked_for_are_counted(numbers: tuple[int, ...], amount: int, text: str) -> None:
    assert listed(numbers, amount) == text


def test_of_many_sorts_four_are_listed() -> None:
    assert some("abcd") == "a, b, c, d"
    assert some("abcdef") == "a, b, c, d and 2 more"


@pytest.mark.parametrize(("value", "text"), [(2.5, "2.5"), (0.12345, "0.123"), (0.0054, "0.0054"), (0, "0")])
def test_small_distances_have_more_decimals(value: float, text: str) -> None:
    assert distance(value) == text


def test_one_is_not_many() -> None:
    assert (count(1, "slice"), count(2, "slice")) == ("1 slice", "2 slices")


def test_a_position_is_named_with_all_its_images() -> None:
    (stack,) = stacks_of([*slices(2), *again(slices(2))])
    assert where(stack, 0) == "Instance Number 1 and 1001 (z −100)"
    assert where(stack, 1, short=True) == "2 and 1002 (z −97.5)"
    (stack,) = stacks_of(slices(2, begin=-100.127))
    assert where(stack, 0) == "Instance Number 1 (z −100.13)"


def test_instances_are_named_by_number_or_else_by_uid() -> None:
    assert who_of(slices(2)) == "Instance Number 1 and 2"
    assert who_of([member(None, None, uid="1.2.9")]) == "SOP Instance UID 1.2.9"


def test_a_hundred_instances_are_named_at_most_and_each_once() -> None:
    assert len(uids_of(slices(150))) == 100
    (stack,) = stacks_of(slices(150))
    assert len(named(stack, range(150))) == 100
    assert named(stack, (3, 3, 4)) == ("1.2.4", "1.2.5")
