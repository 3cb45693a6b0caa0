"""What there is to tell is found in the ledger: refusals by association, and audits that found something."""

import apsw

from scp.dicom.request import Association
from scp.dicom.status import Status
from scp.ids import from_text
from scp.ledger import notices
from scp.ledger.notices import Audited, Case, Untold
from tests.rules.builders import INSTANCE, SERIES, STUDY
from tests.unit.nodes import Scratch, association, data_set, request_for


def number(sender: Association) -> int:
    return from_text(sender.id)


def refuse(node: Scratch, sender: Association, window: int) -> int:
    answer = node.send(data_set(WindowCenter=str(window)), sender)
    assert answer.verdict.status == 0xC111
    return answer.receipt


def test_refusals_are_found_by_association_and_only_those_beyond_what_was_told(
    node: Scratch, db: apsw.Connection
) -> None:
    first, second, good = association("A"), association("B"), association("C")
    node.send(data_set(), good)
    receipts = [refuse(node, first, 1), refuse(node, second, 2), refuse(node, first, 3)]
    all_of = [
        Untold(number(first), receipts[0], receipts[2]),
        Untold(number(second), receipts[1], receipts[1]),
    ]
    assert notices.untold(db, 0, {}) == all_of
    assert notices.untold(db, number(second), {}) == all_of[1:]
    assert notices.untold(db, number(good), {}) == []
    told = {number(first): receipts[0], number(second): receipts[1]}
    assert notices.untold(db, 0, told) == [Untold(number(first), receipts[2], receipts[2])]
    last = refuse(node, second, 4)
    assert notices.untold(db, 0, told)[1] == Untold(number(second), last, last)


def test_refusals_are_described_by_codes_statuses_series_and_their_first_cases(
    node: Scratch, db: apsw.Connection
) -> None:
    sender = association("CT1", "192.0.2.9")
    node.send(data_set(), sender)
    conflict = refuse(node, sender, 1)
    resent = node.send(data_set(WindowCenter="1"), sender).receipt
    node.send(data_set(), sender)
    (one,) = notices.untold(db, 0, {})
    found = notices.refusals(db, one, cases=2)
    assert (found.calling_ae_title, found.called_ae_title, found.address) == ("CT1", "AUDITSCP", "192.0.2.9")
    assert found.refused == 3
    assert found.by_code == {"DUP-004": 2, "DUP-001": 1}
    assert found.by_status == {0xC111: 2, 0x0111: 1}
    assert found.series == (SERIES,)
    # The same bytes again have no case of their own: both lead to the one that is kept.
    assert found.cases == (Case(conflict, "DUP-004", 0xC111, INSTANCE),) * 2
    part = Untold(number(sender), resent, resent)
    assert notices.refusals(db, part, cases=2).refused == 1


def test_what_was_refused_without_a_rule_has_no_code(node: Scratch, db: apsw.Connection) -> None:
    sender = association()
    reception = node.intake.begin(request_for(data_set(), sender))
    node.intake.refuse(reception, Status.MISTYPED_ARGUMENT)
    (one,) = notices.untold(db, 0, {})
    found = notices.refusals(db, one, cases=5)
    assert (found.by_code, [case.code for case in found.cases]) == ({"": 1}, [""])


AUDIT = """INSERT INTO series_audit (id, series, made, verdict, instances, images, covers, refused, stacks)
    VALUES (?, 1, ?, ?, 1, 1, '', '{}', '[]')"""
FINDING = """INSERT INTO series_finding (
        series, opened, closed, code, "case", severity, message, stack, tags, instances)
    VALUES (1, ?, ?, ?, '', ?, '', 0, '[]', '[]')"""


def test_audits_are_found_that_say_something_with_the_codes_that_they_left_open(
    node: Scratch, db: apsw.Connection
) -> None:
    node.send(data_set())
    assert notices.last_audit(db, 1_000) == 0

    def write(writer: apsw.Connection) -> None:
        verdicts = ("consistent", "attention", "contradictory", "consistent", "attention", "attention", "attention")
        for row in ((number, 100 * number, verdict) for number, verdict in enumerate(verdicts, start=1)):
            writer.execute(AUDIT, row)
        # The third audit did not find the first of these any more; the sixth said nothing new, the seventh did.
        for opened, closed, code, severity in (
            (2, 3, "SER-301", 2),
            (2, None, "NUM-305", 2),
            (3, None, "REF-1", 1),
            (7, None, "SER-1", 2),
        ):
            writer.execute(FINDING, (opened, closed, code, severity))

    node.ledger.transact(write)
    attention = Audited(2, {"SER-301": 1, "NUM-305": 1}, SERIES, STUDY, "attention", 1, 200)
    contradictory = Audited(3, {"NUM-305": 1}, SERIES, STUDY, "contradictory", 1, 300)
    assert notices.audits(db, 0, 10)[:2] == [attention, contradictory]
    assert [one.audit for one in notices.audits(db, 2, 10)] == [3, 5, 7]
    assert notices.audits(db, 0, 1) == [attention]
    assert [notices.last_audit(db, before) for before in (100, 101, 300, 1_000)] == [0, 1, 2, 7]


def test_the_search_for_refusals_reads_refusals_only(node: Scratch, db: apsw.Connection) -> None:
    plan = str(db.execute(f"EXPLAIN QUERY PLAN {notices._REFUSED_SINCE}", (0,)).fetchall())
    assert "USING COVERING INDEX receipt_refused_on (association>?)" in plan
