"""What a node suffers from is told once when it begins and once when it is over, and can be asked at any time."""

import pytest
from structlog.testing import capture_logs

from scp.errors import DamageFault, LedgerFault, NodeFault, ObjectTooLarge, SpaceFault, StoreFault, SyncFault, Trouble
from scp.health import Health


def test_a_new_node_is_well_and_says_nothing() -> None:
    with capture_logs() as told:
        health = Health()
        health.stored()
        health.clear(*Trouble)
    assert health.is_well
    assert told == []


def test_a_trouble_is_told_when_it_begins_and_when_it_is_over_and_not_between() -> None:
    health = Health()
    with capture_logs() as told:
        for number in range(3):
            health.report(Trouble.SPACE, f"{number} MiB are free")
        assert health.troubles == {Trouble.SPACE: "2 MiB are free"}
        health.clear(Trouble.SPACE)
        health.clear(Trouble.SPACE)
    assert health.is_well
    assert [(line["event"], line["trouble"], line["log_level"]) for line in told] == [
        ("node_unhealthy", "space", "error"),
        ("trouble_over", "space", "info"),
    ]
    assert told[0]["reason"] == "0 MiB are free"
    assert told[1]["healthy"] is True


def test_one_trouble_may_end_while_another_lasts() -> None:
    health = Health()
    health.report(Trouble.DISK, "one")
    health.report(Trouble.LEDGER, "two")
    with capture_logs() as told:
        health.clear(Trouble.DISK)
    assert health.troubles == {Trouble.LEDGER: "two"}
    assert told[0]["healthy"] is False


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [
        (LedgerFault("x"), Trouble.LEDGER), (StoreFault("x"), Trouble.DISK), (SpaceFault("x"), Trouble.SPACE),
        (SyncFault("x"), Trouble.SYNC), (DamageFault("x"), None), (ObjectTooLarge("x"), None), (NodeFault("x"), None),
    ],
)  # fmt: skip
def test_a_fault_shows_the_trouble_that_it_is_made_of(fault: NodeFault, trouble: Trouble | None) -> None:
    health = Health()
    health.suffer(fault)
    assert health.troubles == ({trouble: "x"} if trouble else {})


def test_an_instance_that_was_stored_proves_disk_and_ledger_and_nothing_else() -> None:
    health = Health()
    for trouble in Trouble:
        health.report(trouble, "x")
    health.stored()
    assert set(health.troubles) == {Trouble.SPACE, Trouble.SYNC, Trouble.GONE}
