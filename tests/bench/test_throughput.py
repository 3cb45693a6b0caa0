"""Nodes that take turns."""

from itertools import pairwise

import pytest

from benchmark.nodes import Node
from benchmark.throughput import in_turn


def nodes(many: int) -> list[Node]:
    return [Node(str(number), "", "", lambda _port, _folder: [], lambda _folder: 0) for number in range(many)]


def order(many: int, number: int) -> list[int]:
    return [int(node.key) for node in in_turn(nodes(many), number)]


@pytest.mark.parametrize("many", [1, 2, 3, 5])
def test_every_node_runs_once_in_a_round_and_another_one_begins_each(many: int) -> None:
    rounds = [order(many, number) for number in range(many)]
    assert all(sorted(one) == list(range(many)) for one in rounds)
    assert sorted(one[0] for one in rounds) == list(range(many))


def test_nobody_follows_the_same_node_in_every_round() -> None:
    followed = [{(after, before) for before, after in pairwise(one)} for one in (order(5, 0), order(5, 1))]
    assert followed[0].isdisjoint(followed[1])
