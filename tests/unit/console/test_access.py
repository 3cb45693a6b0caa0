"""Who may see and do what."""

import base64
from typing import Any

import pytest

from scp.config import ConfigurationError, Console
from scp.console.access import LOCAL, Access, Role, Visitor, Wait, check, neighbourhood
from scp.passwords import hash_password

pytestmark = pytest.mark.usefixtures("frozen_throttles")

HASH = hash_password(b"secret", salt=bytes(16))
USERS: dict[str, Any] = {"operators": {"anna": HASH}, "viewers": {"vera": HASH}}


def console(**changes: Any) -> Console:
    return Console.model_validate({"enabled": True, **changes})


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def refused(**changes: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        check(console(**changes))
    return [problem.place for problem in caught.value.problems]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.7", "::1", "localhost"])
def test_on_this_machine_nobody_has_to_sign_in(host: str) -> None:
    visitor = Access(console(host=host)).visitor("", "", "127.0.0.1")
    assert isinstance(visitor, Visitor)
    assert (visitor.name, visitor.may_act, visitor.signed_in) == (LOCAL, True, False)
    assert visitor.csrf
    assert visitor.is_token(visitor.csrf)
    assert not visitor.is_token("")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "pacs.example"])
def test_beyond_this_machine_there_must_be_users(host: str) -> None:
    assert refused(host=host) == ["[console] host"]
    check(console(host=host, **USERS))


def test_a_proxy_on_this_machine_does_not_open_it_to_others() -> None:
    assert refused(names=["pacs.example"]) == ["[console] names"]
    check(console(names=["pacs.example"], **USERS))
    check(console(names=["localhost"]))


def test_a_proxy_brings_others_who_must_sign_in() -> None:
    assert refused(proxies=["127.0.0.1"]) == ["[console] proxies"]
    check(console(proxies=["127.0.0.1"], **USERS))


def test_what_is_off_need_not_be_right() -> None:
    check(Console(host="0.0.0.0"))


def test_nobody_has_two_roles() -> None:
    assert refused(operators={"anna": HASH}, viewers={"anna": HASH}) == ["[console.viewers]"]


def test_with_users_everybody_signs_in() -> None:
    access = Access(console(**USERS))
    assert access.visitor("", "", "127.0.0.1") is None
    assert access.visitor("no session", "", "127.0.0.1") is None
    token = access.sessions.open("anna")
    visitor = access.visitor(token, "", "127.0.0.1")
    assert isinstance(visitor, Visitor)
    assert (visitor.name, visitor.role, visitor.signed_in) == ("anna", Role.OPERATOR, True)
    assert isinstance(access.visitor(token, "", "127.0.0.1", asked=False), Visitor)


@pytest.mark.parametrize(("name", "role"), [("anna", Role.OPERATOR), ("vera", Role.VIEWER)])
def test_programs_name_their_user_with_each_request(name: str, role: Role) -> None:
    access = Access(console(**USERS))
    for _ in range(2):
        visitor = access.visitor("", basic(name, "secret"), "127.0.0.1")
        assert visitor == Visitor(name, role)
    assert access.visitor("", basic(name, "wrong"), "127.0.0.1") is None


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ?",
        "Basic \xff",
        "Basic YQ==",
        "Basic /w==",
        "Bearer x",
        "basic " + base64.b64encode(b"\xff:x").decode(),
    ],
)
def test_credentials_that_cannot_be_read_are_none(header: str) -> None:
    assert Access(console(**USERS)).visitor("", header, "127.0.0.1") is None


def test_remembered_proofs_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp.console.access._MOST_REMEMBERED", 1)
    access = Access(console(**USERS))
    for name in ("anna", "vera", "anna"):
        assert isinstance(access.visitor("", basic(name, "secret"), "127.0.0.1"), Visitor)
        assert len(access._proved) == 1


def test_wrong_passwords_make_an_address_wait_whoever_it_claims_to_be() -> None:
    access = Access(console(**USERS))
    for number in range(5):
        assert access.check_password(f"nobody{number}", b"wrong", "192.0.2.1") is False
    assert isinstance(access.check_password("anna", b"secret", "192.0.2.1"), Wait)
    assert isinstance(access.visitor("", basic("anna", "secret"), "192.0.2.1"), Wait)
    assert access.check_password("anna", b"secret", "192.0.2.2") is True


def test_wrong_passwords_from_everywhere_make_a_user_wait() -> None:
    access = Access(console(**USERS))
    for number in range(20):
        assert access.check_password("anna", b"wrong", f"192.0.2.{number}") is False
    assert isinstance(access.check_password("anna", b"secret", "192.0.2.99"), Wait)
    assert access.check_password("vera", b"secret", "192.0.2.99") is True


def test_a_name_that_nobody_has_waits_as_a_user_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp.console.access.is_password", lambda *_: False)
    answers = {}
    for name in ("anna", "nobody"):
        access = Access(console(**USERS))
        answers[name] = [access.check_password(name, b"wrong", f"192.0.2.{number}") for number in range(25)]
    assert answers["anna"] == answers["nobody"]
    assert isinstance(answers["nobody"][-1], Wait)


def test_a_flood_of_names_does_not_make_the_failures_of_a_user_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp.console.access.is_password", lambda *_: False)
    access = Access(console(**USERS))
    for number in range(20):
        access.check_password("anna", b"wrong", f"192.0.2.{number}")
    for number in range(20_000):
        access.check_password(f"nobody{number}" * 9, b"wrong", f"198.18.{number >> 8}.{number & 255}")
    assert isinstance(access.check_password("anna", b"wrong", "192.0.2.99"), Wait)


def test_what_is_compared_costs_the_same_whether_there_is_such_a_user(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[str] = []

    def noted(_: bytes, hashed: str) -> bool:
        compared.append(hashed)
        return False

    monkeypatch.setattr("scp.console.access.is_password", noted)
    costly = HASH.replace("scrypt:14", "scrypt:17")
    access = Access(console(operators={"anna": costly}))
    for name in ("anna", "nobody"):
        access.check_password(name, b"wrong", "192.0.2.1")
    assert [hashed.split(":")[1] for hashed in compared] == ["17", "17"]


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("unknown", "PATIENT^NAME", True),
    ],
)
def test_guesses_of_one_host_count_together(one: str, other: str, *, together: bool) -> None:
    assert (neighbourhood(one) == neighbourhood(other)) is together


def test_after_the_wait_that_is_said_one_may_try_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp.console.throttle.Throttle.wait", lambda *_: 1.2)
    assert Access(console(**USERS)).check_password("anna", b"secret", "192.0.2.1") == Wait(2)


def test_a_password_of_a_megabyte_is_only_wrong() -> None:
    assert Access(console(**USERS)).check_password("anna", b"x" * 1_000_000, "192.0.2.1") is False


def test_secrets_are_not_shown() -> None:
    visitor = Access(console()).visitor("", "", "")
    assert isinstance(visitor, Visitor)
    assert visitor.csrf
    assert visitor.csrf not in repr(visitor)
