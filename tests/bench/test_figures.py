"""From runs to figures."""

from benchmark.figures import Cell, Figures, Run, figures, ratio

CELL = Cell("mr-2", "MR 64×64", 100, 1_000_000, 2)
SINGLE = Cell("single-1", "MR 64×64", 100, 1_000_000, 1, one_by_one=True)
TITLES = {"ours": "Ours", "dcmtk": "DCMTK"}


def runs(node: str, *seconds: float, cell: Cell = CELL, void: str = "") -> list[Run]:
    return [Run(node, cell.key, one, cpu_seconds=one / 2, peak_bytes=int(one * 1e6), void=void) for one in seconds]


def of(node: str, found: tuple[Figures, ...]) -> Figures:
    return next(one for one in found if one.node == node)


def test_figures_are_medians_of_the_runs_and_memory_is_the_worst_of_them() -> None:
    ours = of("ours", figures(runs("ours", 4, 1, 2), [CELL], TITLES, []))

    assert (ours.instances_per_second, ours.megabytes_per_second) == (50.0, 0.5)
    assert (ours.cpu_ms_per_instance, ours.peak_megabytes) == (10.0, 4.0)
    assert ours.seconds_per_association is None


def test_a_ratio_compares_nodes_round_by_round_so_that_a_slow_machine_slows_both() -> None:
    # The machine is ten times as slow in the second round, and for ours in the third one alone.
    ours, theirs = runs("ours", 1, 10, 10), runs("dcmtk", 2, 20, 2)

    assert ratio(ours, theirs) == 2.0
    assert ratio(theirs, ours) == 0.5


def test_one_instance_for_each_association_gives_seconds_for_each() -> None:
    (ours,) = figures(runs("ours", 3, cell=SINGLE), [SINGLE], {"ours": "Ours"}, [])

    assert (ours.seconds_per_association, ours.associations) == (0.03, 100)


def test_one_void_run_voids_the_figure_and_every_ratio_with_it() -> None:
    all_runs = [*runs("ours", 1, 1), *runs("ours", 1, void="99 of 100 instances stored"), *runs("dcmtk", 1, 1, 1)]
    found = figures(all_runs, [CELL], TITLES, ["dcmtk", "orthanc"])

    assert of("ours", found).instances_per_second is None
    assert of("ours", found).ratios == {"dcmtk": None}
    assert of("ours", found).void == ("99 of 100 instances stored",)
    assert of("dcmtk", found).ratios == {"dcmtk": 1.0}
