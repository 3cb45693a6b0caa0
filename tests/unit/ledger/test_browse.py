"""Series a page at a time: found by what people know, and never by reading a table through."""

from typing import Any

import apsw
import pytest

from scp.audit.series.result import SeriesVerdict
from scp.layout import LEDGER
from scp.ledger.browse import SeriesFilter, instances_page, one_instance, one_series, series_page
from scp.ledger.queries import patient_fingerprint
from scp.outcomes import Outcome
from tests.rules.builders import encoded
from tests.unit.nodes import Scratch, association
from tests.wire.objects import ct_image


def send(node: Scratch, number: int = 1, study: int = 1, sender: str = "CT1", **changes: Any) -> None:
    node.send(encoded(ct_image(number, study, **changes)), association(sender))


def found(db: apsw.Connection, **wanted: Any) -> list[str]:
    return [row.study_uid.rpartition(".")[2] for row in series_page(db, SeriesFilter(**wanted))]


def test_series_come_newest_first_page_by_page(node: Scratch, db: apsw.Connection) -> None:
    for study in range(1, 6):
        send(node, 1, study)
    first = series_page(db, SeriesFilter(limit=2))
    assert found(db, limit=2) == ["5", "4"]
    assert found(db, limit=9, before=first[-1].number) == ["3", "2", "1"]


def test_a_series_says_who_sent_it_and_what_is_not_personal(node: Scratch, db: apsw.Connection) -> None:
    send(node, 1)
    send(node, 2)
    send(node, 2, SliceThickness="9")
    row = one_series(db, "1.2.826.0.1.1.1")
    assert row
    assert (row.instances, row.refused, row.calling_ae_title, row.verdict) == (2, 1, "CT1", None)
    assert (row.shared["modality"], row.shared["station_name"]) == ("CT", "CT1")
    assert "Test" not in str(row)
    assert one_series(db, "9.9") is None


def test_series_are_found_by_uid_patient_sender_and_verdict(node: Scratch, db: apsw.Connection) -> None:
    for study, sender in ((1, "CT1"), (2, "MR1"), (12, "CT1")):
        send(node, 1, study, sender)
    key = patient_fingerprint(node.folder / LEDGER, "P2")
    assert found(db, uid="1.2.826.0.1.1") == ["12", "1"]
    assert found(db, uid="1.2.826.0.1.12.1.1") == ["12"]
    assert found(db, uid="1.2.826.0.1.12.") == ["12"]
    assert found(db, uid="9") == []
    assert found(db, fingerprint=key) == ["2"]
    assert found(db, fingerprint=patient_fingerprint(node.folder / LEDGER, "A1")) == ["12", "2", "1"]
    assert found(db, fingerprint=key, uid="1.2.826.0.1.12") == ["12", "2"]
    assert found(db, calling_ae_title="CT1") == ["12", "1"]
    assert found(db, calling_ae_title="CT1", uid="1.2.826.0.1.1", limit=1) == ["12"]
    assert found(db, verdict=SeriesVerdict.ATTENTION) == []


def test_instances_come_by_number_with_what_was_answered(node: Scratch, db: apsw.Connection) -> None:
    for number in (3, 1, 2):
        send(node, number)
    send(node, 4, InstanceNumber=None, ImagePositionPatient=None, ImageOrientationPatient=None)
    rows = instances_page(db, "1.2.826.0.1.1.1", 10)
    assert [row.number for row in rows] == [None, 1, 2, 3]
    assert [row.outcome for row in rows] == [Outcome.WARN, Outcome.ACCEPT, Outcome.ACCEPT, Outcome.ACCEPT]
    assert rows[0].codes == ("GEO-101",)
    assert [row.number for row in instances_page(db, "1.2.826.0.1.1.1", 2, 2)] == [2, 3]
    assert instances_page(db, "9.9", 10) == []


def test_an_instance_is_found_with_its_file(node: Scratch, db: apsw.Connection) -> None:
    send(node)
    one = one_instance(db, "1.2.826.0.1.1.1.1")
    assert one
    assert (node.folder / one[1]).is_file()
    assert one[2] == "1.2.826.0.1.1.1"
    assert one_instance(db, "9.9") is None


ALL: dict[str, Any] = {"uid": "1.2", "fingerprint": "f", "before": 7}


@pytest.mark.parametrize("asked", [{}, {"before": 7}, {"uid": "1.2"}, {"fingerprint": "f"}, ALL])
def test_no_list_reads_receipts_or_instances_through(db: apsw.Connection, asked: dict[str, Any]) -> None:
    plans: list[str] = []

    class Explaining:
        """Asks for the plan of each statement."""

        def execute(self, statement: str, values: tuple[Any, ...]) -> apsw.Cursor:
            plans.extend(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {statement}", values))
            return db.execute(statement, values)

    explaining: Any = Explaining()
    series_page(explaining, SeriesFilter(**asked))
    instances_page(explaining, "1.2", 10)
    one_series(explaining, "1.2")
    scanned = {plan.split()[1] for plan in plans if plan.startswith("SCAN")}
    assert scanned <= {"series"}, plans
    assert not [
        plan for plan in plans if "TEMP B-TREE" in plan and "uid" not in asked and "fingerprint" not in asked
    ], plans
