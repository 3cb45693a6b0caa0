"""Hashes of passwords: salted, and right for their password only."""

import pytest

from scp.passwords import FORM, hash_password, is_password, nobody


@pytest.mark.parametrize("password", [b"secret", b"", "pässwörd".encode(), b"\0\xff", b"x" * 1000])
def test_a_password_is_the_one_of_its_hash(password: bytes) -> None:
    hashed = hash_password(password)
    assert FORM.fullmatch(hashed)
    assert is_password(password, hashed)
    assert not is_password(password + b"x", hashed)


def test_the_same_password_never_has_the_same_hash() -> None:
    assert hash_password(b"secret") != hash_password(b"secret")


def test_a_hash_from_before_is_still_understood() -> None:
    hashed = (
        "scrypt:14:000102030405060708090a0b0c0d0e0f:71af94352bcf50db03be1d88f228e71c6189240570e803912866b0ff5d56d0dd"
    )
    assert is_password(b"example", hashed)
    assert hash_password(b"example", bytes(range(16))) == hashed


def test_the_cost_is_part_of_the_hash() -> None:
    hashed = hash_password(b"secret").replace("scrypt:14:", "scrypt:15:")
    assert not is_password(b"secret", hashed)


@pytest.mark.parametrize("cost", [1, 13, 18, 30])
def test_costs_that_would_be_no_protection_or_a_burden_are_no_hash(cost: int) -> None:
    assert not FORM.fullmatch(hash_password(b"secret").replace("scrypt:14:", f"scrypt:{cost}:"))


@pytest.mark.parametrize(
    ("hashes", "cost"),
    [([], "14"), ([""], "14"), ([hash_password(b"secret"), f"scrypt:16:{'1' * 32}:{'1' * 64}"], "16")],
)
def test_nobody_is_a_hash_as_expensive_as_any_and_has_no_password(hashes: list[str], cost: str) -> None:
    made = nobody(hashes)
    assert FORM.fullmatch(made)
    assert made.split(":")[1] == cost
    assert not is_password(b"", made)
