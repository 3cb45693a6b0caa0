"""A series of which nothing is stored is told in words."""

from collections.abc import Mapping

import pytest

from scp.ledger.series_status import Unstored


@pytest.mark.parametrize(
    ("refused", "held", "codes", "text"),
    [
        (1, 1, {"GEO-104": 1}, "1 object of it was refused (GEO-104 1), 1 is in quarantine"),
        (3, 2, {"A": 2, "B": 1}, "3 objects of it were refused (A 2, B 1), 2 are in quarantine"),
        (2, 0, {}, "2 objects of it were refused, none are in quarantine"),
    ],
)  # fmt: skip
def test_what_was_refused_is_a_part_of_a_sentence(refused: int, held: int, codes: Mapping[str, int], text: str) -> None:
    assert str(Unstored(refused, held, codes)) == text
