"""The proof itself, in small: what is planted is found, what is clean is left alone, and what is wrong is told."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from pydicom import dcmread

from scp.audit.finding import Severity
from scp.audit.policy import Profile
from tests.accuracy.arrival import Order, in_orders
from tests.accuracy.catalogue import DEFECTS
from tests.accuracy.copies import copy_of, decimal, setting
from tests.accuracy.known import FLAWS, default_folders
from tests.accuracy.report import CleanSeries, Report, markdown
from tests.accuracy.rows import rows_of
from tests.accuracy.run import Request, run
from tests.accuracy.sources import Series, series_in
from tests.accuracy.trial import Trial, attempt, clean, severity_of
from tests.accuracy.wire import Sampled
from tests.wire.node import environment
from tests.wire.objects import ct, write_file

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom.*")

ROOT = Path(__file__).parents[2]
STANDARD = Profile.STANDARD


def made(folder: Path, *numbers: int) -> Path:
    """Write slices of a CT series into a folder that may be there."""
    folder.mkdir(exist_ok=True)
    for number in numbers:
        write_file(folder, ct(number))
    return folder


@pytest.fixture
def series(tmp_path: Path) -> Series:
    """Give a clean series of eight slices."""
    (found,) = series_in([made(tmp_path / "ct", *range(1, 9))])
    return found


def test_each_defect_is_judged_as_the_catalogue_says_in_real_series() -> None:
    report = run(Request(tuple(default_folders()), places=1, tried=1, largest=12, sampled=2), jobs=1)
    assert list(report.failures()) == []
    assert sum(row.trials for row in report.rows[STANDARD]) > 90
    assert len(report.series) > 20 * len(Profile)
    assert len(report.orders) > 5
    assert len(report.wire) > 5


@pytest.mark.parametrize("profile", list(Profile))
def test_each_profile_has_its_own_answers(series: Series, profile: Profile) -> None:
    before = {profile: clean(series, profile)}
    (planted,) = (one for one in DEFECTS if one.name == "One instance of another Modality")
    (trial,) = attempt(planted, series, 4, 1, before)
    assert trial.is_right
    assert trial.refused is (profile is not Profile.OBSERVE)
    assert trial.found is (Severity.WARN if profile is Profile.OBSERVE else Severity.REFUSE)


def test_a_defect_that_no_rule_finds_is_missed(series: Series) -> None:
    defect = replace(DEFECTS[0], found_by=("STK-252",))
    (trial,) = attempt(defect, series, 0, 1, {STANDARD: clean(series, STANDARD)})
    assert not trial.is_right
    assert trial.found is Severity.OFF


def test_a_finding_within_the_tolerance_is_wrong(series: Series) -> None:
    (found,) = (one for one in DEFECTS if (one.name, one.size) == ("A slice moved sideways", "by 2 mm"))
    (trial,) = attempt(replace(found, found_by=()), series, 3, 1, {STANDARD: clean(series, STANDARD)})
    assert not trial.is_right
    assert trial.others == ["SER-302"]


def test_every_defect_says_how_it_is_found_in_words_of_the_catalogue() -> None:
    assert len({(defect.name, defect.size) for defect in DEFECTS}) == len(DEFECTS)
    for defect in DEFECTS:
        assert all(severity_of(key, STANDARD) > Severity.OFF for key in defect.found_by), defect


def test_the_same_seed_plants_the_same(series: Series) -> None:
    fitting = [defect for defect in DEFECTS if defect.fits(series)]
    assert fitting
    for defect in fitting:
        place = defect.places(series, Random(1))[0]
        first, second = (defect.plant(series, place, Random(2)) for _ in range(2))
        assert first == second, defect


def test_a_copy_differs_from_its_original_in_nothing_but_the_change(series: Series, tmp_path: Path) -> None:
    copy = tmp_path / "copy.dcm"
    copy.write_bytes(copy_of(series.sources[0].path, setting(PatientID="ANOTHER", StudyID=None)))
    before, after = dcmread(series.sources[0].path), dcmread(copy)
    assert {element.tag for element in before} - {element.tag for element in after} == {0x00200010}
    assert [element.keyword for element in after if element != before.get(element.tag)] == ["PatientID"]


@pytest.mark.parametrize("number", [1 / 3, -1234567.123456789, 1e-7, 0.1, -0.000123456789123])
def test_numbers_fit_into_decimal_strings(number: float) -> None:
    assert len(decimal(number)) <= 16
    assert float(decimal(number)) == pytest.approx(number, rel=1e-6)


def test_an_order_that_changes_what_is_found_is_told(series: Series) -> None:
    """Of two patients the first one stays: the sets that are stored are not the same."""
    sent = [one.path for one in series.sources]
    sent[0].write_bytes(copy_of(sent[0], setting(PatientID="ANOTHER")))
    order = in_orders("two patients", sent, 1)
    assert "reversed" in order.differ
    assert "reversed" in "".join(empty(orders=[order]).failures())


def empty(**parts: object) -> Report:
    """Return a report of nothing, but for some parts."""
    return Report(**({"seed": 1, "seconds": 0, "series": [], "rows": {}, "orders": [], "wire": []} | parts))  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("profile", "flaw", "changes", "right"),
    [
        (STANDARD, "", {}, True),
        (STANDARD, "", {"refused": 1, "codes": ["ENT-201"]}, False),
        (STANDARD, "", {"codes": ["SER-305"], "verdict": "attention"}, False),
        (Profile.OBSERVE, "", {"codes": ["SER-305"]}, False),
        (Profile.STRICT, "", {"codes": ["GEO-108"]}, True),
        (STANDARD, "a hole", {}, False),
        (STANDARD, "a hole", {"codes": ["SER-305"]}, True),
    ],
)
def test_what_may_be_said_of_a_series_depends_on_what_is_known_of_it(
    profile: Profile, flaw: str, changes: dict[str, object], right: bool
) -> None:
    values = {"refused": 0, "warned": 0, "verdict": "consistent", "codes": []} | changes
    one = CleanSeries("a", "in", 3, profile, flaw=flaw, **values)  # type: ignore[arg-type]  # fields by name
    assert one.is_right is right
    assert bool(list(empty(series=[one]).failures())) is not right


def test_rows_put_sizes_together_that_are_found_alike() -> None:
    def trial(size: str, expected: Severity, found: Severity) -> Trial:
        return Trial("Pixel Data short", size, "s", 0, STANDARD, expected, found, found is Severity.REFUSE, [])

    rows = rows_of([
        trial("by 2 bytes", Severity.REFUSE, Severity.REFUSE),
        trial("by a row", Severity.REFUSE, Severity.OFF),
    ])  # fmt: skip
    (row,) = rows
    assert (list(row.sizes), row.trials, row.wrong) == (["by 2 bytes", "by a row"], 2, 1)
    assert row.outcomes == Counter(refused=1, missed=1)


def test_the_tables_have_every_part() -> None:
    refuse = Severity.REFUSE
    trial = Trial("Sent again", "the same bytes", "s", 0, STANDARD, refuse, refuse, True, [])
    report = empty(
        series=[CleanSeries("good", "in", 3, profile, 0, 0, "consistent", []) for profile in Profile]
        + [CleanSeries("bad", "in", 3, STANDARD, 0, 0, "attention", ["SER-305"], "a hole")],
        rows={STANDARD: rows_of([trial])},
        orders=[Order("good", 5, [])],
        wire=[Sampled("something", "")],
    )
    written = markdown(report)
    for line in (
        "| in | 1 | 3 | 0, 0 | 0, 0 | 0, 0 |",
        "| bad | 3 | a hole | attention | SER-305 |",
        "| Sent again | the same bytes | 1 | 1 | 1 |  |  |  |  | DUP-001 |",
        "Order of arrival: 1 sets in 5 orders; other findings in 0.",
        "Over the wire, to a node: 1 samples; another answer than `auditscp check` in 0.",
    ):
        assert line in written


def test_known_flaws_are_of_series_that_are_there() -> None:
    names = {one.name for one in series_in(default_folders())}
    assert {name for name in FLAWS if name.startswith("test_files/")} <= names


def accuracy(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the program."""
    command = [sys.executable, "-m", "tests.accuracy", *map(str, arguments), "--no-wire", "--jobs", "1"]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)


def test_the_program_exits_with_0_if_all_is_as_it_has_to_be(tmp_path: Path) -> None:
    done = accuracy(made(tmp_path / "clean", *range(1, 7)), "--quick", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["failures"] == []
    assert {one["series"] for one in document["series"]} == {"clean"}


def test_the_program_exits_with_1_if_something_is_said_against_a_series(tmp_path: Path) -> None:
    done = accuracy(made(tmp_path / "hole", 1, 2, 3, 6, 7, 8), "--quick")
    assert done.returncode == 1
    assert "FAILED  hole (standard): 0 refused, attention, SER-305" in done.stderr
    assert "| hole | 1 | 6 | 0, 0 (SER-305) |" in done.stdout
