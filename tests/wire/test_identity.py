"""User identity negotiation against the real node (PS3.7 Annex D.3.3.7), with DCMTK and pynetdicom as requestors."""

from pathlib import Path
from typing import Any, cast

import pytest
from pynetdicom import AE
from pynetdicom.pdu_primitives import UserIdentityNegotiation

from scp.passwords import hash_password
from tests.wire.clients import storescu
from tests.wire.conftest import StartNode
from tests.wire.node import NodeProcess
from tests.wire.objects import ct, write_file
from tests.wire.peer import VERIFICATION

PASSWORD = "opensesame"
USERS = f'[user_identity.users]\nanna = "{hash_password(PASSWORD.encode())}"\nold = ""\n'


@pytest.fixture
def image(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    return write_file(folder, ct())


def answer(node: NodeProcess, kind: int, name: bytes, password: bytes = b"", *, asks: bool = True) -> bytes | None:
    """Associate as a user; return the Server Response, None if there was none. Fails if the association is rejected."""
    item = UserIdentityNegotiation()
    item.user_identity_type, item.primary_field, item.positive_response_requested = kind, name, asks
    if kind == 2:
        item.secondary_field = password
    ae = AE("PEER")
    ae.add_requested_context(VERIFICATION)
    association = ae.associate("127.0.0.1", node.port, ae_title="AUDITSCP", ext_neg=[item])
    assert association.is_established
    items: list[Any] = cast("Any", association.acceptor.primitive).user_information
    association.release()
    return next((one.server_response for one in items if isinstance(one, UserIdentityNegotiation)), None)


def rejected(node: NodeProcess, image: Path, *options: str) -> None:
    before = len(node.lines("association_rejected"))
    run = storescu(node.port, [image], *options)
    assert run.exit_code != 0
    assert "Result: Rejected Permanent" in run.output
    node.wait_for("association_rejected", before + 1)


def test_a_user_is_rejected_by_a_node_without_users(node: NodeProcess, image: Path) -> None:
    rejected(node, image, "--user", "anna")
    rejected(node, image, "--user", "anna", "--password", PASSWORD)
    assert node.receipts() == []


def test_the_right_password_is_let_in_and_confirmed(start_node: StartNode, image: Path) -> None:
    node = start_node(USERS)
    run = storescu(node.port, [image], "--user", "anna", "--password", PASSWORD, "--pos-response")
    assert (run.exit_code, run.statuses) == (0, ["0000"])
    (opened,) = node.wait_for("association_opened")
    assert opened["user"] == "anna"
    assert answer(node, 2, b"anna", PASSWORD.encode()) == b""
    assert answer(node, 2, b"anna", PASSWORD.encode(), asks=False) is None
    assert answer(node, 1, b"old") == b""


def test_whoever_cannot_prove_it_is_rejected_and_no_password_is_told(start_node: StartNode, image: Path) -> None:
    node = start_node(USERS)
    rejected(node, image, "--user", "anna", "--password", "wrongguess")
    rejected(node, image, "--user", "anna")
    rejected(node, image, "--user", "Doe^John", "--password", PASSWORD)
    for word in (b"wrongguess", b"Doe", PASSWORD.encode()):
        assert word not in node.output
    assert node.receipts() == []


def test_who_names_nobody_is_let_in_unless_users_are_required(start_node: StartNode, image: Path) -> None:
    assert storescu(start_node(USERS).port, [image]).exit_code == 0
    strict = start_node("[user_identity]\nrequired = true\n" + USERS)
    rejected(strict, image)
    run = storescu(strict.port, [image], "--user", "anna", "--password", PASSWORD)
    assert (run.exit_code, run.statuses) == (0, ["0000"])
