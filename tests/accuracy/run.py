"""Everything that is tried, on all processors: series as they are, planted defects, orders of arrival, the wire."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from time import perf_counter

from scp.audit.policy import Profile
from tests.accuracy.arrival import Order, of_series
from tests.accuracy.catalogue import DEFECTS
from tests.accuracy.defect import Defect
from tests.accuracy.known import FLAWS
from tests.accuracy.report import CleanSeries, Report, clean_series
from tests.accuracy.rows import rows_of
from tests.accuracy.sources import Series, series_in
from tests.accuracy.trial import Judged, Trial, attempt, clean
from tests.accuracy.wire import samples


@dataclass(frozen=True, slots=True)
class Request:
    """What is tried.

    Attributes:
        folders: of series.
        profiles: that defects are judged in; clean series are in all three.
        seed: for all that is left to chance.
        places: most places of one defect in one series.
        tried: most series for one defect; None for all. Orders of arrival of planted defects are tried with all only.
        largest: most instances of a series.
        sampled: most defects, and most series, that go over the wire; None for all, 0 for none.
    """

    folders: tuple[Path, ...]
    profiles: tuple[Profile, ...] = (Profile.STANDARD,)
    seed: int = 1
    places: int = 4
    tried: int | None = None
    largest: int = 1000
    sampled: int | None = None


def run(request: Request, jobs: int, told: Callable[[str], None] = lambda what: None) -> Report:
    """Try everything; ``told`` hears of each thing that is done."""
    started = perf_counter()
    everything = _series(request)
    sound = [one for one in everything if one.name not in FLAWS]
    trials: list[Trial] = []
    orders: list[Order] = []
    series: list[CleanSeries] = []
    with ProcessPoolExecutor(jobs) as pool:
        made, judged, ordered = _submit(pool, request, everything)
        wire = []
        if request.sampled != 0:
            for sampled in samples(sound, request.seed, request.sampled):
                wire.append(sampled)
                told("samples on the wire")
        for one in judged:
            series += one.result()
            told("series")
        for two in ordered:
            orders += two.result()
            told("series in other orders")
        for three in made:
            for trial in three.result():
                trials.append(trial)
                told("trials")
    return Report(
        seed=request.seed,
        seconds=perf_counter() - started,
        series=series,
        rows={profile: rows_of(trial for trial in trials if trial.profile is profile) for profile in request.profiles},
        orders=orders,
        wire=wire,
        wrong=[said for trial in trials if (said := _wrong(trial))],
    )


def _wrong(trial: Trial) -> str:
    if trial.is_right:
        return ""
    what = f"{trial.defect}, {trial.size}, in {trial.series} at {trial.place} ({trial.profile})"
    return f"{what}: {trial.found or 'nothing'} found, {trial.expected} expected; {', '.join(trial.others)}"


def _submit(
    pool: Executor, request: Request, everything: Sequence[Series]
) -> tuple[
    Sequence[Future[Sequence[Trial]]], Sequence[Future[Sequence[CleanSeries]]], Sequence[Future[Sequence[Order]]]
]:
    """Hand everything to other processes, which read the series for themselves."""
    numbers = range(len(everything))
    sound = [number for number in numbers if everything[number].name not in FLAWS]
    made = [
        pool.submit(_attempts, request, number, index)
        for index, defect in enumerate(DEFECTS)
        for number in _some([one for one in sound if defect.fits(everything[one])], request, defect)
    ]
    judged = [pool.submit(_as_it_is, request, number) for number in numbers]
    several = [number for number in numbers if len(everything[number].sources) > 1]
    ordered = [pool.submit(_in_orders, request, number) for number in several]
    return made, judged, ordered


def _some(fitting: Sequence[int], request: Request, defect: Defect) -> Sequence[int]:
    """Return the series in which a defect is tried."""
    if request.tried is None or len(fitting) <= request.tried:
        return fitting
    return sorted(Random(f"{request.seed} {defect.name} {defect.size}").sample(fitting, request.tried))


def _series(request: Request) -> Sequence[Series]:
    return _read(request.folders, request.largest)


@lru_cache
def _read(folders: tuple[Path, ...], largest: int) -> Sequence[Series]:
    return [one for one in series_in(folders) if len(one.sources) <= largest]


def _attempts(request: Request, number: int, index: int) -> Sequence[Trial]:
    """Plant one defect in one series, wherever it is to be."""
    series, defect = _series(request)[number], DEFECTS[index]
    rng = Random(f"{request.seed} {defect.name} {defect.size} {series.name}")
    places = list(defect.places(series, rng))
    if len(places) > request.places:
        places = sorted(rng.sample(places, request.places))
    before = {profile: _clean(request, number, profile) for profile in request.profiles}
    return [trial for place in places for trial in attempt(defect, series, place, request.seed, before)]


@lru_cache
def _clean(request: Request, number: int, profile: Profile) -> Judged:
    return clean(_series(request)[number], profile)


def _as_it_is(request: Request, number: int) -> Sequence[CleanSeries]:
    series = _series(request)[number]
    flaw = FLAWS.get(series.name, "")
    return [clean_series(series, profile, _clean(request, number, profile), flaw) for profile in Profile]


def _in_orders(request: Request, number: int) -> Sequence[Order]:
    series = _series(request)[number]
    return list(of_series(series, request.seed, planted=request.tried is None and series.name not in FLAWS))
