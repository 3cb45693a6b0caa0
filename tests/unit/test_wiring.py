"""Settings become policies, limits and offers, and a node starts with what a crash left behind put right."""

import errno
import os
from collections.abc import MutableSequence
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydicom.uid import CTImageStorage, EncapsulatedPDFStorage, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from scp.audit.catalogue import RULES
from scp.audit.finding import Severity
from scp.audit.policy import Profile, make_policy
from scp.config import Settings
from scp.dicom.request import Association
from scp.dicom.syntax import COMPLETE_TRANSFER_SYNTAXES, KNOWN_TRANSFER_SYNTAXES
from scp.dicom.walk import Limits
from scp.errors import NodeFault, StoreFault
from scp.wiring import known_codes, make_node, offer, policies, policy_of, walk_limits
from tests.unit.nodes import association, data_set, request_for, take
from tests.unit.system import system_error


def settings(**sections: Any) -> Settings:
    """Settings as a file would give them."""
    return Settings.model_validate(sections)


def in_folder(path: Path, **sections: Any) -> Settings:
    return settings(storage={"folder": str(path)}, **sections)


def sender(ae_title: str, address: str = "192.0.2.1") -> Association:
    return association(ae_title, address)


# Policies


def test_the_defaults_are_the_standard_profile_without_exceptions() -> None:
    assert policy_of(Settings()) == make_policy(RULES)


def test_general_settings_are_those_of_everybody() -> None:
    policy = policy_of(
        settings(
            audit={"profile": "strict", "warning_status": "B007", "severity": {"NUM": "info", "STK-251": "warn"}},
            responses={"DUP-001": "C111"},
        )
    )
    assert policy == make_policy(
        RULES,
        Profile.STRICT,
        overrides={"NUM": Severity.INFO, "STK-251": Severity.WARN},
        responses={"DUP-001": 0xC111},
        warning_status=0xB007,
    )


PEERS: list[dict[str, Any]] = [
    {"ae_title": "OLD", "profile": "observe", "severity": {"NUM": "off"}, "responses": {"DUP-003": "C111"}},
    {"address": "198.51.100.0/24", "warning_status": "B000", "identical": "accept"},
]


def test_a_peer_has_its_own_settings_over_the_general_ones() -> None:
    general = settings(
        audit={"severity": {"NUM": "info", "GEO": "warn"}}, responses={"DUP-001": "C111", "DUP-003": "C116"}, peer=PEERS
    )
    policy = policies(general)(sender("OLD"))
    assert policy == make_policy(
        RULES,
        Profile.OBSERVE,
        overrides={"NUM": Severity.OFF, "GEO": Severity.WARN},
        responses={"DUP-001": 0xC111, "DUP-003": 0xC111},
    )


def test_the_first_peer_that_matches_counts() -> None:
    of = policies(settings(peer=PEERS))
    assert of(sender("OLD", "198.51.100.7")).profile is Profile.OBSERVE
    assert of(sender("NEW", "198.51.100.7")).warning_status == 0xB000
    assert of(sender("NEW")) == policy_of(settings())


def test_a_policy_is_worked_out_once_for_each_sender() -> None:
    of = policies(settings(peer=PEERS))
    assert of(sender("OLD")) is of(sender("OLD"))


@pytest.mark.parametrize(
    ("general", "peer", "severity"),
    [
        ("refuse", None, Severity.REFUSE),
        ("accept", None, Severity.INFO),
        ("refuse", "accept", Severity.INFO),
        ("accept", "refuse", Severity.REFUSE),
    ],
)
def test_identical_resends_are_answered_as_the_peer_or_else_the_node_says(
    general: str, peer: str | None, severity: Severity
) -> None:
    one = settings(duplicates={"identical": general}, peer=[{"ae_title": "CT1", "identical": peer}])
    assert policies(one)(sender("CT1")).severities["DUP-001", ""] is severity


def test_a_severity_for_the_rule_itself_wins_over_the_answer_to_resends() -> None:
    one = settings(duplicates={"identical": "accept"}, audit={"severity": {"DUP-001": "warn"}})
    assert policy_of(one).severities["DUP-001", ""] is Severity.WARN


def test_a_severity_for_the_family_does_not() -> None:
    one = settings(duplicates={"identical": "accept"}, audit={"severity": {"DUP": "refuse"}})
    assert policy_of(one).severities["DUP-001", ""] is Severity.INFO


def test_every_code_case_and_family_can_be_set() -> None:
    known = known_codes()
    assert {"DUP", "DUP-001", "DUP-001.unconfirmed"} <= set(known)
    assert {rule.code for rule in RULES} | {rule.family for rule in RULES} <= set(known)
    assert list(known) == sorted(set(known))


# Limits and offer


def test_limits_are_those_of_the_settings() -> None:
    assert walk_limits(Settings()) == Limits()
    one = settings(limits={"elements": 100, "depth": 3, "inflated_bytes": 4096})
    assert walk_limits(one) == Limits(max_depth=3, max_elements=100, inflated_bytes=4096)


def test_everything_is_offered_unless_settings_say_otherwise() -> None:
    everything = offer(Settings())
    assert everything.transfer_syntaxes == COMPLETE_TRANSFER_SYNTAXES
    assert all(map(everything.accepts, (CTImageStorage, "1.2.3", "1.2.840.10008.5.1.4.1.1.999")))
    some = offer(
        settings(
            classes={
                "private": False,
                "unknown": False,
                "refused_sop_classes": ["EncapsulatedPDFStorage"],
                "transfer_syntaxes": ["ImplicitVRLittleEndian", ExplicitVRLittleEndian],
            }
        )
    )
    assert some.transfer_syntaxes == {ImplicitVRLittleEndian, ExplicitVRLittleEndian}
    assert some.accepts(CTImageStorage)
    assert not any(map(some.accepts, (EncapsulatedPDFStorage, "1.2.3", "1.2.840.10008.5.1.4.1.1.999")))


def test_objects_without_their_pixels_are_offered_only_if_settings_say_so() -> None:
    assert offer(settings(classes={"referenced_pixels": True})).transfer_syntaxes == KNOWN_TRANSFER_SYNTAXES
    jpip = "1.2.840.10008.1.2.4.94"
    assert offer(settings(classes={"transfer_syntaxes": [jpip]})).transfer_syntaxes == {jpip}


# The node


def test_a_node_makes_its_folder_and_takes_instances(tmp_path: Path, told: MutableSequence[Any]) -> None:
    node = make_node(in_folder(tmp_path / "data"))
    data = data_set()
    assert take(node.intake, request_for(data), data).verdict.status == 0
    assert (tmp_path / "data" / "ledger.sqlite3").is_file()
    node.close()


def test_a_node_does_not_start_in_a_folder_that_another_one_uses(tmp_path: Path) -> None:
    node = make_node(in_folder(tmp_path))
    with pytest.raises(StoreFault, match="another node"):
        make_node(in_folder(tmp_path))
    node.close()


def test_a_node_that_cannot_start_lets_go_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite3").write_bytes(b"no ledger" * 1000)
    for _ in range(2):
        with pytest.raises(NodeFault, match="the ledger cannot be opened"):
            make_node(in_folder(tmp_path))


def test_what_a_crash_left_behind_is_put_right_at_the_start(
    tmp_path: Path, told: MutableSequence[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def link(*_: object) -> None:
        raise system_error(errno.EIO)

    accepted, refused, unknown = data_set(), data_set(SOPInstanceUID="1.2.9"), data_set(SOPInstanceUID="1.2.10")
    node = make_node(in_folder(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", link)
        assert take(node.intake, request_for(accepted), accepted).verdict.status == 0xA700
        take(node.intake, request_for(refused, sop_instance_uid="1.2.11"), refused)
    node.intake.begin(request_for(unknown)).incoming.close()
    (tmp_path / "spool" / "stray").write_bytes(b"")
    node.close()
    with structlog.testing.capture_logs() as lines:
        node = make_node(in_folder(tmp_path))
    (line,) = lines
    assert (line["event"], line["finished"], line["discarded"], line["failed"]) == ("recovered", 2, 1, 1)
    assert len(list((tmp_path / "archive").rglob("*.dcm"))) == 1
    assert len(list((tmp_path / "quarantine").rglob("*.json"))) == 1
    assert [path.name for path in (tmp_path / "spool").iterdir()] == ["stray"]
    node.close()


def test_a_clean_start_is_not_worth_a_line(tmp_path: Path) -> None:
    with structlog.testing.capture_logs() as lines:
        make_node(in_folder(tmp_path)).close()
    assert lines == []


def test_a_scratch_node_syncs_nothing(
    tmp_path: Path, told: MutableSequence[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(_: int) -> None:
        raise system_error(errno.EIO)

    monkeypatch.setattr(os, "fsync", fsync)
    node = make_node(settings(storage={"folder": str(tmp_path), "durability": "none"}))
    data = data_set()
    assert take(node.intake, request_for(data), data).verdict.status == 0
    node.close()
