"""SVG: well formed, complete, and dark where the reader's screen is."""

from xml.etree import ElementTree as ET

from scp.plot.picture import picture
from scp.plot.scene import Box, Dots, Ink, Line, Ring, Scene, Text
from scp.plot.svg import svg
from tests.rules.series import slices, without
from tests.unit.plot.audits import audited, texts

NAMESPACE = "{http://www.w3.org/2000/svg}"


def test_a_picture_is_well_formed_and_has_all_of_its_texts() -> None:
    scene = picture(audited(without(slices(20), 7)))
    root = ET.fromstring(svg(scene))
    assert [one.text for one in root.iter(f"{NAMESPACE}text")] == texts(scene)
    assert root.findtext(f"{NAMESPACE}title") == "CT, 19 instances: attention"
    assert "1 slice missing" in (root.findtext(f"{NAMESPACE}desc") or "")


def test_nothing_is_loaded_and_nothing_is_run() -> None:
    written = svg(picture(audited(slices(5))))
    assert "script" not in written
    assert "href" not in written
    assert written.count("http") == 1


def test_there_are_colours_for_light_and_for_dark() -> None:
    written = svg(Scene(10, 10, (), "", ""))
    assert written.index(".f-paper { fill: #ffffff; }") < written.index("@media (prefers-color-scheme: dark)")
    assert ".f-paper { fill: #12161c; }" in written


def test_text_cannot_become_markup() -> None:
    scene = Scene(10, 10, (Text(1, 2, '<b> & "x"'), Ring((1, 1), 2, Ink.TROUBLE, "<title>")), "<&>", "<&>")
    root = ET.fromstring(svg(scene))
    assert [one.text for one in root.iter(f"{NAMESPACE}text")] == ['<b> & "x"']


def test_what_no_document_can_hold_is_written_as_an_escape() -> None:
    root = ET.fromstring(svg(picture(audited(slices(5), modality="C\x01T\x1b"))))
    assert root.findtext(f"{NAMESPACE}title") == r"C\x01T\x1b, 5 instances: consistent"
    assert r"C\x01T\x1b series" in [one.text for one in root.iter(f"{NAMESPACE}text")]


def test_each_sort_of_shape_is_written() -> None:
    scene = Scene(
        100, 50,
        (
            Text(5, 10, "up", anchor="end", bold=True, upwards=True),
            Line((0, 1), (2, 3), Ink.GRID, dashed=True),
            Box(1, 2, 3, 4.25, Ink.CALM, "a box"),
            Dots(((1, 2), (3, 4)), 1.5, Ink.MARK),
            Ring((5, 6), 7, Ink.TROUBLE),
        ),
        "t", "s",
    )  # fmt: skip
    written = svg(scene)
    assert '<text class="f-text" x="5" y="10" font-size="12" text-anchor="end" font-weight="600"' in written
    assert 'transform="rotate(-90 5 10)"' in written
    assert 'x2="2" y2="3" stroke-width="1" stroke-dasharray="4 3"' in written
    assert 'width="3" height="4.2"><title>a box</title></rect>' in written
    assert 'stroke-width="3" d="M1 2h0M3 4h0"' in written
    assert '<circle class="ring s-trouble" cx="5" cy="6" r="7"/>' in written
