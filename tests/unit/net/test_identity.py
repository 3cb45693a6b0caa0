"""Which users are let in."""

import pytest
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from scp.config import UserIdentity
from scp.net.identity import UNREADABLE, Claim, Users, positive_response
from scp.passwords import hash_password

USERS = Users(UserIdentity.model_validate({"users": {"anna": hash_password(b"secret"), "old": ""}}))
NOBODY = Users(UserIdentity())


def claim(kind: int, name: bytes, password: bytes = b"") -> Claim:
    return Claim(kind, name, password, wants_response=False)


@pytest.mark.parametrize(
    ("made", "is_admitted"),
    [
        (claim(2, b"anna", b"secret"), True),
        (claim(2, b"anna", b"Secret"), False),
        (claim(2, b"anna", b""), False),
        (claim(1, b"anna"), False),
        (claim(1, b"old"), True),
        (claim(2, b"old", b""), False),
        (claim(2, b"bob", b"secret"), False),
        (claim(2, b"bob", b""), False),
        (claim(1, b"bob"), False),
        (claim(1, b""), False),
        (claim(2, b"\xff\xfe", b"secret"), False),
        (claim(3, b"anna", b"secret"), False),
        (claim(4, b"anna"), False),
        (claim(5, b"anna"), False),
        (UNREADABLE, False),
        (None, True),
    ],
)
def test_a_user_is_admitted_by_what_the_configuration_asks_of_him(made: Claim | None, is_admitted: bool) -> None:
    assert USERS.admits(made) is is_admitted


@pytest.mark.parametrize("made", [claim(1, b"anna"), claim(2, b"anna", b"secret"), claim(2, b"", b""), UNREADABLE])
def test_without_users_nobody_is_admitted_by_name(made: Claim) -> None:
    assert not NOBODY.admits(made)
    assert NOBODY.admits(None)


def test_where_users_are_required_nobody_is_admitted_without_one() -> None:
    users = Users(UserIdentity.model_validate({"required": True, "users": {"old": ""}}))
    assert not users.admits(None)
    assert users.admits(claim(1, b"old"))


def test_only_names_of_the_configuration_are_known() -> None:
    assert USERS.known(claim(2, b"anna ")) == "anna"
    assert USERS.known(claim(2, b"Doe^John")) is None
    assert USERS.known(None) is None


def test_a_claim_is_what_the_item_says() -> None:
    item = UserIdentityNegotiation()
    item.user_identity_type, item.primary_field, item.secondary_field = 2, b"anna", b"secret"
    item.positive_response_requested = True
    assert Claim.of(item) == Claim(2, b"anna", b"secret", wants_response=True)
    assert Claim.of(None) is None


def test_a_claim_never_shows_its_password() -> None:
    assert "secret" not in repr(claim(2, b"anna", b"secret"))


def test_the_positive_response_is_empty() -> None:
    assert positive_response().from_primitive().encode() == b"\x59\x00\x00\x02\x00\x00"
