"""STK: what the slices of one stack contradict each other in."""

import random
from collections.abc import Callable
from math import cos, sin
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import PositronEmissionTomographyImageStorage, UltrasoundImageStorage

from scp.audit.finding import Answer, Finding, Problem, Severity
from scp.audit.rule import Subject
from scp.audit.rules.stk import RULES
from scp.audit.snapshot import Snapshot
from scp.dicom import tags as t
from scp.dicom.sop_classes import PLANES
from scp.dicom.status import Status
from tests.corpus import SERIES, Series
from tests.rules.arrivals import arrivals, subjects_of
from tests.rules.builders import Case, after, fires, image, mr_image, outcome_of, quiet, subject

PET = PositronEmissionTomographyImageStorage
AXIAL = ["1", "0", "0", "0", "1", "0"]
OTHER_STUDY: dict[str, Any] = {"StudyInstanceUID": "1.2.826.0.1.2"}


def row(
    code: str, what: str, first: dict[str, Any], second: dict[str, Any], case: str | None = None, beside: str = ""
) -> Any:
    """An entry: a CT slice comes after another of its stack; with a case the rule fires.

    Without one it is quiet, on what is nearly the case ``beside``.
    """
    entry = quiet if case is None else fires
    return entry(
        code, what.replace(" ", "-"), lambda: subject(image(**second)), beside if case is None else case,
        snapshot=lambda: after(subject(image(**first))),
    )  # fmt: skip


def beside(code: str, what: str, first: dict[str, Any], second: dict[str, Any], case: str | None) -> Any:
    """An entry: a reformat comes after one that is parallel to it, of a series that begins with axial ones."""
    entry = quiet if case is None else fires
    return entry(
        code, what.replace(" ", "-"), lambda: subject(image(**second)), "reformats" if case is None else case,
        snapshot=lambda: after(subject(image(**REFORMAT)), subject(image(**first))),
    )  # fmt: skip


def turned(angle: float) -> list[str]:
    """Direction cosines, turned about the row by so many radians."""
    return ["1", "0", "0", "0", f"{cos(angle):.9f}", f"{sin(angle):.9f}"]


def mr(orientation: list[str], **changes: Any) -> Callable[[], Subject]:
    return lambda: subject(mr_image(ImageOrientationPatient=orientation, **changes))


def tilted(stated: str, angle: float, **changes: Any) -> dict[str, Any]:
    """A slice with so many radians between it and the table's cross section, and the tilt that it states in degrees."""
    return {"ImageOrientationPatient": turned(angle), "GantryDetectorTilt": stated} | changes


PET_SLICE: dict[str, Any] = {"SOPClassUID": PET}
SCOUT: dict[str, Any] = {
    "ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"], "ImageOrientationPatient": ["1", "0", "0", "0", "0", "-1"],
}  # fmt: skip
FROM_THE_SIDE: dict[str, Any] = SCOUT | {"ImageOrientationPatient": ["0", "1", "0", "0", "0", "-1"]}
PROJECTION: dict[str, Any] = {"ImageType": ["DERIVED", "SECONDARY", "MIP"]}
REFORMAT: dict[str, Any] = {"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"]}
PLAIN: dict[str, Any] = {"ImageType": ["DERIVED", "SECONDARY"]}
DERIVED_AXIAL: dict[str, Any] = {"ImageType": ["DERIVED", "SECONDARY", "AXIAL"]}
SOM5: dict[str, Any] = {"ImageType": ["DERIVED", "SECONDARY", "AXIAL", "CT_SOM5 MPR"]}
THICK: dict[str, Any] = {"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED", "MIP"]}
CORONAL: dict[str, Any] = {"ImageOrientationPatient": ["1", "0", "0", "0", "0", "-1"]}
LARGER: dict[str, Any] = {"Rows": 5}
PLACED: dict[str, Any] = {
    "ImageOrientationPatient": AXIAL, "ImagePositionPatient": ["0", "0", "10"], "PixelSpacing": ["0.5", "0.5"],
}  # fmt: skip
NOWHERE: dict[str, Any] = dict.fromkeys(PLACED)
PAGE: dict[str, Any] = NOWHERE | {"ImageType": ["DERIVED", "SECONDARY"]}
HEAD: dict[str, Any] = {"ReconstructionDiameter": "2"}
WIDER: dict[str, Any] = {"PixelSpacing": ["0.6", "0.6"], "ReconstructionDiameter": "2.4"}
COARSER: dict[str, Any] = {"PixelSpacing": ["1", "1"]}

CASES = [
    row("STK-251", "other rows", {}, {"Rows": 5}, ""),
    row("STK-251", "other columns", {}, {"Columns": 3}, ""),
    row("STK-251", "pet", PET_SLICE, PET_SLICE | {"Rows": 5}, ""),
    row("STK-251", "the same", {}, {}),
    row("STK-251", "no rows before", {"Rows": None}, {}),
    row("STK-251", "no columns before", {"Columns": None}, {}),
    row("STK-251", "no rows now", {}, {"Rows": None}),
    row("STK-251", "several rows now", {}, {"Rows": [4, 5]}),
    row("STK-251", "two pages", PAGE, PAGE | {"Rows": 5}),
    row("STK-251", "a slice after a page", PAGE, PAGE | PLACED | {"Rows": 5}),
    row("STK-251", "two slices without a plane", NOWHERE, NOWHERE | {"Rows": 5}, ""),
    row("STK-251", "another study", {}, OTHER_STUDY | {"Rows": 5}),
    quiet("STK-251", "first-of-its-stack", lambda: subject(image())),
    quiet("STK-251", "ultrasound", lambda: subject(image(SOPClassUID=UltrasoundImageStorage, Rows=5)),
          snapshot=lambda: after(subject(image(SOPClassUID=UltrasoundImageStorage)))),
    row("STK-251", "scouts of two directions", SCOUT, FROM_THE_SIDE | LARGER, beside="planes"),
    row("STK-251", "projections of one direction", PROJECTION, PROJECTION | LARGER, ""),
    row("STK-251", "projections of two", PROJECTION, PROJECTION | LARGER | tilted("0", 1), ""),
    row("STK-251", "projections from above and from the front", PROJECTION, PROJECTION | LARGER | CORONAL, "planes"),
    row("STK-251", "projections from above and nearly from the front", PROJECTION,
        PROJECTION | LARGER | tilted("0", 1.55), ""),
    row("STK-251", "first coronal reformat", REFORMAT, REFORMAT | CORONAL | LARGER, "reformats"),
    row("STK-251", "first coronal slice that is derived somehow", PLAIN, PLAIN | CORONAL | LARGER, "planes"),
    row("STK-251", "coronal slice among axial ones", DERIVED_AXIAL, DERIVED_AXIAL | CORONAL | LARGER, ""),
    row("STK-251", "first coronal slice that says axial and reformatted", SOM5, SOM5 | CORONAL | LARGER, "reformats"),
    row("STK-251", "first coronal thick slice", THICK, THICK | CORONAL | LARGER, "planes"),
    row("STK-251", "another axial reformat", REFORMAT, REFORMAT | LARGER, ""),
    row("STK-251", "reformat that is hardly turned", REFORMAT, REFORMAT | LARGER | tilted("0", 0.008), ""),
    beside("STK-251", "next coronal reformat", REFORMAT | CORONAL | LARGER, REFORMAT | CORONAL | LARGER, None),
    beside("STK-251", "coronal reformat cut off", REFORMAT | CORONAL | LARGER, REFORMAT | CORONAL | {"Rows": 3}, ""),
    beside("STK-251", "coronal reformat of axial size", REFORMAT | CORONAL | LARGER, REFORMAT | CORONAL, ""),
    row("STK-251", "another tilt", tilted("10", 0.1745), tilted("-20", 0.3491) | LARGER, "planes"),
    row("STK-251", "same tilt", tilted("10", 0.1745), tilted("10", 0.1745) | LARGER, ""),
    row("STK-251", "another plane", {}, LARGER | {"ImageOrientationPatient": turned(1)}, ""),
    row("STK-251", "orientation unknown", {}, LARGER | {"ImageOrientationPatient": None}, ""),
    fires("STK-251", "localizer-of-mr", mr(turned(1), **LARGER), "planes", snapshot=lambda: after(mr(AXIAL)())),
    quiet("STK-251", "next-localizer-of-that-plane", mr(turned(1), **LARGER), "planes",
          snapshot=lambda: after(mr(AXIAL)(), mr(turned(1), **LARGER)())),
    fires("STK-251", "localizer-cut-off", mr(turned(1), Rows=3), "planes",
          snapshot=lambda: after(mr(AXIAL)(), mr(turned(1), **LARGER)())),
    fires("STK-251", "mr-a-little-off", mr(turned(0.008), **LARGER), snapshot=lambda: after(mr(AXIAL)())),
    fires("STK-251", "projections-of-mr", mr(turned(1), **PROJECTION, **LARGER),
          snapshot=lambda: after(mr(AXIAL, **PROJECTION)())),
    row("STK-252", "scouts of two directions", SCOUT, FROM_THE_SIDE | COARSER, beside="planes"),
    row("STK-252", "projections of two", PROJECTION, PROJECTION | COARSER | tilted("0", 1), ""),
    row("STK-252", "projections from above and from the front", PROJECTION, PROJECTION | COARSER | CORONAL, "planes"),
    row("STK-252", "first coronal reformat", REFORMAT, REFORMAT | CORONAL | COARSER, "reformats"),
    row("STK-252", "another axial reformat", REFORMAT, REFORMAT | COARSER, ""),
    beside("STK-252", "next coronal reformat", REFORMAT | CORONAL | COARSER, REFORMAT | CORONAL | COARSER, None),
    beside("STK-252", "coronal reformat of axial size", REFORMAT | CORONAL | COARSER, REFORMAT | CORONAL, ""),
    fires("STK-252", "localizer-of-mr", mr(turned(1), **COARSER), "planes", snapshot=lambda: after(mr(AXIAL)())),
    fires("STK-252", "mr-a-little-off", mr(turned(0.008), **COARSER), snapshot=lambda: after(mr(AXIAL)())),
    row("STK-252", "head in two groups", HEAD, WIDER, "field"),
    row("STK-252", "head whose lines are fewer", HEAD | {"Rows": 3}, WIDER | {"Rows": 3}, "field"),
    row("STK-252", "two groups of one width", HEAD, HEAD, beside="field"),
    row("STK-252", "another diameter is stated", HEAD, WIDER | {"ReconstructionDiameter": "2"}, ""),
    row("STK-252", "several diameters are stated", HEAD, WIDER | {"ReconstructionDiameter": ["2.4", "2"]}, ""),
    row("STK-252", "no matrix", HEAD, WIDER | {"Rows": None, "Columns": None}, ""),
    row("STK-252", "a derived head", PROJECTION, PROJECTION | WIDER, ""),
    row("STK-252", "pet in two groups", PET_SLICE, PET_SLICE | WIDER, ""),
    row("STK-252", "rows", {}, {"PixelSpacing": ["0.5006", "0.5"]}, ""),
    row("STK-252", "columns", {}, {"PixelSpacing": ["0.5", "0.4994"]}, ""),
    row("STK-252", "just within", {}, {"PixelSpacing": ["0.5004", "0.4996"]}),
    row("STK-252", "the same written otherwise", {}, {"PixelSpacing": ["0.50", "5e-1"]}),
    row("STK-252", "none before", {"PixelSpacing": None}, {}),
    row("STK-252", "none now", {}, {"PixelSpacing": None}),
    row("STK-252", "one number now", {}, {"PixelSpacing": ["0.6"]}),
    row("STK-252", "zero now", {}, {"PixelSpacing": ["0", "0.5"]}),
    row("STK-252", "negative before", {"PixelSpacing": ["-0.5", "0.5"]}, {}),
    row("STK-252", "another study", {}, OTHER_STUDY | {"PixelSpacing": ["0.6", "0.6"]}),
    quiet("STK-252", "first-of-its-stack", lambda: subject(image())),
    row("STK-253", "other plane", {}, {"ImageOrientationPatient": ["0", "1", "0", "0", "0", "-1"]}, ""),
    row("STK-253", "just beyond", {}, {"ImageOrientationPatient": turned(0.00101)}, ""),
    row("STK-253", "just within", {}, {"ImageOrientationPatient": turned(0.00099)}),
    row("STK-253", "pet", PET_SLICE, PET_SLICE | {"ImageOrientationPatient": turned(0.1)}, ""),
    row("STK-253", "none before", {"ImageOrientationPatient": None}, {}),
    row("STK-253", "none now", {}, {"ImageOrientationPatient": None}),
    row("STK-253", "zeros before", {"ImageOrientationPatient": ["0"] * 6}, {}),
    row("STK-253", "zeros now", {}, {"ImageOrientationPatient": ["0"] * 6}),
    row("STK-253", "three numbers now", {}, {"ImageOrientationPatient": ["0", "1", "0"]}),
    row("STK-253", "another study", {}, OTHER_STUDY | {"ImageOrientationPatient": turned(1)}),
    quiet("STK-253", "first-of-its-stack", lambda: subject(image())),
    row("STK-253", "scouts of two directions", SCOUT, FROM_THE_SIDE),
    row("STK-253", "projections of one direction", PROJECTION, PROJECTION, beside="derived"),
    row("STK-253", "one tilt", tilted("10", 0.1745), tilted("10", 0.1745), beside="tilt"),
    row("STK-253", "rotating projections", PROJECTION, PROJECTION | {"ImageOrientationPatient": turned(1)}, "derived"),
    row("STK-253", "rotating projections of pet", PET_SLICE | PROJECTION,
        PET_SLICE | PROJECTION | {"ImageOrientationPatient": turned(1)}, "derived"),
    row("STK-253", "discs of a spine", tilted("-10", 0.1745), tilted("20.0", -0.3491), "tilt"),
    row("STK-253", "from a tilt to none", tilted("-10", 0.1745), tilted("0", 0), "tilt"),
    row("STK-253", "another tilt is stated", tilted("-10", 0.1745), tilted("20.6", -0.3491), ""),
    row("STK-253", "no tilt is stated", tilted("-10", 0.1745), {"ImageOrientationPatient": turned(0.3491)}, ""),
    row("STK-253", "upside down", tilted("0", 0), tilted("0", 3.14159265), ""),
    row("STK-253", "less than a tilt", {}, tilted("0", 0.0035), ""),
    row("STK-253", "tilt of pet", PET_SLICE, PET_SLICE | tilted("10", 0.1745), ""),
    row("STK-253", "tilted and turned", {},
        tilted("10", 0, ImageOrientationPatient=["0.8", "0.6", "0", "-0.6", "0.8", "0"]), ""),
    fires("STK-253", "localizer", mr(turned(1)), "mr", snapshot=lambda: after(mr(AXIAL)())),
    quiet("STK-253", "mr-just-within", mr(turned(0.00099)), "mr", snapshot=lambda: after(mr(AXIAL)())),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_rule_fires_on_its_problem_and_on_nothing_else(case: Case) -> None:
    outcome = outcome_of(RULES, case)

    assert isinstance(outcome, Problem) is case.fires
    if isinstance(outcome, Problem):
        assert outcome.case == case.case
        assert outcome.other == case.snapshot().neighbours[0].other
        assert len(f"{case.code} {outcome.message}") <= 64


def found_by(code: str, second: dict[str, Any], snapshot: Snapshot) -> Problem:
    outcome = outcome_of(RULES, Case(code, "", True, lambda: subject(image(**second)), lambda: snapshot))
    assert isinstance(outcome, Problem)
    return outcome


def test_two_spacings_fit_into_the_comment_whole() -> None:
    first = after(subject(image(PixelSpacing=["0.9765625", "0.9765625"])))
    found = found_by("STK-252", {"PixelSpacing": ["0.48828125", "0.48828125"]}, first)
    comment = Finding("STK-252", Severity.REFUSE, Status.PIXEL_SPACING_DIFFERS, found).comment
    assert comment == "STK-252 Pixel Spacing 0.48828 mm, the stack has 0.97656"


def test_a_finding_holds_both_sides() -> None:
    first = after(subject(image()))
    matrix = found_by("STK-251", {"Rows": 5}, first)
    assert (matrix.message, matrix.tags) == ("5 x 4 pixels, the stack has 4 x 4", (t.ROWS, t.COLUMNS))
    assert (matrix.expected, matrix.found) == ((4, 4), (5, 4))
    spacing = found_by("STK-252", {"PixelSpacing": ["0.6", "0.5"]}, first)
    assert spacing.message == "Pixel Spacing 0.6 x 0.5 mm, the stack has 0.5"
    assert (spacing.expected, spacing.found) == ((0.5, 0.5), (0.6, 0.5))
    turn = found_by("STK-253", {"ImageOrientationPatient": ["1", "0", "0", "0", "0.8", "0.6"]}, first)
    assert turn.message == "a direction cosine is off by 0.6 in the stack"
    assert turn.found == (1, 0, 0, 0, 0.8, 0.6)
    assert turn.expected == (1, 0, 0, 0, 1, 0)


def test_without_a_stack_the_rules_do_not_apply() -> None:
    """Nor do they where only the other of the two stack references is known."""
    known = after(subject(image()))
    judged = subject(image(Rows=5, PixelSpacing=["1", "1"], ImageOrientationPatient=turned(1)))
    without_stack = Snapshot(series=known.series, acquisition=known.acquisition)
    without_acquisition = Snapshot(series=known.series, stack=known.stack)
    matrix, spacing, orientation = (rule.pairwise for rule in RULES)
    assert matrix
    assert spacing
    assert orientation
    assert matrix(judged, without_stack) is spacing(judged, without_stack) is Answer.NOT_APPLICABLE
    assert orientation(judged, without_acquisition) is Answer.NOT_APPLICABLE


@given(
    spacing=st.floats(0.01, 100), off=st.floats(-0.005, 0.005).filter(lambda off: abs(abs(off) - 0.001) > 1e-9),
)  # fmt: skip
def test_spacing_may_be_off_by_a_thousandth_whatever_it_is(spacing: float, off: float) -> None:
    first = subject(image(PixelSpacing=[f"{spacing:.12g}"] * 2))
    second = subject(image(PixelSpacing=[f"{spacing:.12g}", f"{spacing * (1 + off):.12g}"]))
    outcome = RULES[1].pairwise and RULES[1].pairwise(second, after(first))
    assert isinstance(outcome, Problem) is (abs(off) > 0.001)


def test_severities_and_statuses_are_those_of_the_catalogue() -> None:
    refuse, warn, info = Severity.REFUSE, Severity.WARN, Severity.INFO
    grades = {(rule.code, case): tuple(rule.grade(case)) for rule in RULES for case in rule.grades}
    assert grades == {
        ("STK-251", ""): (refuse, refuse), ("STK-252", ""): (refuse, refuse), ("STK-253", ""): (refuse, refuse),
        ("STK-251", "planes"): (warn, refuse), ("STK-252", "planes"): (warn, refuse),
        ("STK-252", "field"): (warn, refuse),
        ("STK-251", "reformats"): (info, warn), ("STK-252", "reformats"): (info, warn),
        ("STK-253", "derived"): (info, warn), ("STK-253", "tilt"): (info, warn),
        ("STK-253", "mr"): (info, warn),
    }  # fmt: skip
    assert [rule.status("") for rule in RULES] == [
        Status.MATRIX_DIFFERS, Status.PIXEL_SPACING_DIFFERS, Status.ORIENTATION_DIFFERS,
    ]  # fmt: skip
    assert all(rule.kinds == PLANES for rule in RULES)


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.folder)
def test_a_real_series_is_told_at_most_that_mr_has_several_orientations(series: Series) -> None:
    subjects = subjects_of(series.paths)
    assert len(subjects) == series.files
    found = set()
    for order in (subjects, subjects[::-1], random.Random(series.folder).sample(subjects, len(subjects))):
        for judged, snapshot in arrivals(order):
            for rule in RULES:
                outcome = rule.pairwise and rule.pairwise(judged, snapshot)
                if isinstance(outcome, Problem):
                    found.add((rule.code, outcome.case))
    several = series.folder in ("mr_loc_ge_3plane", "mr_mip_rotating_philips")
    assert found == ({("STK-253", "mr")} if several else set())
