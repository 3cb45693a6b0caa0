"""``scripts/bench``."""

from benchmark.bench import main

main()
