"""No statement of upkeep, or of what is known of a series, reads a table of millions through."""

import apsw
import pytest

from scp.ledger import kept, removal, series, series_status
from scp.ledger.reading import fetch
from scp.ledger.schema import SCHEMA


@pytest.fixture
def db() -> apsw.Connection:
    made = apsw.Connection(":memory:")
    made.execute(SCHEMA)
    return made


def steps(db: apsw.Connection, act: str, values: tuple[int, ...]) -> list[str]:
    return [row[3] for row in fetch(db, f"EXPLAIN QUERY PLAN {act}", values)]


def test_what_is_not_judged_yet_is_found_without_looking_at_what_is(db: apsw.Connection) -> None:
    first, *others = steps(db, series._UNJUDGED, (1,))
    assert first == "SCAN series USING INDEX series_open"
    assert not any("TEMP B-TREE" in step for step in others), "a part of them is found without all of them"


def test_what_leaves_quarantine_is_found_without_looking_at_what_is_stored(db: apsw.Connection) -> None:
    first, _, again = steps(db, removal._OLD_OBJECTS, (1, 1, 1))
    assert first == "SCAN receipt USING INDEX receipt_held"
    assert again == "SEARCH again USING INDEX receipt_unstored_instance (affected_sop_instance_uid=?)"


def test_how_much_is_kept_since_a_time_is_counted_from_there(db: apsw.Connection) -> None:
    assert steps(db, kept._EXTENT, (1,)) == ["SEARCH receipt USING INTEGER PRIMARY KEY (rowid>?)"]


def test_what_was_refused_of_a_series_is_found_without_looking_at_what_is_stored(db: apsw.Connection) -> None:
    first, *_ = steps(db, series_status._REFUSED, (1,))
    assert first == "SEARCH receipt USING INDEX receipt_unstored_series (series_instance_uid=?)"


def test_the_past_of_a_series_is_read_from_its_own_findings(db: apsw.Connection) -> None:
    asked: list[str] = []
    db.execute("INSERT INTO study VALUES (1, '1.2', 1, '{}')")
    db.execute("INSERT INTO series (uid, study, reference, tracked) VALUES ('1.2.3', 1, 1, '{}')")
    db.execute("INSERT INTO series_audit VALUES (NULL, 1, 1, 'consistent', 1, 1, '', '{}', '[]')")

    def traced(_: apsw.Cursor, statement: str, __: object) -> bool:
        asked.append(statement)
        return True

    db.exec_trace = traced
    assert len(series_status.history(db, "1.2.3")) == 1
    db.exec_trace = None
    plans = [step for one in asked for step in steps(db, one, (1,) * one.count("?"))]
    assert len(asked) == 3
    assert not [step for step in plans if step.startswith("SCAN")]
