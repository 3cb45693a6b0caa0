"""Signing in, being thrown out, and what each role may do."""

from pathlib import Path

import httpx
import pytest
import structlog

from scp.console import access
from scp.console.throttle import Throttle
from scp.passwords import hash_password
from tests.unit.console.consoles import PASSWORD, USERS, Consoled, consoled, csrf, sign_in

pytestmark = pytest.mark.usefixtures("frozen_throttles")

PAGES = ["/", "/now/live", "/series", "/series/1.2.3", "/series/1.2.3/plot.svg", "/instances/1.2/thumbnail.png",
         "/quarantine", "/quarantine/0000000000000", "/senders", "/senders.csv", "/rules",
         "/rules/DUP-004"]  # fmt: skip
API = ["/api/v1/now", "/api/v1/me", "/api/v1/series", "/api/v1/series/1.2", "/api/v1/series/1.2/instances",
       "/api/v1/quarantine", "/api/v1/quarantine/0000000000000", "/api/v1/senders", "/api/v1/rules",
       "/api/v1/rules/DUP-004", "/api/v1/openapi.json", "/metrics"]  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_pages_ask_who_it_is_first(guarded: Consoled, path: str) -> None:
    with guarded.client() as client:
        response = client.get(path)
        assert response.status_code == 303
        assert response.headers["location"].startswith("/login")
        assert client.get(path, headers={"x-auditscp-poll": "1"}).status_code == 401


@pytest.mark.parametrize("path", API)
def test_programs_are_asked_for_a_password(guarded: Consoled, path: str) -> None:
    with guarded.client() as client:
        response = client.get(path)
        assert (response.status_code, response.headers["www-authenticate"]) == (401, 'Basic realm="auditscp"')
        assert "www-authenticate" not in client.get(path, headers={"x-csrf-token": "x"}).headers
        assert client.get(path, auth=("vera", PASSWORD)).status_code in (200, 404)


def test_a_wrong_password_of_a_program_is_no_password(guarded: Consoled) -> None:
    with guarded.client() as client:
        assert client.get("/metrics", auth=("vera", "wrong")).status_code == 401
        assert client.get("/metrics", auth=("vera", PASSWORD)).status_code == 200


def test_a_password_of_a_program_may_have_any_letters(tmp_path: Path) -> None:
    password = "pässwörd"
    with consoled(tmp_path, viewers={"vera": hash_password(password.encode())}) as one, one.client() as client:
        assert client.get("/metrics", auth=("vera", password)).status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/login"])
def test_what_a_probe_needs_is_for_everybody(guarded: Consoled, path: str) -> None:
    with guarded.client() as client:
        assert client.get(path).status_code == 200


def test_signing_in_goes_to_where_one_was_going(guarded: Consoled) -> None:
    with guarded.client() as client:
        login = client.get("/series?q=1.2&ae=").headers["location"]
        assert login == "/login?next=%2Fseries%3Fq%3D1.2%26ae%3D"
        assert 'value="/series?q=1.2&amp;ae="' in client.get(login).text
        response = client.post("/login", data={"name": "anna", "password": PASSWORD, "next": "/series?q=1.2"})
        assert (response.status_code, response.headers["location"]) == (303, "/series?q=1.2")
        cookie = response.headers["set-cookie"]
        assert cookie.startswith("auditscp=")
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "Secure" not in cookie
        assert client.get("/series").status_code == 200


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\nb", "javascript:1", "//[", "http://["],
)
def test_signing_in_goes_to_no_other_site(guarded: Consoled, target: str) -> None:
    with guarded.client() as client:
        assert 'name="next" value="/"' in client.get("/login", params={"next": target}).text
        response = client.post("/login", data={"name": "anna", "password": PASSWORD, "next": target})
        assert response.headers["location"] == "/"


def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(guarded: Consoled) -> None:
    with guarded.client() as client:
        wrong, unknown = sign_in(client, "anna", "x"), sign_in(client, "nobody", "x")
    assert (wrong.status_code, unknown.status_code) == (403, 403)
    assert wrong.text.replace("anna", "") == unknown.text.replace("nobody", "")
    with guarded.client() as client:
        assert sign_in(client).status_code == 303


def test_what_was_typed_as_a_name_stays_text(guarded: Consoled) -> None:
    with guarded.client() as client:
        text = sign_in(client, '"><script>alert(1)</script>', "x").text
        assert "<script>alert" not in text
        sign_in(client)


@pytest.fixture
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whoever has to wait before the next guess wait on, however slow this machine is."""
    monkeypatch.setattr(access, "Throttle", lambda free: Throttle(free, clock=lambda: 0.0))


@pytest.mark.usefixtures("no_time_passes")
def test_guessing_is_slowed_down(tmp_path_factory: pytest.TempPathFactory) -> None:
    with consoled(tmp_path_factory.mktemp("guessed"), **USERS) as one, one.client() as client:
        statuses = [sign_in(client, "anna", str(number)).status_code for number in range(5)]
        assert statuses == [403] * 5
        last = sign_in(client)
        assert last.status_code == 429
        assert int(last.headers["retry-after"]) >= 1
        assert client.get("/api/v1/now", auth=("anna", PASSWORD)).status_code == 429


def guesses(one: Consoled, visitors: list[str]) -> list[int]:
    """Return what a wrong password gets from visitors of a proxy on this machine, in their order."""
    with one.client() as client:
        form = {"name": "anna", "password": "wrong"}
        return [client.post("/login", data=form, headers={"x-forwarded-for": who}).status_code for who in visitors]


@pytest.mark.usefixtures("no_time_passes")
def test_visitors_of_a_proxy_are_one_unless_it_is_named(tmp_path: Path) -> None:
    visitors = [*["192.0.2.1"] * 6, "198.51.100.1"]
    with consoled(tmp_path / "one", **USERS) as one:
        assert guesses(one, visitors) == [*[403] * 5, 429, 429]
    with consoled(tmp_path / "two", proxies=["127.0.0.0/8"], **USERS) as one:
        assert guesses(one, visitors) == [*[403] * 5, 429, 403]


@pytest.mark.usefixtures("no_time_passes")
def test_only_what_a_proxy_itself_says_of_a_visitor_counts(tmp_path: Path) -> None:
    with consoled(tmp_path / "one", proxies=["127.0.0.1"], **USERS) as one:
        assert guesses(one, [f"203.0.113.{number}, 192.0.2.1" for number in range(6)]) == [*[403] * 5, 429]
    with consoled(tmp_path / "two", proxies=["192.0.2.1"], **USERS) as one:
        assert guesses(one, [f"203.0.113.{number}" for number in range(6)]) == [*[403] * 5, 429]


@pytest.mark.usefixtures("no_time_passes")
def test_a_proxy_that_is_named_may_speak_ipv4_to_all_addresses(tmp_path: Path) -> None:
    with consoled(tmp_path, host="::", proxies=["127.0.0.1"], **USERS) as one:
        one.url = one.url.replace("[::]", "127.0.0.1")
        assert guesses(one, [*["192.0.2.1"] * 6, "198.51.100.1"]) == [*[403] * 5, 429, 403]


@pytest.mark.usefixtures("no_time_passes")
def test_a_proxy_may_have_an_ipv6_address(tmp_path: Path) -> None:
    with consoled(tmp_path, host="::1", proxies=["::1"], **USERS) as one:
        assert guesses(one, [*["2001:db8::1"] * 6, "2001:db8:1::1"]) == [*[403] * 5, 429, 403]


def test_what_a_proxy_says_instead_of_an_address_is_not_for_the_log(tmp_path: Path) -> None:
    with consoled(tmp_path, proxies=["127.0.0.1"], **USERS) as one, structlog.testing.capture_logs() as logged:
        assert guesses(one, ["PATIENT^NAME", "192.0.2.1"]) == [403, 403]
    assert [line["address"] for line in logged] == ["", "192.0.2.1"]


@pytest.mark.parametrize(("proxies", "name"), [(["127.0.0.1"], "__Host-auditscp"), ([], "auditscp")])
def test_a_cookie_is_for_https_only_if_a_proxy_that_is_named_says_so(
    tmp_path: Path, proxies: list[str], name: str
) -> None:
    with consoled(tmp_path, proxies=proxies, **USERS) as one, one.client() as client:
        form = {"name": "anna", "password": PASSWORD}
        cookie = client.post("/login", data=form, headers={"x-forwarded-proto": "https"}).headers["set-cookie"]
    assert cookie.startswith(f"{name}=")
    assert ("Secure" in cookie) is bool(proxies)


def test_signing_out_takes_the_token_of_the_page(guarded: Consoled) -> None:
    with guarded.client() as client:
        sign_in(client)
        assert client.post("/logout", data={"csrf": "wrong"}).status_code == 303
        assert client.get("/").status_code == 200
        client.post("/logout", data={"csrf": csrf(client)})
        assert client.get("/").status_code == 303


def test_signing_in_again_ends_the_session_before(guarded: Consoled) -> None:
    with guarded.client() as client:
        sign_in(client)
        before = client.cookies["auditscp"]
        sign_in(client)
        assert httpx.get(guarded.url + "/", cookies={"auditscp": before}, trust_env=False).status_code == 303


def test_where_nobody_signs_in_there_is_no_form(local: Consoled) -> None:
    with local.client() as client:
        assert client.get("/login?next=/rules").headers["location"] == "/rules"
        assert client.post("/logout", data={"csrf": csrf(client)}).headers["location"] == "/"
        assert client.get("/").status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "Forwarded", "Via"])
def test_where_nobody_signs_in_nobody_comes_through_a_proxy(local: Consoled, header: str) -> None:
    with local.client(headers={header: "192.0.2.1"}) as client:
        assert {client.get(path).status_code for path in ("/", "/series", "/api/v1/now", "/metrics")} == {403}
        assert client.get("/healthz").status_code == 200


ACTS = ["release", "replace", "drop"]


@pytest.mark.parametrize("act", ACTS)
def test_viewers_look_and_do_not_act(guarded: Consoled, act: str) -> None:
    receipt = guarded.refuse(study=100 + ACTS.index(act))
    with guarded.client() as client:
        sign_in(client, "vera")
        assert client.get("/api/v1/me").json()["may_act"] is False
        page = client.get(f"/quarantine/{receipt}")
        assert page.status_code == 200
        assert "/release" not in page.text
        token = csrf(client)
        form = {"csrf": token, "reason": "because", "act": act, "receipt": receipt}
        assert client.post(f"/quarantine/{receipt}/{act}", data=form).status_code == 403
        assert client.post("/quarantine", data=form).status_code == 403
        order = {"act": act, "reason": "because"}
        path = f"/api/v1/quarantine/{receipt}/act"
        assert client.post(path, json=order, headers={"x-csrf-token": token}).status_code == 403
    with guarded.client(auth=("vera", PASSWORD)) as client:
        assert client.post(path, json=order).status_code == 403
        assert client.get(f"/api/v1/quarantine/{receipt}").json()["state"] == "held"


@pytest.mark.parametrize("token", ["", "wrong", None])
def test_a_session_acts_only_with_its_own_token(guarded: Consoled, token: str | None) -> None:
    receipt = guarded.refuse(study=120)
    with guarded.client() as client, guarded.client() as other:
        sign_in(client)
        sign_in(other)
        given = csrf(other) if token is None else token
        order = {"act": "drop", "reason": "because"}
        path = f"/api/v1/quarantine/{receipt}/act"
        assert client.post(path, json=order, headers={"x-csrf-token": given}).status_code == 403
        assert client.post(f"/quarantine/{receipt}/drop", data={"csrf": given, "reason": "x"}).status_code == 403
        assert client.post("/quarantine", data={"csrf": given, "act": "drop", "receipt": receipt}).status_code == 403
        assert client.get(f"/api/v1/quarantine/{receipt}").json()["state"] == "held"


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_the_api_takes_json_only_so_that_no_form_of_another_site_can_act(local: Consoled, kind: str) -> None:
    receipt = local.refuse(study=130)
    with local.client() as client:
        path = f"/api/v1/quarantine/{receipt}/act"
        response = client.post(path, content='{"act": "release"}', headers={"content-type": kind})
        assert response.status_code == 422
        assert client.post(
            f"/quarantine/{receipt}/release", content="{}", headers={"content-type": kind}
        ).status_code in (403, 415)
        assert client.get(f"/api/v1/quarantine/{receipt}").json()["state"] == "held"
