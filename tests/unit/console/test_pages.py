"""The pages: what they show of a node, and what is done through them."""

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from scp.console.rendering import asset
from scp.dicom.status import Status
from scp.ids import as_text
from tests.unit.console.consoles import Consoled, consoled, csrf

HOSTILE = '"><img src=x onerror=alert(1)>'


class _Tags(HTMLParser):
    """Collects what a page would load, run or send."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def tags_of(text: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(text)
    return parser.tags


def get(one: Consoled, path: str, status: int = 200) -> str:
    with one.client() as client:
        response = client.get(path)
    assert response.status_code == status, response.text
    return response.text


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> object:
    """A node that has been sent all sorts of things."""
    with consoled(tmp_path_factory.mktemp("full")) as one:
        for number in range(1, 6):
            one.send(number)
        one.refuse(3)
        one.send(1, 2, sender="MR1", Manufacturer=HOSTILE, StationName=HOSTILE[:16], ManufacturerModelName="Model\tX")
        one.refuse(1, 3, PatientName=HOSTILE, StudyDescription="<script>alert(1)</script>")
        yield one


PAGES = ["/", "/now/live", "/series", "/series/1.2.826.0.1.1.1", "/series/1.2.826.0.1.2.1", "/quarantine", "/senders",
         "/rules", "/rules/DUP-004", "/rules/SER-305", "/login"]  # fmt: skip


def paths(one: Consoled) -> list[str]:
    with one.client() as client:
        cases = client.get("/api/v1/quarantine").json()["cases"]
    return [path for path in PAGES if path != "/login"] + [f"/quarantine/{case['receipt']}" for case in cases]


def test_no_page_has_anything_that_its_policy_forbids(full: Consoled) -> None:
    for path in paths(full):
        for tag, attributes in tags_of(get(full, path)):
            assert tag not in ("style", "iframe", "object", "embed", "base"), path
            assert not [name for name in attributes if name.startswith("on") or name == "style"], (
                path,
                tag,
                attributes,
            )
            for name in ("src", "href", "action"):
                address = attributes.get(name)
                assert address is None or (address.startswith(("/", "?", "#")) and not address.startswith("//")), (
                    path,
                    tag,
                )
            assert tag != "script" or attributes.get("src") == asset("console.js")


def test_what_others_say_stays_text(full: Consoled) -> None:
    for path in paths(full):
        text = get(full, path)
        assert "<img src=x" not in text
        assert "<script>alert" not in text
    assert "&lt;img src=x" in get(full, "/series/1.2.826.0.1.2.1")


def test_every_form_that_acts_has_its_token(full: Consoled) -> None:
    with full.client() as client:
        token = csrf(client)
    forms = 0
    for path in paths(full):
        text = get(full, path)
        posts = text.count('method="post"')
        assert text.count(f'name="csrf" value="{token}"') == posts, path
        forms += posts
    assert forms


def test_now_shows_the_node(full: Consoled) -> None:
    text = get(full, "/")
    assert "Receiving." in text
    assert "Nobody is sending." in text
    assert "DUP-004" in text


def test_series_are_found_by_what_people_know(full: Consoled) -> None:
    one, other = "/series/1.2.826.0.1.1.1", "/series/1.2.826.0.1.2.1"
    for query, found in {
        "q=1.2.826.0.1.1": (True, False),
        "q=1.2.826.0.1": (True, True),
        "q=1.2.826.0.1.2.1.1": (False, True),
        "q=P1": (True, False),
        "q=P": (False, False),
        "q=A1": (True, True),
        "ae=MR1": (False, True),
        "verdict=consistent": (False, False),
        "verdict=nonsense": (True, True),
        "q=%25": (False, False),
        "before=2": (True, False),
    }.items():
        text = get(full, f"/series?{query}")
        assert (f'href="{one}"' in text, f'href="{other}"' in text) == found, query


def test_a_series_shows_its_slices_and_what_was_refused(full: Consoled) -> None:
    text = get(full, "/series/1.2.826.0.1.1.1")
    assert text.count(">accepted</span>") == 5
    assert "1 attribute differs: SliceThickness" in text
    assert '/instances/1.2.826.0.1.1.1.3/thumbnail.png"' in text
    assert "No instances here." in get(full, "/series/1.2.826.0.1.1.1?first=5")
    get(full, "/series/9.9", 404)
    get(full, "/series/1.2.826.0.1.1.1?first=-1", 400)


def test_a_series_has_a_plot_and_an_image(full: Consoled) -> None:
    with full.client() as client:
        plot = client.get("/series/1.2.826.0.1.1.1/plot.svg")
        image = client.get("/instances/1.2.826.0.1.1.1.3/thumbnail.png")
        assert (plot.status_code, plot.headers["content-type"]) == (200, "image/svg+xml")
        assert (image.status_code, image.headers["content-type"]) == (200, "image/png")
        for one in (plot, image):
            assert one.headers["content-security-policy"].startswith("default-src 'none';")
            assert one.headers["cache-control"] == "no-store", "it may show a name, and others use the browser later"
        assert client.get("/series/9.9/plot.svg").status_code == 404
        assert client.get("/instances/9.9/thumbnail.png").status_code == 404


def test_an_object_without_a_picture_says_so(full: Consoled) -> None:
    full.send(1, 4, Rows=0)
    get(full, "/instances/1.2.826.0.1.4.1.1/thumbnail.png", 404)


def test_a_case_shows_both_sides(full: Consoled) -> None:
    receipt = full.refuse(2)
    text = get(full, f"/quarantine/{receipt}")
    assert "SliceThickness" in text
    assert "<mark>2.5</mark>" in text
    assert "<mark>9</mark>" in text
    assert "What to do" in text
    get(full, "/quarantine/0000000000000", 404)
    get(full, "/quarantine/nonsense", 404)


def test_quarantine_is_filtered(full: Consoled) -> None:
    for query, found in {
        "": True, "ae=CT1": True, "ae=NONE": False, "rule=DUP-004": True, "rule=dup": True, "rule=GEO": False,
        "series=1.2.826.0.1.3.1": True, "study=1.2.826.0.1.3": True, "study=9.9": False, "patient=P3": True,
        "patient=P999": False, "days=1": True, "state=dropped": False, "state=all": True, "before=0000000000001": False,
    }.items():  # fmt: skip
        assert ('href="/rules/DUP-004"' in get(full, f"/quarantine?{query}")) == found, query
    get(full, "/quarantine?state=nonsense", 400)
    for not_a_receipt in ("0", "O" * 13, "Z" * 13, "nonsense"):  # and not the first page once more
        text = get(full, f"/quarantine?before={not_a_receipt}", 400)
        assert "The address or the form is not as it should be." in text


def test_senders_and_rules_count(full: Consoled) -> None:
    assert "Maker Model" in get(full, "/senders")
    assert "/quarantine?ae=CT1" in get(full, "/senders")
    assert "CT1" in get(full, "/senders.csv")
    assert "Another object with this SOP Instance UID" in get(full, "/rules")
    get(full, "/rules/XXX-999", 404)


@pytest.mark.parametrize(
    ("serial", "software", "told"),
    [
        ("S7", ["V1"], '<br><small class="peer">serial S7 · software V1</small>'),
        (None, ["V1"], '<br><small class="peer">software V1</small>'),
        ("S7", [], '<br><small class="peer">serial S7</small>'),
        (None, [], None),
    ],
)
def test_a_scanner_is_told_with_what_it_says_of_itself(
    acting: Consoled, serial: str | None, software: list[str], told: str | None
) -> None:
    acting.send(1, DeviceSerialNumber=serial, SoftwareVersions=software)
    row = get(acting, "/senders").partition('<th class="full">')[2].partition("</th>")[0]
    assert row.partition("</span>")[2] == (told or "")


def test_a_series_of_which_all_was_refused_is_said_to_have_come(acting: Consoled) -> None:
    answer = acting.send(7, 3, PixelSpacing=["0", "0"])
    assert answer.verdict.status == Status.SPACING_NOT_POSITIVE
    text = get(acting, "/series/1.2.826.0.1.3.1")
    assert "Nothing of this series is stored" in text
    assert "1 object of it was refused (GEO-104 1), 1 is in quarantine." in text
    assert f'href="/quarantine/{as_text(answer.receipt)}"' in text
    assert "state=all" in text
    with acting.client() as client:
        told = client.get("/api/v1/series/1.2.826.0.1.3.1")
        assert client.get("/api/v1/series/9.9").status_code == told.status_code == 404
    assert "Nothing of it is stored; 1 object of it was refused" in told.text


def test_a_picture_claims_no_verdict_that_the_ledger_does_not_have(acting: Consoled) -> None:
    series = "/series/1.2.826.0.1.1.1"
    for number in range(1, 6):
        acting.send(number)
    acting.refuse(3)
    assert "Not judged yet." in get(acting, series)
    assert re.findall(">([a-z: ]*contradictory)<", get(acting, f"{series}/plot.svg")) == ["now: contradictory"]
    before = plot_of(get(acting, series))
    acting.node.watch.audit("1.2.826.0.1.1.1")
    assert "Not judged yet." not in get(acting, series)
    after = plot_of(get(acting, series))
    assert after != before
    assert re.findall(">([a-z: ]*contradictory)<", get(acting, after)) == ["contradictory"]


def plot_of(text: str) -> str:
    (address,) = re.findall(r'src="(/series/[^"]*/plot\.svg[^"]*)"', text)
    return unescape(address)


def test_assets_are_kept_for_ever_and_change_their_address(full: Consoled) -> None:
    with full.client() as client:
        for name in ("console.css", "console.js", "icon.svg"):
            response = client.get(asset(name))
            assert (response.status_code, "immutable" in response.headers["cache-control"]) == (200, True)
    get(full, "/static/000000000000/console.css", 404)
    get(full, asset("console.css").replace("console.css", "..%2f..%2fapp.py"), 404)


def test_assets_ask_nothing_of_the_internet() -> None:
    for path in Path("scp/console/static").iterdir():
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text
        assert "https:" not in text
        assert "//" not in text.replace("// ", "").replace("/**", "") or path.suffix == ".js"


# Acts


@pytest.fixture
def acting(tmp_path: Path) -> object:
    """A node of its own, and a browser."""
    with consoled(tmp_path) as one:
        yield one


def test_release_judges_again_and_says_what_is_still_wrong(acting: Consoled) -> None:
    receipt = acting.refuse()
    with acting.client() as client:
        response = client.post(f"/quarantine/{receipt}/release", data={"csrf": csrf(client)})
        assert response.status_code == 409
        assert "<b>Not done:" in response.text
        assert "1 attribute differs: SliceThickness" in response.text
        assert client.get(f"/api/v1/quarantine/{receipt}").json()["state"] == "held"


@pytest.mark.parametrize(
    ("act", "form", "outcome"),
    [
        ("replace", {"reason": "the second is right"}, "replaced"),
        ("drop", {"reason": "the first is right"}, "dropped"),
    ],
)
def test_acts_are_done_with_a_reason_and_written(
    acting: Consoled, act: str, form: dict[str, str], outcome: str
) -> None:
    receipt = acting.refuse()
    with acting.client() as client:
        token = {"csrf": csrf(client)}
        assert "Say why" in client.post(f"/quarantine/{receipt}/{act}", data=token).text
        response = client.post(f"/quarantine/{receipt}/{act}", data=token | form)
        assert (response.status_code, response.headers["location"]) == (303, f"/quarantine/{receipt}?done={outcome}")
        page = client.get(response.headers["location"]).text
        assert f"Done: {outcome}." in page
        assert "console:local" in page
        assert form["reason"] in page
        assert f"/{act}" not in page.partition("<main")[2]


def test_what_is_no_contradiction_any_more_is_released(acting: Consoled) -> None:
    receipt = acting.refuse()
    with acting.client() as client:
        token = {"csrf": csrf(client)}
        other = acting.refuse(2, study=1)
        assert client.post(f"/quarantine/{receipt}/replace", data=token | {"reason": "x"}).status_code == 303
        response = client.post("/quarantine", data=token | {"act": "release", "receipt": [receipt, other, "nonsense"]})
        assert "0 of 3 done" in response.text
        response = client.post("/quarantine", data=token | {"act": "drop", "reason": "r", "receipt": [other]})
        assert "1 of 1 done" in response.text
        assert client.get("/quarantine?state=dropped").text.count("/quarantine/" + other) == 1


@pytest.mark.parametrize(
    "form", [{"act": "release"}, {"act": "drop", "receipt": "x"}, {"act": "burn", "receipt": "x"}, {"receipt": "x"}]
)
def test_acts_on_several_need_something_to_act_on(acting: Consoled, form: dict[str, str]) -> None:
    with acting.client() as client:
        assert client.post("/quarantine", data={"csrf": csrf(client)} | form).status_code == 400


def test_forms_that_are_none_are_refused(acting: Consoled) -> None:
    with acting.client() as client:
        assert client.post("/login", content=b"name=x", headers={"content-type": "text/plain"}).status_code == 415
        form = {"content-type": "application/x-www-form-urlencoded"}
        assert client.post("/login", content=b"name=\xff", headers=form).status_code == 400
        assert client.post("/login", content=b"&a=" * 400, headers=form).status_code == 400


def test_a_ledger_that_takes_too_long_costs_a_page_only(acting: Consoled, monkeypatch: pytest.MonkeyPatch) -> None:
    acting.refuse()
    monkeypatch.setattr("scp.console.readers._STEPS", 1)
    monkeypatch.setattr("scp.console.readers.Readers._deadline", lambda _: 0.0)
    with acting.client() as client:
        assert client.get("/series").status_code == 503
        assert "took too long" in client.get("/api/v1/series").json()["detail"]
        assert client.get("/readyz").status_code == 503
        monkeypatch.undo()
        assert client.get("/series").status_code == 200
        assert client.get("/readyz").status_code == 200
