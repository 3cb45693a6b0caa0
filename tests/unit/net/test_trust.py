"""Which AE titles a certificate stands for, and what of a proof goes to the log."""

from typing import Any

import pytest

from scp.config import TLS, UserIdentity
from scp.net.admission import Rejection
from scp.net.identity import Claim, Users
from scp.net.tls import Secured
from scp.net.trust import NO_PROOF, Trust

A, B = "ab" * 32, "cd" * 32
TITLES = {"ct1": ["CT1", "CT2"], ":".join(["AB"] * 32): ["MR1"]}


def tls(**titles: Any) -> TLS:
    return TLS.model_validate({"calling_ae_titles": titles or TITLES})


@pytest.mark.parametrize(
    ("title", "name", "fingerprint", "is_admitted"),
    [
        ("CT1", "ct1", B, True),
        ("CT2", "ct1", B, True),
        ("MR1", "ct1", B, False),
        ("MR1", "whoever", A, True),
        ("MR1", None, A, True),
        ("CT1", "whoever", A, False),
        ("CT1", "ct1", A, True),
        ("CT1", "CT1", B, False),
        ("US1", "us1", B, False),
        ("MR1", A, B, False),  # a name that looks like another's fingerprint
        ("CT1", None, None, False),
        ("MR1", None, None, False),
        ("US1", None, None, True),
    ],
)
def test_an_ae_title_is_for_the_holders_of_its_certificates(
    title: str, name: str | None, fingerprint: str | None, is_admitted: bool
) -> None:
    assert tls().admits(title, name, fingerprint) is is_admitted


def test_without_a_table_every_title_is_anybodys() -> None:
    assert TLS().admits("CT1", "ct1", A)
    assert TLS().admits("CT1", None, None)


def test_nothing_of_a_peer_without_proof_is_told() -> None:
    assert NO_PROOF.proof(None, None) == {}
    assert NO_PROOF.rejection("CT1", None, None) is None


def test_a_user_that_nobody_knows_is_rejected() -> None:
    assert NO_PROOF.rejection("CT1", None, Claim(1, b"anna", b"", wants_response=False)) is Rejection.IDENTITY


def test_what_was_proved_is_told() -> None:
    trust = Trust(None, Users(UserIdentity.model_validate({"users": {"anna": ""}})))
    secured = Secured("TLSv1.3", "TLS_AES_128_GCM_SHA256", "ct1", A)
    assert trust.proof(secured, Claim(1, b"anna", b"", wants_response=False)) == {
        "tls_version": "TLSv1.3",
        "tls_cipher": "TLS_AES_128_GCM_SHA256",
        "certificate_subject": "ct1",
        "certificate_fingerprint": A,
        "user": "anna",
    }
