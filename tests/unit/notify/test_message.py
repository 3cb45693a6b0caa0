"""Messages say what happened in codes, UIDs, AE titles and numbers, as JSON and as text for people."""

import orjson

from scp.errors import Trouble
from scp.ids import as_text
from scp.ledger.notices import Audited, Case, Refusals
from scp.notify.message import Kind, envelope, health_body, refusals_body, series_body, subject, text

CASES = tuple(Case(number, "DUP-004", 0xC111, f"1.2.{number}") for number in (1, 2))
REFUSALS = Refusals(
    5, "CT1", "AUDITSCP", "192.0.2.1", 7, {"DUP-004": 6, "": 1}, {0xC111: 6, 0x0212: 1}, ("1.2",), CASES
)


def test_every_message_says_what_it_is_and_from_whom() -> None:
    body = envelope(77, Kind.TEST, 1_700_000_000_000_000, "NODE1", {})
    assert body == {
        "id": as_text(77),
        "version": 1,
        "kind": "test",
        "made": "2023-11-14T22:13:20.000Z",
        "node": "NODE1",
    }
    assert subject(body) == "[NODE1] test of notifications"
    assert (
        text(body) == f"This is a test. Notifications arrive here.\n\n2023-11-14T22:13:20.000Z  message {body['id']}\n"
    )


def test_refusals_are_told_by_association_with_their_first_cases() -> None:
    body = envelope(1, Kind.REFUSALS, 0, "N", refusals_body([REFUSALS], ""))
    assert orjson.loads(orjson.dumps(body))["associations"][0]["statuses"] == {"C111": 6, "0212": 1}
    assert subject(body) == "[N] 7 instances refused from CT1"
    assert text(body).splitlines()[:-2] == [
        "7 instances refused from CT1 at 192.0.2.1",
        f"  association {as_text(5)}",
        "       6  DUP-004  Another object with this SOP Instance UID is stored, with other attributes",
        "       1  without a rule",
        "  series 1.2",
        f"  case {as_text(1)}  C111  DUP-004",
        f"  case {as_text(2)}  C111  DUP-004",
        "  …",
        f"  To see more: auditscp quarantine show {as_text(1)}",
        "",
    ]


def test_several_senders_and_further_associations_are_told() -> None:
    one = Refusals(6, "MR1", "AUDITSCP", "192.0.2.2", 1, {"NUM-004": 1}, {0xC024: 1}, (), ())
    body = envelope(1, Kind.REFUSALS, 0, "N", refusals_body([one, REFUSALS], "", further=3))
    assert subject(body) == "[N] 8 instances refused from MR1 and others"
    assert "1 instance refused from MR1 at 192.0.2.2" in text(body)
    assert "Refusals on 3 further associations are in the ledger." in text(body)


def test_links_lead_to_the_console_if_people_can_reach_it() -> None:
    refusal = refusals_body([REFUSALS], "https://c.example/x/")["associations"][0]["cases"][0]
    assert refusal["link"] == f"https://c.example/x/quarantine/{as_text(1)}"
    audited = Audited(1, {}, "1.2.3", "1.2", "attention", 10, 0)
    body = envelope(1, Kind.SERIES, 0, "N", series_body([audited], "https://c.example"))
    assert body["series"][0]["link"] == "https://c.example/series/1.2.3"
    assert "  https://c.example/series/1.2.3" in text(body)
    well = envelope(1, Kind.HEALTH, 0, "N", health_body({}, "https://c.example"))
    assert "https://c.example" in text(well).splitlines()
    linked = envelope(1, Kind.REFUSALS, 0, "N", refusals_body([REFUSALS], "https://c.example"))
    assert f"    https://c.example/quarantine/{as_text(2)}" in text(linked)
    assert "quarantine show" not in text(linked)


def test_series_are_told_with_their_verdict_and_codes() -> None:
    found = [
        Audited(1, {"SER-301": 2, "NUM-999": 1}, "1.2.3", "1.2", "contradictory", 10, 0),
        Audited(2, {}, "1.2.4", "1.2", "attention", 1, 0),
    ]
    body = envelope(1, Kind.SERIES, 0, "N", series_body(found, ""))
    assert subject(body) == "[N] 2 series to look at: contradictory, attention"
    assert text(body).splitlines()[:-2] == [
        "contradictory: series 1.2.3",
        "  study 1.2",
        "  10 instances",
        "       2  SER-301  The slices have several orientations",
        "       1  NUM-999",
        "  To see more: auditscp series show 1.2.3",
        "",
        "attention: series 1.2.4",
        "  study 1.2",
        "  1 instance",
        "  instances were refused",
        "  To see more: auditscp series show 1.2.4",
        "",
    ]


def test_troubles_are_told_and_that_they_are_over() -> None:
    ill = envelope(1, Kind.HEALTH, 0, "N", health_body({Trouble.DISK: "an object cannot be written (EIO)"}, ""))
    assert (ill["healthy"], ill["troubles"]) == (False, {"disk": "an object cannot be written (EIO)"})
    assert subject(ill) == "[N] not healthy: disk"
    assert "  disk: an object cannot be written (EIO)" in text(ill).splitlines()
    well = envelope(1, Kind.HEALTH, 0, "N", health_body({}, ""))
    assert (well["healthy"], subject(well)) == (True, "[N] healthy again")
    assert text(well).startswith("The node is healthy again.\n")


def test_what_a_peer_calls_itself_cannot_break_the_head_of_a_mail() -> None:
    hostile = Refusals(5, "CT\r\nBcc: x\x1b", "N", "192.0.2.1", 1, {}, {}, (), ())
    assert subject(envelope(1, Kind.REFUSALS, 0, "N", refusals_body([hostile], ""))) == (
        "[N] 1 instance refused from CT\\r\\nBcc: x\\x1b"
    )
