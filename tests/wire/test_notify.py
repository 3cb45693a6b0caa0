"""Notifications of the real node: what real senders cause is told to a real web server and a real mail server."""

import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.receivers import PATIENCE, SECRET, MailReceiver, WebReceiver
from tests.wire.clients import storescu
from tests.wire.conftest import StartNode
from tests.wire.node import NodeProcess
from tests.wire.objects import ct, write_file
from tests.wire.peer import Peer


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "webhook.secret"
    path.write_text(SECRET + "\n")
    return path


def webhook(url: str, secret: Path, more: str = "") -> str:
    return f'{more}\n[notify.webhook]\nenabled = true\nurl = "{url}"\nsecret_file = "{secret}"\n'


QUICK = "[notify]\nretry_seconds = 0.1\n"


def refuse_twice(node: NodeProcess, tmp_path: Path, study: int = 1) -> None:
    """Let storescu send a slice, then the same and another one under its SOP Instance UID."""
    folder = tmp_path / f"files{study}"
    folder.mkdir()
    first = write_file(folder, ct(1, study))
    other = write_file(folder, ct(1, study, WindowCenter="77"))
    assert storescu(node.port, [first]).statuses == ["0000"]
    assert storescu(node.port, [first, other], "--no-halt", "-aet", "CT7").statuses == ["0111", "C111"]


def test_refusals_of_an_association_are_one_signed_message(start_node: StartNode, secret: Path, tmp_path: Path) -> None:
    with WebReceiver().running() as receiver:
        node = start_node(webhook(receiver.url, secret, QUICK + 'link = "https://console.example/"\n'))
        refuse_twice(node, tmp_path)
        post = receiver.next()
        node.wait_for("notified", channel="webhook", kind="refusals", message=post.body["id"], attempts=1)
    assert post.path == "/hook"
    assert post.is_signed()
    assert not post.is_signed("another secret, of somebody else")
    assert post.headers["content-type"] == "application/json"
    assert post.headers["webhook-id"] == post.body["id"]
    (association,) = node.wait_for("association_closed", calling_ae_title="CT7")
    cases = node.cases()
    (quarantined,) = node.quarantined()
    assert post.body | {"made": ""} == {
        "id": post.body["id"],
        "version": 1,
        "kind": "refusals",
        "made": "",
        "node": "AUDITSCP",
        "refused": 2,
        "associations": [
            {
                "association": association["association"],
                "calling_ae_title": "CT7",
                "called_ae_title": "AUDITSCP",
                "address": "127.0.0.1",
                "refused": 2,
                "codes": {"DUP-001": 1, "DUP-004": 1},
                "statuses": {"0111": 1, "C111": 1},
                "series_instance_uids": ["1.2.826.0.1.1.1"],
                "cases": post.body["associations"][0]["cases"],
            }
        ],
        "further_associations": 0,
    }
    resent, conflict = post.body["associations"][0]["cases"]
    assert (resent["code"], resent["status"]) == ("DUP-001", "0111")
    assert conflict == {
        "case": quarantined.stem,
        "code": "DUP-004",
        "status": "C111",
        "sop_instance_uid": "1.2.826.0.1.1.1.1",
        "link": f"https://console.example/quarantine/{quarantined.stem}",
    }
    assert len(cases) == 1
    assert receiver.nothing_came()


def test_nothing_of_the_patient_is_in_a_message(start_node: StartNode, secret: Path) -> None:
    with WebReceiver().running() as receiver:
        node = start_node(webhook(receiver.url, secret))
        names: dict[str, Any] = {"PatientName": "DOE^JANE", "PatientID": "SECRET7", "PatientBirthDate": "19700102"}
        with Peer.of(node.port, ct(1)) as peer:
            assert peer.store(ct(1, **names)).status == "0000"
            assert peer.store(ct(1, WindowCenter="77", **names)).status == "C111"
        raw = receiver.next().raw
    assert not [text for text in (b"DOE", b"JANE", b"SECRET7", b"19700102") if text in raw]


def test_a_receiver_that_was_down_gets_everything_later(start_node: StartNode, secret: Path, tmp_path: Path) -> None:
    receiver = WebReceiver(lambda number: 503 if number == 0 else 200)
    node = start_node(webhook(receiver.url, secret, QUICK))
    refuse_twice(node, tmp_path)
    (failed, *_) = node.wait_for("notification_failed", 2)
    assert failed["reason"] == "ConnectionRefusedError: Connection refused"
    with receiver.running():
        first, second = receiver.next(), receiver.next()
        node.wait_for("notified")
    assert first.raw == second.raw
    assert first.body["refused"] == 2
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.is_signed()
    assert second.is_signed()
    assert [line["reason"] for line in node.lines("notification_failed")][-1] == "HTTP status 503"


def test_what_waits_when_the_node_is_killed_is_delivered_after_the_next_start(
    start_node: StartNode, secret: Path, tmp_path: Path
) -> None:
    receiver = WebReceiver()
    node = start_node(webhook(receiver.url, secret, "[notify]\nretry_seconds = 600\n"))
    refuse_twice(node, tmp_path)
    (failed,) = node.wait_for("notification_failed")
    # These are in the ledger only: nobody wrote a message about them when the node was killed.
    peer = Peer.of(node.port, ct(2)).associate()
    peer.store(ct(2))
    assert peer.store(ct(2, WindowCenter="77")).status == "C111"
    node.wait_for("instance", 5)  # or there would be a receipt without its line
    node.kill()
    assert not peer.hung_up().aborted
    with receiver.running():
        node.start()
        posts = [receiver.next(), receiver.next()]
        node.wait_for("notified", 2)
        assert posts[0].body["id"] == failed["message"]
        assert [post.body["refused"] for post in posts] == [2, 1]
        assert receiver.nothing_came()
        assert node.stop() == 0
        node.start()
        refuse_twice(node, tmp_path, study=2)
        assert receiver.next().body["associations"][0]["codes"] == {"DUP-001": 1, "DUP-004": 1}
        node.wait_for("notified", 3)
    assert receiver.nothing_came()


def test_a_message_whose_answer_the_node_did_not_live_to_see_comes_again_under_its_identifier(
    start_node: StartNode, secret: Path, tmp_path: Path
) -> None:
    node: NodeProcess

    def answer(number: int) -> int:
        if number == 0:
            node.kill()
        return 200

    with WebReceiver(answer).running() as receiver:
        node = start_node(webhook(receiver.url, secret, QUICK))
        refuse_twice(node, tmp_path)
        first = receiver.next()
        node.exit_code()
        node.start()
        second = receiver.next()
        node.wait_for("notified")
        assert first.raw == second.raw
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert receiver.nothing_came()


def test_refusals_of_an_association_in_progress_are_told_when_it_is_time(start_node: StartNode, secret: Path) -> None:
    with WebReceiver().running() as receiver:
        node = start_node(webhook(receiver.url, secret, "[notify]\ngroup_seconds = 0.5\n"))
        with Peer.of(node.port, ct(1)) as peer:
            for number in (1, 2):
                peer.store(ct(number))
                peer.store(ct(number, WindowCenter="77"))
            # Between the two there may be a message, or not: it depends on when the courier looked.
            told = receiver.next().body["refused"]
            while told < 2:
                told += receiver.next().body["refused"]
        node.wait_for("association_closed")
    assert told == 2


def test_what_is_refused_last_is_told_while_the_node_stops(start_node: StartNode, secret: Path) -> None:
    with WebReceiver().running() as receiver:
        node = start_node(webhook(receiver.url, secret))
        with Peer.of(node.port, ct(1)) as peer:
            peer.store(ct(1))
            peer.store(ct(1, WindowCenter="77"))
            node.signal(signal.SIGTERM)
            assert peer.hung_up().aborted
            assert node.exit_code() == 0
        assert receiver.next().body["refused"] == 1


def test_a_node_that_stops_does_not_wait_for_a_receiver_that_says_nothing(
    start_node: StartNode, secret: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        node = start_node(webhook(f"http://127.0.0.1:{silent.getsockname()[1]}/", secret))
        refuse_twice(node, tmp_path)
        silent.settimeout(PATIENCE)
        held, _ = silent.accept()
        with held:
            assert node.stop() == 0


def email(port: int, more: str = "") -> str:
    return (
        f'[notify.email]\nenabled = true\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
        f'sender = "auditscp@node.example"\nrecipients = ["a@team.example", "b@team.example"]\n{more}'
    )


def test_refusals_are_told_by_mail_too(start_node: StartNode, secret: Path, tmp_path: Path) -> None:
    with MailReceiver().running() as mailbox, WebReceiver().running() as receiver:
        node = start_node(webhook(receiver.url, secret) + email(mailbox.port))
        refuse_twice(node, tmp_path)
        mail, _, envelope = mailbox.next()
        node.wait_for("notified", 2)
        assert receiver.next().body["refused"] == 2
    assert mail["Subject"] == "[AUDITSCP] 2 instances refused from CT7"
    assert mail["From"] == "auditscp@node.example"
    assert mail["To"] == "a@team.example, b@team.example"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@node.example>")
    assert envelope.rcpt_tos == ["a@team.example", "b@team.example"]
    (case,) = node.quarantined()
    text = mail.get_content()
    assert "2 instances refused from CT7 at 127.0.0.1" in text
    assert f"case {case.stem}  C111  DUP-004" in text


def test_nothing_is_told_and_no_file_is_made_unless_a_channel_is_enabled(node: NodeProcess, tmp_path: Path) -> None:
    refuse_twice(node, tmp_path)
    assert node.stop() == 0
    assert not (node.folder / "notify.sqlite3").exists()
    assert not node.lines("notified")


def test_a_node_does_not_start_with_a_channel_that_cannot_work(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    node = NodeProcess(tmp_path / "data", webhook("", absent) + "[notify.email]\nenabled = true\n")
    node.launch()
    assert node.exit_code() == 2
    assert node.stderr.splitlines() == [
        "error: [notify.webhook] url: is empty: where are notifications to be posted?",
        f"error: [notify.webhook] secret_file: {absent} cannot be read: No such file or directory",
        "error: [notify.email] host: is empty: which server takes the mail?",
        "error: [notify.email] sender: is empty: from whom is the mail?",
        "error: [notify.email] recipients: is empty: for whom is the mail?",
    ]
    assert not (tmp_path / "data").exists()


def test_a_node_that_is_not_healthy_says_so_and_when_it_is_again(start_node: StartNode, secret: Path) -> None:
    with WebReceiver().running() as receiver, MailReceiver().running() as mailbox:
        node = start_node(webhook(receiver.url, secret) + email(mailbox.port))
        ledger = node.folder / "ledger.sqlite3"
        away = ledger.rename(ledger.with_suffix(".away"))
        node.wait_for("node_unhealthy", trouble="gone")  # it looks now and then, and believes what it saw meanwhile
        with Peer.of(node.port, ct(1)) as peer:
            assert peer.store(ct(1)).status == "A700"
            ill = receiver.next().body
            ill_mail = mailbox.next()[0]["Subject"]  # a trouble that is over before a channel looks is not told there
            away.rename(ledger)
            node.wait_for("trouble_over")
            assert peer.store(ct(1)).status == "0000"
            well = receiver.next().body
        node.tolerate("fault", "node_unhealthy")
        assert (ill["kind"], ill["healthy"], list(ill["troubles"])) == ("health", False, ["gone"])
        assert (well["kind"], well["healthy"], well["troubles"]) == ("health", True, {})
        assert ill_mail == "[AUDITSCP] not healthy: gone"
        assert mailbox.next()[0]["Subject"] == "[AUDITSCP] healthy again"


def test_a_series_with_a_gap_is_told_when_it_has_become_quiet(start_node: StartNode, secret: Path) -> None:
    with WebReceiver().running() as receiver:
        node = start_node(webhook(receiver.url, secret, "[series]\nquiet_seconds = 0.1\n[notify]\ngroup_seconds = 0\n"))
        slices = [ct(number) for number in (1, 2, 3, 4, 6, 7, 8)]
        with Peer.of(node.port, *slices) as peer:
            assert {peer.store(one).status for one in slices} == {"0000"}
        body = receiver.next().body
    (told,) = body["series"]
    assert body["kind"] == "series"
    assert told["series_instance_uid"] == "1.2.826.0.1.1.1"
    assert told["verdict"] != "consistent"
    assert told["codes"]
