"""From trials to the rows of the table."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from scp.audit.finding import Severity
from tests.accuracy.catalogue import DEFECTS
from tests.accuracy.defect import Defect
from tests.accuracy.trial import Trial

OUTCOMES = ("refused", "warned", "noted", "passed", "missed")


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one defect in its sizes; ``outcomes`` counts trials by :data:`OUTCOMES`."""

    defect: str
    sizes: Sequence[str]
    found_by: Sequence[str]
    series: int
    trials: int
    outcomes: Mapping[str, int]
    wrong: int
    unseen: str


def rows_of(trials: Iterable[Trial]) -> Sequence[Row]:
    """Return a row for each defect, sizes that were to be found by the same rules together."""
    by_row: dict[tuple[str, tuple[str, ...]], list[Trial]] = {}
    of_trial = {(one.name, one.size): one for one in DEFECTS}
    sizes: dict[tuple[str, tuple[str, ...]], dict[str, None]] = {}
    for trial in trials:
        defect = of_trial[trial.defect, trial.size]
        by_row.setdefault(_key(defect), []).append(trial)
        sizes.setdefault(_key(defect), {})[trial.size] = None
    order = list(dict.fromkeys(_key(one) for one in DEFECTS))
    return [_row(key, list(sizes[key]), by_row[key]) for key in order if key in by_row]


def _key(defect: Defect) -> tuple[str, tuple[str, ...]]:
    return defect.name, (*defect.found_by, f"unseen: {defect.unseen}") if defect.unseen else defect.found_by


def _row(key: tuple[str, tuple[str, ...]], sizes: Sequence[str], trials: Sequence[Trial]) -> Row:
    name, found_by = key
    unseen = next((one.unseen for one in DEFECTS if _key(one) == key), "")
    return Row(
        defect=name,
        sizes=sizes,
        found_by=[one for one in found_by if not one.startswith("unseen")],
        series=len({trial.series for trial in trials}),
        trials=len(trials),
        outcomes=dict(Counter(outcome_of(trial) for trial in trials)),
        wrong=sum(not trial.is_right for trial in trials),
        unseen=unseen,
    )


def outcome_of(trial: Trial) -> str:
    """Return what became of a trial, in one word of :data:`OUTCOMES`."""
    if trial.refused:
        return "refused"
    if trial.found is Severity.OFF:
        return "missed" if trial.expected is not Severity.OFF else "passed"
    return "warned" if trial.found >= Severity.WARN else "noted"
