"""Settings of notifications: what is taken, and what would have been right."""

from typing import Any

import pytest

from scp.config import Settings, load
from scp.config.problems import ConfigurationError


def problem_of(tmp_path: Any, text: str) -> str:
    path = tmp_path / "auditscp.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    (problem,) = caught.value.problems
    return str(problem).removeprefix(f"{path}:")


def test_nothing_is_told_by_default() -> None:
    notify = Settings().notify
    assert not notify.webhook.enabled
    assert not notify.email.enabled


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[notify.webhook]\nurl = "ftp://x"',
            '2 [notify.webhook] url: "ftp://x" is not the address of a page, without a user, such',
        ),
        ('[notify.webhook]\nurl = "http://a:b@x/"', '2 [notify.webhook] url: "http://a:b@x/" is not the address'),
        ('[notify.webhook]\nurl = "https://"', '2 [notify.webhook] url: "https://" is not the address of a page'),
        ('[notify.webhook]\nurl = "http://x:y/"', '2 [notify.webhook] url: "http://x:y/" is not the address of a page'),
        ('[notify.webhook]\nurl = "http://x/a b"', '2 [notify.webhook] url: "http://x/a b" is not the address'),
        ('[notify.webhook]\nurl = "http://a..b/"', '2 [notify.webhook] url: "http://a..b/" is not the address'),
        ("[notify.webhook]\nsecret = 1", "2 [notify.webhook] secret: unknown name; did you mean 'secret_file'?"),
        ("[notify.webhook]\nper_hour = 0", "2 [notify.webhook] per_hour: 0 is not a number of messages: 1–3600"),
        ('[notify.email]\nsender = "nobody"', '2 [notify.email] sender: "nobody" is not a mail address'),
        ('[notify.email]\nrecipients = ["a@b\\nBcc: c@d"]', "2 [notify.email] recipients entry 1: "),
        ('[notify.email]\nrecipients = [""]', '2 [notify.email] recipients entry 1: "" is not a mail address'),
        ('[notify.email]\nhost = "a b"', '2 [notify.email] host: "a b" is not the name of a mail server'),
        ('[notify.email]\nsecurity = "ssl"', '2 [notify.email] security: "ssl" is not an answer: "starttls", "tls"'),
        ("[notify]\nemail = 1", "2 [notify] email: 1 is not a section: settings stand below its name in brackets"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_what_would_be_right(tmp_path: Any, text: str, problem: str) -> None:
    assert problem_of(tmp_path, text).startswith(problem)


def test_settings_can_come_from_the_environment() -> None:
    notify = load(
        environ={
            "AUDITSCP_NOTIFY__GROUP_SECONDS": "5",
            "AUDITSCP_NOTIFY__EMAIL__RECIPIENTS": "a@b.example, c@d.example",
            "AUDITSCP_NOTIFY__WEBHOOK__CA": "ca.pem",
        }
    ).notify
    assert notify.group_seconds == 5
    assert notify.email.recipients == ("a@b.example", "c@d.example")
    assert str(notify.webhook.ca) == "ca.pem"
