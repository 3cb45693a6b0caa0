"""Certificates, users and passwords: what is accepted, and that no complaint shows what may be a secret."""

import pytest

from scp.config import access
from tests.unit.config.test_values import complaint, read

FINGERPRINT = ":".join(["AB"] * 32)


def test_fingerprints_of_certificates_are_kept_without_colons_in_small_letters() -> None:
    table = read(access.CallingAETitles, {FINGERPRINT: ["CT1"], "ab:cd": ["A", "B"]})
    assert table == {"ab" * 32: ("CT1",), "ab:cd": ("A", "B")}


def test_a_table_of_certificates_may_be_text() -> None:
    assert read(access.CallingAETitles, '{"ct1": "CT1, CT2"}') == {"ct1": ("CT1", "CT2")}


@pytest.mark.parametrize("name", ["", "a\nb", "\x1b"])
def test_certificates_have_names_that_can_be_written(name: str) -> None:
    assert "is not the common name or SHA-256 fingerprint" in complaint(access.CallingAETitles, {name: ["CT1"]})


@pytest.mark.parametrize(
    "users", [{"anna": "topsecret"}, {"anna": ["topsecret"]}, {"anna": "scrypt:topsecret"}, "topsecret", ["topsecret"]]
)
def test_no_complaint_about_users_shows_what_may_be_a_password(users: object) -> None:
    said = complaint(access.Users, users)
    assert said.startswith("the value is not ")
    assert "topsecret" not in said


def test_users_have_hashes_or_no_password() -> None:
    hashed = "scrypt:14:" + "0" * 32 + ":" + "f" * 64
    assert read(access.Users, {"anna": hashed, "old": ""}) == {"anna": hashed, "old": ""}
    assert read(access.Users, '{"old": ""}') == {"old": ""}


def test_proxies_are_some_and_not_everybody() -> None:
    proxies = tuple[access.ProxyRange, ...]
    assert [str(one) for one in read(proxies, ["127.0.0.1", "2001:db8::/32"])] == ["127.0.0.1/32", "2001:db8::/32"]
    for everybody in ("0.0.0.0/0", "::/0"):
        assert complaint(proxies, [everybody]) == "everybody is no proxy: name the addresses of yours"


def test_who_signs_in_needs_a_plain_name_and_a_password() -> None:
    hashed = "scrypt:14:" + "0" * 32 + ":" + "f" * 64
    assert read(access.Passwords, {"anna@x.example": hashed}) == {"anna@x.example": hashed}
    assert complaint(access.Passwords, {"anna": ""}).startswith("a password is needed")
    for name in ("", "an na", "a" * 65, "ann\u00e4"):
        assert complaint(access.Passwords, {name: hashed}).startswith("a user name has 1 to 64 letters")
