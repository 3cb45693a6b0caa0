"""A letter is mailed over TLS as the settings say, and has arrived only if the server took it."""

import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from scp.config import ConfigurationError, Email
from scp.ids import as_text
from scp.notify.delivery import Undelivered
from scp.notify.email import EmailSender
from scp.notify.outbox import Letter
from tests.certificates import Authority, Holder
from tests.receivers import MailReceiver

BODY = '{"id": "X", "version": 1, "kind": "test", "made": "2023-11-14T22:13:20.000Z", "node": "NODE1"}'
LETTER = Letter(77, "test", 1_700_000_000_000_000, BODY)
BOTH = ["a@team.example", "b@team.example"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def holder(authority: Authority) -> Holder:
    return authority.issue("localhost", usage="serverAuth")


@pytest.fixture
def context(holder: Holder) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(holder.certificate, holder.key)
    return context


def sender(port: int, **more: Any) -> EmailSender:
    known = {"host": "localhost", "port": port, "sender": "auditscp@node.example", "recipients": BOTH}
    return EmailSender(Email.model_validate(known | more))


def test_a_letter_is_mailed_in_the_clear_if_settings_say_so() -> None:
    with MailReceiver().running() as server:
        sender(server.port, security="none").send(LETTER)
        mail, session, envelope = server.next()
    assert (envelope.mail_from, envelope.rcpt_tos) == ("auditscp@node.example", BOTH)
    assert session.ssl is None
    assert mail["Subject"] == "[NODE1] test of notifications"
    assert mail["Message-ID"] == f"<{as_text(77)}@node.example>"
    assert mail["Date"] == "Tue, 14 Nov 2023 22:13:20 +0000"
    assert mail.get_content().startswith("This is a test. Notifications arrive here.")


def test_a_letter_is_mailed_over_starttls_with_a_login(
    context: ssl.SSLContext, authority: Authority, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text("open sesame\n")
    trusting = {"ca": str(authority.certificate), "user": "auditscp", "password_file": str(password)}
    with MailReceiver(starttls=context, password=b"open sesame").running() as server:
        sender(server.port, **trusting).send(LETTER)
        _, session, _ = server.next()
        assert session.authenticated
        assert session.ssl
        password.write_text("open, you")
        with pytest.raises(Undelivered, match=r"^SMTP status 535$") as caught:
            sender(server.port, **trusting).send(LETTER)
        assert not caught.value.answered


def test_a_letter_is_mailed_over_tls_from_the_first_byte(context: ssl.SSLContext, authority: Authority) -> None:
    with MailReceiver(tls=context).running() as server:
        sender(server.port, security="tls", ca=str(authority.certificate)).send(LETTER)
        assert server.next()[0]["To"] == "a@team.example, b@team.example"


def test_a_server_that_is_not_trusted_gets_nothing(context: ssl.SSLContext) -> None:
    unknown = "certificate not trusted: unable to get local issuer certificate"
    with MailReceiver(starttls=context).running() as server, pytest.raises(Undelivered, match=unknown):
        sender(server.port).send(LETTER)
    with MailReceiver().running() as server, pytest.raises(Undelivered, match="SMTPNotSupportedError"):
        sender(server.port).send(LETTER)  # no STARTTLS there: it stays in the clear for nobody
    with pytest.raises(Undelivered, match="ConnectionRefusedError: Connection refused"):
        sender(server.port).send(LETTER)


def test_a_recipient_that_the_server_does_not_take_is_told() -> None:
    with MailReceiver(refused=("b@team.example",)).running() as server:
        with capture_logs() as lines:
            sender(server.port, security="none").send(LETTER)
        _, _, envelope = server.next()
    assert envelope.rcpt_tos == ["a@team.example"]
    assert [(line["event"], line["recipients"]) for line in lines] == [("recipients_refused", 1)]


def test_a_letter_for_nobody_whom_the_server_takes_did_not_arrive() -> None:
    with MailReceiver(refused=tuple(BOTH)).running() as server:
        with pytest.raises(Undelivered, match=r"^the server takes no recipient$") as caught:
            sender(server.port, security="none").send(LETTER)
        assert caught.value.answered


def test_a_server_whose_answer_does_not_end_is_given_up() -> None:
    server, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def chatter() -> None:
        with server, server.accept()[0] as connection, suppress(OSError):
            while not over.wait(0.05):
                connection.sendall(b"220-welcome\r\n")

    thread = threading.Thread(target=chatter)
    thread.start()
    ending = threading.Timer(20, over.set)
    ending.start()
    with pytest.raises(Undelivered, match=r"^no answer in time$"):
        sender(server.getsockname()[1], security="none", timeout=1).send(LETTER)
    ending.cancel()
    over.set()
    thread.join()


def test_a_login_that_cannot_be_sent_is_told_before_it_is_tried(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("pässword")
    with pytest.raises(ConfigurationError) as caught:
        sender(587, user="mé", password_file=str(password))
    assert [str(problem) for problem in caught.value.problems] == [
        "[notify.email] user: has characters beyond ASCII, which cannot be sent to log in",
        "[notify.email] password_file: has characters beyond ASCII, which cannot be sent to log in",
    ]


def test_a_letter_that_the_server_refuses_did_not_arrive() -> None:
    with MailReceiver(full=True).running() as server:
        with pytest.raises(Undelivered, match=r"^SMTP status 552$") as caught:
            sender(server.port, security="none").send(LETTER)
        assert caught.value.answered


def test_everything_that_is_wrong_is_told_together(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    with pytest.raises(ConfigurationError) as caught:
        EmailSender(
            Email.model_validate({"security": "none", "user": "me", "password_file": str(absent), "ca": str(absent)})
        )
    assert [str(problem) for problem in caught.value.problems] == [
        "[notify.email] host: is empty: which server takes the mail?",
        "[notify.email] sender: is empty: from whom is the mail?",
        "[notify.email] recipients: is empty: for whom is the mail?",
        '[notify.email] user: a password does not go in the clear: security must not be "none"',
        f"[notify.email] password_file: {absent} cannot be read: No such file or directory",
        f"[notify.email] ca: {absent} cannot be read: No such file or directory",
    ]
