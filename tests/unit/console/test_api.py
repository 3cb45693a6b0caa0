"""The HTTP API: the same as the pages, as JSON, described by OpenAPI."""

from pathlib import Path
from typing import Any

import pytest

from scp.outcomes import Ending
from tests.unit.console.consoles import PASSWORD, USERS, Consoled, consoled
from tests.unit.nodes import association


@pytest.fixture
def one(tmp_path: Path) -> object:
    with consoled(tmp_path) as node:
        yield node


def json(one: Consoled, path: str, status: int = 200) -> Any:
    with one.client() as client:
        response = client.get(f"/api/v1{path}")
    assert response.status_code == status, response.text
    return response.json()


def act(one: Consoled, receipt: str, status: int = 200, **order: Any) -> Any:
    with one.client() as client:
        response = client.post(f"/api/v1/quarantine/{receipt}/act", json=order)
    assert response.status_code == status, response.text
    return response.json()


def test_now_counts_associations_while_they_go_on(one: Consoled) -> None:
    meters = one.node.metrics.meters
    meter = meters.open(association("CT1"))
    answer = one.send()
    meter.instance(answer.verdict, answer.size, {})
    now = json(one, "/now")
    (live,) = now["associations"]
    assert (live["calling_ae_title"], live["received"], live["accepted"], live["bytes"]) == ("CT1", 1, 1, answer.size)
    assert now["health"]["is_well"]
    assert now["health"]["disk_total"] > 0
    assert now["received"] == 1
    with one.client() as client:
        assert "Nobody is sending." not in client.get("/now/live").text
    meters.close(meter, Ending.RELEASED)
    assert json(one, "/now")["associations"] == []


def test_series_are_listed_page_by_page(one: Consoled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp.console.views.series.PAGE", 2)
    for study in range(1, 6):
        one.send(1, study)
    seen, before = [], ""
    for _ in range(3):
        page = json(one, f"/series?{before}")
        seen += [entry["study_instance_uid"] for entry in page["series"]]
        before = f"before={page['before']}"
    assert page["before"] is None
    assert seen == [f"1.2.826.0.1.{study}" for study in (5, 4, 3, 2, 1)]


def test_a_series_says_what_its_audit_found(one: Consoled) -> None:
    for number in (1, 2, 4):
        one.send(number)
    page = json(one, "/series/1.2.826.0.1.1.1")
    assert (page["series"]["instances"], page["is_open"], page["audited"]) == (3, True, None)
    instances = json(one, "/series/1.2.826.0.1.1.1/instances?first=1")
    assert [entry["instance_number"] for entry in instances] == [2, 4]
    assert {entry["status"] for entry in instances} == {"0000"}
    json(one, "/series/9.9", 404)
    json(one, "/series/9.9/instances", 404)


def test_quarantine_is_listed_page_by_page(one: Consoled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scp.console.views.quarantine.PAGE", 2)
    receipts = [one.refuse(number) for number in range(1, 4)]
    first = json(one, "/quarantine")
    second = json(one, f"/quarantine?before={first['before']}")
    assert [case["receipt"] for case in (*first["cases"], *second["cases"])] == receipts[::-1]
    assert second["before"] is None
    for not_a_receipt in ("0", "O" * 13, "Z" * 13):  # and not the first page once more
        json(one, f"/quarantine?before={not_a_receipt}", 422)


def test_a_case_has_both_sides(one: Consoled) -> None:
    case = json(one, f"/quarantine/{one.refuse()}")
    (difference,) = case["differences"]["differences"]
    assert (difference["first"], difference["second"]) == ("2.5", "9")
    assert (case["state"], case["personal"], case["acts"]) == ("held", True, [])
    json(one, "/quarantine/0000000000000", 404)
    json(one, "/quarantine/nonsense", 422)


def test_acts_say_what_became_of_them(one: Consoled) -> None:
    receipt = one.refuse()
    refused = act(one, receipt, 409, act="release")
    assert (refused["done"], refused["codes"]) == (False, ["DUP-004"])
    act(one, receipt, 422, act="replace")
    act(one, receipt, 422, act="drop", reason=" ")
    act(one, receipt, 422, act="burn", reason="x")
    act(one, receipt, 422, act="drop", reason="x", unknown=1)
    rehearsed = act(one, receipt, act="replace", reason="the second is right", dry_run=True)
    assert (rehearsed["done"], rehearsed["act"]) == (True, None)
    assert json(one, f"/quarantine/{receipt}")["state"] == "held"
    done = act(one, receipt, act="replace", reason="the second is right")
    assert (done["done"], done["outcome"]) == (True, "replaced")
    (written,) = json(one, f"/quarantine/{receipt}")["acts"]
    assert (written["who"], written["reason"]) == ("console:local", "the second is right")
    assert act(one, "0000000000000", 409, act="release")["why"]


def test_who_acted_is_written(tmp_path: Path) -> None:
    with consoled(tmp_path, **USERS) as one, one.client(auth=("anna", PASSWORD)) as client:
        receipt = one.refuse()
        order = {"act": "drop", "reason": "of no use"}
        assert client.post(f"/api/v1/quarantine/{receipt}/act", json=order).status_code == 200
        (written,) = client.get(f"/api/v1/quarantine/{receipt}").json()["acts"]
        assert written["who"] == "console:anna"


def test_senders_and_rules_count(one: Consoled) -> None:
    one.refuse()
    report = json(one, "/senders?days=1")
    assert report["totals"]["received"] == 2
    assert report["scanners"][0]["manufacturer_model_name"] == "Model"
    rules = {rule["code"]: rule for rule in json(one, "/rules")}
    assert (rules["DUP-004"]["fired"], rules["DUP-004"]["refused"], rules["DUP-004"]["severity"]) == (1, 1, "refuse")
    assert json(one, "/rules/dup-004")["sections"]
    json(one, "/rules/XXX-000", 404)
    json(one, "/senders?days=0", 422)


def test_who_asks_is_told(one: Consoled) -> None:
    assert json(one, "/me")["name"] == "local"


def test_what_is_wrong_with_a_request_is_said_without_repeating_it(one: Consoled) -> None:
    problems = json(one, "/series?before=PATIENT", 422)
    assert "PATIENT" not in str(problems)
    assert problems["detail"][0]["loc"] == ["query", "before"]


def test_the_description_is_whole(one: Consoled) -> None:
    described = json(one, "/openapi.json")
    assert described["openapi"].startswith("3.1")
    assert set(described["paths"]) == {
        "/api/v1/me", "/api/v1/now", "/api/v1/series", "/api/v1/series/{uid}", "/api/v1/series/{uid}/instances",
        "/api/v1/quarantine", "/api/v1/quarantine/{receipt}", "/api/v1/quarantine/{receipt}/act", "/api/v1/senders",
        "/api/v1/rules", "/api/v1/rules/{code}", "/healthz", "/readyz", "/metrics",
    }  # fmt: skip


def test_metrics_are_those_of_the_node(one: Consoled) -> None:
    with one.client() as client:
        response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    assert "auditscp_associations" in response.text


def test_a_node_that_cannot_store_is_not_ready(one: Consoled) -> None:
    from scp.errors import Trouble

    with one.client() as client:
        assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 200)
        one.node.health.report(Trouble.SPACE, "too little space is free")
        assert (client.get("/healthz").status_code, client.get("/readyz").status_code) == (200, 503)
        assert "This node cannot store" in client.get("/").text
        one.node.health.clear(Trouble.SPACE)
        assert client.get("/readyz").status_code == 200
