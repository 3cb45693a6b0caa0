"""The page of a case: both sides as they are, what refused the object first, and what to do about that."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from scp.audit.catalogue import find
from scp.console.views.case import advice, by_weight, decisive, sides
from scp.dicom.status import Status
from scp.ids import as_text
from tests.unit.console.consoles import Consoled, consoled, csrf

FIRST = "1.2.826.0.1.1.1.1"
COPY = "1.2.826.0.1.1.1.99"
NUMBER, UID, POSITION = "(0020,0013) InstanceNumber", "(0008,0018) SOPInstanceUID", "(0020,0032) ImagePositionPatient"
SYNTAXES = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"


@pytest.fixture
def node(tmp_path: Path) -> object:
    """A node of its own."""
    with consoled(tmp_path) as one:
        yield one


def copied(node: Consoled, **changes: Any) -> str:
    """Have a copy of a slice under another UID refused, and return its receipt."""
    node.send(1)
    answer = node.send(1, **({"SOPInstanceUID": COPY} | changes))
    assert answer.verdict.status == Status.INSTANCE_NUMBER_REPEATED_IN_STACK
    return as_text(answer.receipt)


def page_of(node: Consoled, path: str) -> str:
    with node.client() as client:
        response = client.get(path)
    assert response.status_code == 200
    return response.text


def box(text: str, code: str) -> dict[str, list[dict[str, str]]]:
    """Return the rows of a finding's table by attribute, each with its cells by their labels."""
    (section,) = [one for one in text.split("<section")[1:] if f'<header><a class="code" href="/rules/{code}"' in one]
    rows: dict[str, list[dict[str, str]]] = {}
    for row in re.findall(r"<tr><th scope=\"row\">(.*?)</tr>", section, re.DOTALL):
        name = re.sub("<small>.*", "", row.partition("</th>")[0])
        cells = re.findall(r'<td data-label="([^"]*)">(.*?)</td>', row, re.DOTALL)
        rows.setdefault(name, []).append({label: unescape(re.sub("<[^>]*>", "", cell)) for label, cell in cells})
    return rows


def finding(expected: Any = None, found: Any = None, tags: tuple[str, ...] = (NUMBER,), **more: Any) -> dict[str, Any]:
    return {
        "code": "NUM-004", "severity": "refuse", "status": "C024", "message": "", "expected": expected, "found": found,
        "tags": list(tags), "other": {"receipt": "1"},
    } | more  # fmt: skip


# Both sides


def test_a_plain_value_stands_beside_that_of_the_other_instance_and_stays_where_it_was(node: Consoled) -> None:
    receipt = copied(node)
    text = page_of(node, f"/quarantine/{receipt}")
    assert box(text, "NUM-004") == {"InstanceNumber": [{"Stored": "1", "Received": "1"}]}
    assert box(text, "DUP-007") == {"SOPInstanceUID": [{"Stored": FIRST, "Received": COPY}]}
    with node.client() as client:
        form = {"csrf": csrf(client), "force": "1", "reason": "it is another image"}
        assert client.post(f"/quarantine/{receipt}/release", data=form).status_code == 303
    text = page_of(node, f"/quarantine/{receipt}")
    assert box(text, "NUM-004") == {"InstanceNumber": [{"Received": "1"}]}
    assert box(text, "DUP-007") == {"SOPInstanceUID": [{"Stored": FIRST, "Received": COPY}]}


def test_what_would_be_right_is_never_absent(node: Consoled) -> None:
    text = page_of(node, f"/quarantine/{copied(node, FrameOfReferenceUID=None)}")
    assert box(text, "GEO-108") == {"FrameOfReferenceUID": [{"Right would be": "a UID", "Received": "absent"}]}
    answer = node.send(2, 2, Modality=None)
    text = page_of(node, f"/quarantine/{as_text(answer.receipt)}")
    assert box(text, "REQ-001") == {"Modality": [{"Received": "absent"}]}


@pytest.mark.parametrize(
    ("one", "rows"),
    [
        (finding(), ()),
        (finding({NUMBER: "1"}, 2), ((NUMBER, "1", "2"),)),
        (finding(0, {NUMBER: None}), ((NUMBER, "0", None),)),
        (finding("at least 1", None, other=None), ((NUMBER, "at least 1", ""),)),
        (finding(None, 0.5), ((NUMBER, "", "0.5"),)),
        (finding([1, 2], [1, 3]), ((NUMBER, "1\\2", "1\\3"),)),
        (finding([1.0, 2.0], [0.5, -2.0]), ((NUMBER, "1\\2", "0.5\\-2"),)),
        (finding([1, 2], [1, 3], ("a", "b")), (("a", "1", "1"), ("b", "2", "3"))),
        (finding(None, [1, 3], ("a", "b")), (("a", "", "1"), ("b", "", "3"))),
        (finding("neither", ["x", "y"], ("a", "b")), (("a", "neither", "x\\y"),)),
        (finding({"a": None, "b": [1, 2]}, {"b": [1, None]}), (("a", None, ""), ("b", "1\\2", "1\\None"))),
        (finding({"a": None}, {"a": "x"}, other=None), (("a", "", "x"),)),
        (finding(FIRST, COPY, (UID, NUMBER, POSITION)), ((UID, FIRST, COPY),)),
        (finding(*SYNTAXES, (UID,)), (("TransferSyntaxUID", *SYNTAXES),)),
        (
            finding("1.2", {"(0000,1000) AffectedSOPInstanceUID": None, UID: "x"}, ("(0000,1000) A", UID), other=None),
            ((UID, "1.2", "x"),),
        ),
        (finding("1.2", "1.3", ("(0000,0002) C",)), (("(0000,0002) C", "1.2", "1.3"),)),
        (finding(None, "x", ()), (("", "", "x"),)),
    ],
)  # fmt: skip
def test_values_of_every_kind_have_a_name_and_a_side(one: dict[str, Any], rows: tuple[Any, ...]) -> None:
    assert sides(one) == rows


# What refused it


def test_what_refused_it_comes_first_and_says_what_to_do(node: Consoled) -> None:
    text = page_of(node, f"/quarantine/{copied(node, FrameOfReferenceUID=None)}")
    codes = re.findall(r'<header><a class="code" href="/rules/([A-Z0-9-]+)"', text)
    assert codes[0] == "NUM-004"
    assert codes.index("DUP-007") < codes.index("GEO-108")
    assert "<h1>NUM-004 " in text
    todo = text.partition("<h2>What to do</h2>")[2].partition("</section>")[0]
    assert 'href="/rules/NUM-004"' in todo
    rule = find("NUM-004")
    assert rule
    assert dict(rule.sections)["What to do"] in unescape(todo)


def test_of_several_that_refuse_the_one_that_gave_the_status_counts() -> None:
    note, warning = finding(code="GEO-108", severity="info"), finding(code="DUP-007", severity="warn", status="C116")
    first, second = finding(code="ENT-202", status="C132"), finding()
    case = {"receipt": {"status": "C024"}, "findings": [note, warning, first, second]}
    assert by_weight(case) == (second, first, warning, note)
    assert decisive(case) is second
    assert decisive(case | {"receipt": {"status": None}}) is first
    assert decisive(case | {"findings": [note, warning]}) is None
    assert advice(None) == advice({"code": "XXX-999"}) == ""


def test_what_is_only_noted_is_no_reason_to_stay(node: Consoled) -> None:
    receipt = copied(node, FrameOfReferenceUID=None)
    with node.client() as client:
        token = {"csrf": csrf(client)}
        refused = client.post(f"/quarantine/{receipt}/release", data=token).text.partition("<b>Not done:")[2]
        several = client.post("/quarantine", data=token | {"act": "release", "receipt": [receipt]}).text
    for told in (refused.partition("</div>")[0], several):
        assert re.findall(r"/rules/([A-Z]+-[0-9]+)", told) == ["NUM-004"]


# What a person decided otherwise


def test_what_another_object_replaced_was_stored_first_and_is_not_said_to_be_refused(node: Consoled) -> None:
    accepted = as_text(node.send(1).receipt)
    came = node.send(1, SliceThickness="9")
    with node.client() as client:
        form = {"csrf": csrf(client), "reason": "the scanner sent it again, corrected"}
        assert client.post(f"/quarantine/{as_text(came.receipt)}/replace", data=form).status_code == 303
    text = page_of(node, f"/quarantine/{accepted}")
    assert "<h1>Stored first, then replaced by another object</h1>" in text
    assert "the request itself was wrong" not in text
    series = "/series/1.2.826.0.1.1.1"
    for path in ("/quarantine", "/", series):
        row = page_of(node, path).partition(f'href="/quarantine/{accepted}">')[2].partition("</a>")[0]
        assert row == ("" if path == series else "Stored first, then replaced by another object")
    with node.client() as client:
        form = {"csrf": csrf(client), "reason": "it was right before"}
        assert client.post(f"/quarantine/{accepted}/replace", data=form).status_code == 303
    assert "<h1>Stored</h1>" in page_of(node, f"/quarantine/{accepted}")
    assert "<h1>Stored first, then replaced" in page_of(node, f"/quarantine/{as_text(came.receipt)}")


def test_what_refuses_an_instance_that_is_stored_by_force_is_no_warning(node: Consoled) -> None:
    receipt = copied(node, InstanceNumber="1", ImagePositionPatient=["0", "0", "77"])
    with node.client() as client:
        form = {"csrf": csrf(client), "force": "1", "reason": "it is another image"}
        assert client.post(f"/quarantine/{receipt}/release", data=form).status_code == 303
        listed = client.get("/api/v1/series/1.2.826.0.1.1.1/instances").json()
    (forced,) = [one for one in listed if one["receipt"] == receipt]
    assert forced["overruled"] == ["NUM-004"]
    assert "NUM-004" not in forced["codes"]
    text = page_of(node, "/series/1.2.826.0.1.1.1")
    assert "<th>Warnings</th>" not in text
    cells = re.findall(r'<td data-label="Findings">(.*?)</td>', text)
    told = [" ".join(re.sub("<[^>]*>", " ", cell).split()) for cell in cells]
    assert sorted(told) == ["", "NUM-004 overruled"]


# What was damaged


def test_a_damaged_case_is_told_on_its_page_and_what_the_ledger_has_is_shown(node: Consoled) -> None:
    receipt = node.refuse()
    (file,) = node.node.store.folder.glob(f"quarantine/*/{receipt}.json")
    file.write_bytes(file.read_bytes().replace(b'"port": ', b'"port": -'))
    problem = f"{file.relative_to(node.node.store.folder)}: association.port: expected a whole number from 0 to 65535, "
    text = page_of(node, f"/quarantine/{receipt}")
    assert "<b>The case is damaged.</b>" in text
    assert problem in unescape(text)
    assert "DUP-004" in text
    with node.client() as client:
        document = client.get(f"/api/v1/quarantine/{receipt}").json()
        assert document["problem"].startswith(problem)
        assert (document["personal"], document["receipt"]["id"]) == (False, receipt)
        refused = client.post(f"/quarantine/{receipt}/release", data={"csrf": csrf(client)})
        assert (refused.status_code, problem in unescape(refused.text)) == (409, True)
