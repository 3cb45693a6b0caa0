"""The API does what its OpenAPI description says, whatever it is asked: generated requests, by schemathesis."""

from collections.abc import Iterator
from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.unit.console.consoles import Consoled, consoled


@pytest.fixture(scope="module")
def described_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consoled]:
    with consoled(tmp_path_factory.mktemp("described")) as one:
        one.send(1)
        one.refuse(2)
        yield one


@pytest.fixture(scope="module")
def description(described_node: Consoled) -> Any:
    return schemathesis.openapi.from_url(f"{described_node.url}/api/v1/openapi.json")


CHECKS: Final = [
    content_type_conformance, response_headers_conformance, response_schema_conformance, status_code_conformance,
]  # fmt: skip
OPERATIONS: Final = [
    *(("GET", path) for path in (
        "/me", "/now", "/series", "/series/{uid}", "/series/{uid}/instances", "/quarantine", "/quarantine/{receipt}",
        "/senders", "/rules", "/rules/{code}",
    )),
    ("POST", "/quarantine/{receipt}/act"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_the_api_is_as_described(description: Any, method: str, path: str) -> None:
    operation = description[f"/api/v1{path}"][method]

    @settings(
        max_examples=25, deadline=None, database=None, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy())
    def holds(case: Any) -> None:
        response = case.call(timeout=30)
        assert response.status_code < 500
        case.validate_response(response, checks=CHECKS)

    holds()


@pytest.mark.parametrize(
    ("sent", "headers", "status"),
    [
        (b"{}", {"host": "evil.example"}, 421),
        (b"{}", {"origin": "http://evil.example"}, 403),
        (b'"\xff"', {}, 400),
        (b" " * 70_000, {}, 413),
    ],
)
def test_what_is_answered_before_the_api_is_asked_is_described_too(
    described_node: Consoled, description: Any, sent: bytes, headers: dict[str, str], status: int
) -> None:
    described = description["/api/v1/quarantine/{receipt}/act"]["POST"].definition.raw["responses"]
    with described_node.client() as client:
        path = "/api/v1/quarantine/0000000000000/act"
        answer = client.post(path, content=sent, headers={"content-type": "application/json", **headers})
    assert answer.status_code == status
    assert str(status) in described
    assert isinstance(answer.json()["detail"], str)


def test_every_operation_may_be_called_by_a_wrong_name(description: Any) -> None:
    for one in description.get_all_operations():
        assert {"400", "421", "500"} <= one.ok().definition.raw["responses"].keys()


def test_everything_described_is_tried(description: Any) -> None:
    described = {(one.ok().method.upper(), one.ok().path) for one in description.get_all_operations()}
    monitoring = {("GET", path) for path in ("/healthz", "/readyz", "/metrics")}
    assert described - monitoring == {(method, f"/api/v1{path}") for method, path in OPERATIONS}
