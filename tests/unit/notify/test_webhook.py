"""A letter is posted as it stands, signed, and has arrived only if the receiver says so."""

import base64
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from scp.config import ConfigurationError, Webhook
from scp.ids import as_text
from scp.notify.delivery import Undelivered
from scp.notify.outbox import Letter
from scp.notify.webhook import WebhookSender, sign
from tests.certificates import Authority, Holder
from tests.receivers import SECRET, WebReceiver

LETTER = Letter(77, "refusals", 0, '{"kind": "refusals", "text": "ä"}')


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return path


def sender(url: str, secret: Path, **more: Any) -> WebhookSender:
    return WebhookSender(Webhook.model_validate({"enabled": True, "url": url, "secret_file": str(secret)} | more))


def test_the_signature_is_that_of_the_specification() -> None:
    # The example of the Standard Webhooks specification.
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    signature = sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_letter_is_posted_with_its_identifier_and_signature(secret: Path) -> None:
    with WebReceiver().running() as receiver:
        sender(f"{receiver.url}?to=a%20b", secret).send(LETTER)
        post = receiver.next()
    assert post.path == "/hook?to=a%20b"
    assert post.raw == LETTER.body.encode()
    assert post.headers["webhook-id"] == as_text(77)
    assert post.headers["user-agent"].startswith("auditscp/")
    assert post.is_signed()


def test_a_secret_may_be_written_in_base64(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("whsec_" + base64.b64encode(SECRET.encode()).decode())
    with WebReceiver().running() as receiver:
        sender(receiver.url, path).send(LETTER)
        assert receiver.next().is_signed()


@pytest.mark.parametrize("status", [199 + 101, 302, 400, 404, 410, 500, 503])
def test_any_other_answer_than_2xx_means_that_it_did_not_arrive(secret: Path, status: int) -> None:
    with WebReceiver(answer=lambda _: status).running() as receiver:
        with pytest.raises(Undelivered, match=f"^HTTP status {status}$") as caught:
            sender(receiver.url, secret).send(LETTER)
        assert caught.value.answered


def silent() -> tuple[str, Callable[[], None]]:
    """Listen, and never say a word."""
    server = socket.create_server(("127.0.0.1", 0))
    return f"http://127.0.0.1:{server.getsockname()[1]}/", server.close


def test_a_receiver_that_says_nothing_is_given_up(secret: Path) -> None:
    url, close = silent()
    with pytest.raises(Undelivered, match=r"^no answer in time$") as caught:
        sender(url, secret, timeout=1).send(LETTER)
    assert not caught.value.answered
    close()


@pytest.mark.parametrize("secure", [False, True])
def test_a_receiver_that_says_nothing_of_use_is_given_up_however_much_it_says(
    secret: Path, authority: Authority, holder: Holder, *, secure: bool
) -> None:
    server, over = socket.create_server(("127.0.0.1", 0)), threading.Event()

    def chatter() -> None:
        with server, suppress(OSError):
            plain, _ = server.accept()
            with context_of(holder).wrap_socket(plain, server_side=True) if secure else plain as connection:
                while not over.wait(0.05):
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

    thread = threading.Thread(target=chatter)
    thread.start()
    url = f"http{'s' if secure else ''}://localhost:{server.getsockname()[1]}/"
    ending = threading.Timer(20, over.set)
    ending.start()
    with pytest.raises(Undelivered, match=r"^no answer in time$"):
        sender(url, secret, timeout=1, ca=str(authority.certificate)).send(LETTER)
    ending.cancel()
    over.set()
    thread.join()


def test_an_address_may_have_any_letters(secret: Path) -> None:
    with WebReceiver().running() as receiver:
        sender(f"{receiver.url}/größe%20?to=ä&x=%C3%A4", secret).send(LETTER)
        assert receiver.next().path == "/hook/gr%C3%B6%C3%9Fe%20?to=%C3%A4&x=%C3%A4"


def test_a_receiver_that_is_not_there_is_told(secret: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # has the port, and does not listen
        with pytest.raises(Undelivered, match=r"^ConnectionRefusedError: Connection refused$") as caught:
            sender(f"http://127.0.0.1:{nobody.getsockname()[1]}/", secret).send(LETTER)
    assert not caught.value.answered


def test_what_is_no_http_is_not_repeated(secret: Path) -> None:
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"Doe^Jane\r\n\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    with pytest.raises(Undelivered) as caught:
        sender(f"http://127.0.0.1:{server.getsockname()[1]}/", secret).send(LETTER)
    thread.join()
    server.close()
    assert str(caught.value) == "BadStatusLine"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def holder(authority: Authority) -> Holder:
    return authority.issue("localhost", usage="serverAuth")


def context_of(holder: Holder) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(holder.certificate, holder.key)
    return context


def test_a_server_is_known_by_the_certificates_of_the_settings(
    secret: Path, authority: Authority, holder: Holder, tmp_path: Path
) -> None:
    receiver = WebReceiver()
    receiver.secure(context_of(holder))
    url = f"https://localhost:{receiver.port}/hook"
    with receiver.running():
        sender(url, secret, ca=str(authority.certificate)).send(LETTER)
        assert receiver.next().is_signed()
        with pytest.raises(Undelivered, match="certificate not trusted: unable to get local issuer certificate"):
            sender(url, secret).send(LETTER)
        stranger = Authority(tmp_path, "stranger").certificate
        with pytest.raises(Undelivered, match="certificate not trusted"):
            sender(url, secret, ca=str(stranger)).send(LETTER)
        with pytest.raises(Undelivered, match=r"certificate not trusted: .*127\.0\.0\.1"):
            sender(url.replace("localhost", "127.0.0.1"), secret, ca=str(authority.certificate)).send(LETTER)


def problems(url: str, secret: Path, **more: Any) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        sender(url, secret, **more)
    return [str(problem) for problem in caught.value.problems]


def test_everything_that_is_wrong_is_told_together(tmp_path: Path) -> None:
    absent = tmp_path / "absent"
    assert problems("", absent, ca=str(absent)) == [
        "[notify.webhook] url: is empty: where are notifications to be posted?",
        f"[notify.webhook] secret_file: {absent} cannot be read: No such file or directory",
        f"[notify.webhook] ca: {absent} cannot be read: No such file or directory",
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"too short", "the secret is too short: 16 characters are the least"),
        (b"whsec_c2hvcnQ=", "the secret is too short: 16 characters are the least"),
        (b"whsec_no base64 at all", 'the secret begins with "whsec_", but what follows is not base64'),
        (b"\xff\xfe\xff", "{path} is not text"),
    ],
)
def test_a_secret_that_is_none_is_told_and_not_shown(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "secret"
    path.write_bytes(content)
    assert problems("http://127.0.0.1/", path) == [f"[notify.webhook] secret_file: {why.format(path=path)}"]


def test_certificates_that_are_none_are_told(secret: Path) -> None:
    assert problems("https://127.0.0.1/", secret, ca=str(secret)) == [
        f"[notify.webhook] ca: {secret} holds no certificate in PEM form"
    ]
