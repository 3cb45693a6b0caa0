"""A reload changes all that may change, or nothing; what differs is named without its value."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from scp.audit.policy import Profile
from scp.config import ConfigurationError, Problem, Settings
from scp.dicom.request import Association
from scp.renewal import APPLIED, Difference, Renewal, differences, prepared
from scp.wiring import Node, make_node
from tests.certificates import Authority
from tests.unit.nodes import association

SENDER = association("CT1")


def settings(folder: Path, **sections: Any) -> Settings:
    return Settings.model_validate({"storage": {"folder": str(folder)}} | sections)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    one = make_node(settings(tmp_path / "data"))
    yield one
    one.close()


class Source:
    """A configuration that tests change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sections: dict[str, Any] = {}
        self.problems: list[Problem] = []

    def __call__(self) -> Settings:
        if self.problems:
            raise ConfigurationError(self.problems)
        return settings(self.folder, **self.sections)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path / "data")


def test_policies_limits_and_waits_are_those_of_the_new_settings(node: Node, source: Source) -> None:
    source.sections = {
        "audit": {"profile": "observe"},
        "duplicates": {"wait_seconds": 7},
        "association": {"max_associations": 3, "network_timeout": 5},
        "classes": {"private": False},
        "user_identity": {"required": True, "users": {"anna": ""}},
    }
    with capture_logs() as lines:
        outcome = Renewal(node, source).reload()
    assert outcome.problems == ()
    assert outcome.restart == ()
    assert set(outcome.changed) == {
        "[association] max_associations", "[association] network_timeout", "[user_identity] required",
        "[user_identity.users]", "[classes] private", "[audit] profile", "[duplicates] wait_seconds",
    }  # fmt: skip
    assert node.policies(SENDER).profile is Profile.OBSERVE
    assert node.intake.settle_seconds == 7
    assert (node.server.limits.max_associations, node.server.limits.network_timeout) == (3, 5)
    assert not node.server.negotiator.offer.private
    assert node.server.trust.users.admits(None) is False
    assert node.settings.audit.profile == "observe"
    assert [(line["event"], line["needs_restart"]) for line in lines] == [("settings_renewed", ())]


def test_a_mistake_of_ours_changes_nothing_and_ends_no_node(node: Node) -> None:
    def load() -> Settings:
        raise ZeroDivisionError("s3cret")

    before = node.settings
    with capture_logs() as lines:
        (problem,) = Renewal(node, load).reload().problems
    assert problem.startswith("the configuration cannot be read: ZeroDivisionError at tests.unit.test_renewal:")
    assert node.settings is before
    assert "s3cret" not in str(lines)


def test_what_takes_a_restart_stays_and_is_named_each_time(node: Node, source: Source, tmp_path: Path) -> None:
    source.sections = {"limits": {"depth": 3}, "console": {"port": 1}, "audit": {"profile": "strict"}}
    renewal = Renewal(node, source)
    first, second = renewal.reload(), renewal.reload()
    assert (first.changed, second.changed) == (("[audit] profile",), ())
    assert first.restart == second.restart == ("[limits] depth", "[console] port")
    assert node.settings == settings(tmp_path / "data", audit={"profile": "strict"})


def test_a_configuration_that_is_wrong_changes_nothing(node: Node, source: Source) -> None:
    before = node.settings
    source.problems = [Problem("a.toml:1 [audit] profile", "is wrong"), Problem("a.toml:2 [node] port", "is too")]
    with capture_logs() as lines:
        outcome = Renewal(node, source).reload()
    assert outcome.problems == ("a.toml:1 [audit] profile: is wrong", "a.toml:2 [node] port: is too")
    assert [(line["event"], line["problems"]) for line in lines] == [("settings_kept", list(outcome.problems))]
    assert node.settings is before


def test_certificates_and_secrets_that_cannot_be_used_change_nothing_and_are_all_told(
    node: Node, source: Source
) -> None:
    source.sections = {
        "audit": {"profile": "observe"},
        "tls": {"enabled": True, "certificate": "/absent", "key": "/absent"},
        "notify": {"webhook": {"enabled": True, "url": "http://127.0.0.1/", "secret_file": "/absent"}},
    }
    with capture_logs() as lines:
        outcome = Renewal(node, source).reload()
    assert [problem.partition(":")[0] for problem in outcome.problems] == [
        "[tls] certificate", "[tls] key", "[notify.webhook] secret_file",
    ]  # fmt: skip
    assert [line["event"] for line in lines] == ["certificates_kept", "settings_kept"]
    assert node.policies(SENDER).profile is Profile.STANDARD


@pytest.mark.parametrize("enabled", [False, True])
def test_a_certificate_that_only_the_console_may_need_is_one_of_them(
    node: Node, source: Source, *, enabled: bool
) -> None:
    source.sections = {
        "audit": {"profile": "observe"},
        "console": {"enabled": True, "tls": True},
        "tls": {"enabled": enabled, "certificate": "/absent", "key": "/absent"},
    }
    outcome = Renewal(node, source).reload()
    assert [problem.partition(":")[0] for problem in outcome.problems] == ["[tls] certificate", "[tls] key"]
    assert node.policies(SENDER).profile is Profile.STANDARD


def test_certificates_alone_can_be_what_is_wrong(node: Node, source: Source) -> None:
    source.sections = {"tls": {"enabled": True, "certificate": "/absent", "key": "/absent"}}
    with capture_logs() as lines:
        outcome = Renewal(node, source).reload()
    assert [line["event"] for line in lines] == ["certificates_kept"]
    assert len(outcome.problems) == 2


def test_a_reload_that_finds_nothing_new_says_so(node: Node, source: Source) -> None:
    with capture_logs() as lines:
        outcome = Renewal(node, source).reload()
    assert (outcome.problems, outcome.changed, outcome.restart) == ((), (), ())
    assert [line["event"] for line in lines] == ["nothing_to_reload"]


def test_tls_is_renewed_even_if_no_setting_differs(tmp_path: Path) -> None:
    holder = Authority(tmp_path).issue("node.example")
    tls = {"enabled": True, "certificate": str(holder.certificate), "key": str(holder.key)}
    node, source = make_node(settings(tmp_path / "data", tls=tls)), Source(tmp_path / "data")
    source.sections, before = {"tls": tls}, node.server.trust.endpoint
    with capture_logs() as lines:
        outcome = Renewal(node, source).reload()
    assert outcome.changed == ()
    assert node.server.trust.endpoint is not before
    assert [(line["event"], line["certificate_subject"]) for line in lines] == [("certificates_loaded", "node.example")]
    node.close()


def test_a_policy_in_use_is_not_changed_under_its_user(node: Node, source: Source) -> None:
    policy = node.policies(SENDER)
    source.sections = {"peer": [{"ae_title": "CT1", "profile": "strict"}]}
    Renewal(node, source).reload()
    assert policy.profile is Profile.STANDARD
    assert node.policies(SENDER).profile is Profile.STRICT
    other: Association = association("MR1")
    assert node.policies(other).profile is Profile.STANDARD


def test_differences_are_named_as_the_file_has_them() -> None:
    one = Settings()
    two = Settings.model_validate(
        {
            "node": {"port": 1},
            "user_identity": {"users": {"ct1": ""}},
            "audit": {"severity": {"NUM": "info"}},
            "notify": {"link": "https://x.example", "webhook": {"url": "https://y.example"}},
            "responses": {"DUP-001": "C111"},
            "peer": [{"ae_title": "CT1"}],
        }
    )
    assert list(differences(one, two)) == [
        Difference("node", "[node] port"),
        Difference("user_identity", "[user_identity.users]"),
        Difference("audit", "[audit.severity]"),
        Difference("notify", "[notify] link"),
        Difference("notify", "[notify.webhook] url"),
        Difference("responses", "[responses]"),
        Difference("peer", "[[peer]]"),
    ]
    assert list(differences(one, one)) == []


def test_sections_that_are_applied_exist() -> None:
    assert set(Settings.model_fields) >= APPLIED


def test_what_settings_name_is_read_before_anything_is_changed() -> None:
    trust, orders = prepared(Settings())
    assert trust.endpoint is None
    assert {channel: one.sender for channel, one in orders.items()} == {"webhook": None, "email": None}
