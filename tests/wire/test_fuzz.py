"""Mutated recordings of real senders: a little of what ``scripts/fuzz`` does for as long as one likes."""

from itertools import islice
from pathlib import Path
from random import Random
from typing import Final

import pytest

from tests.wire.fuzz import Failed, attack_nodes, keep, kept, recordings_in
from tests.wire.mutation import Attack, Mutator
from tests.wire.recording import SERIAL, Recording, deflate, inflate

ATTACKS: Final = 400
SEED: Final = 1


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Recording]:
    """Give what DCMTK and pynetdicom send."""
    return recordings_in(tmp_path_factory.mktemp("recordings"))


def test_a_node_stands_what_is_left_of_real_associations_when_chance_has_been_at_them(
    recordings: list[Recording], tmp_path: Path
) -> None:
    attacks = iter(Mutator(recordings, SEED).attack, None)
    answers = next(attack_nodes(tmp_path, islice(attacks, ATTACKS)))
    assert answers["0000"] > ATTACKS // 10, "what is sent is still understood"
    assert len(answers) > 8


def test_what_is_recorded_is_whole(recordings: list[Recording]) -> None:
    assert [one.name for one in recordings] == ["storescu", "dcmsend", "pynetdicom"]
    for one in recordings:
        assert [pdu[0] for pdu in (one.pdus[0], one.pdus[-1])] == [1, 5]
        messages = one.messages()
        assert len(messages) >= 10  # dcmsend proposes no deflated transfer syntax
        assert all(SERIAL in (inflate(message.data) or message.data) for message in messages)


def test_the_same_seed_makes_the_same_attacks(recordings: list[Recording]) -> None:
    one, other, another = (Mutator(recordings, seed) for seed in (7, 7, 8))
    attacks = [one.attack() for _ in range(50)]
    assert attacks == [other.attack() for _ in range(50)]
    assert attacks != [another.attack() for _ in range(50)]


def test_what_fails_can_be_sent_again(tmp_path: Path) -> None:
    inputs = [Attack(Random(number).randbytes(100), leave) for number, leave in enumerate(("fin", "rst", "wait"))]
    keep(tmp_path / "kept", Failed("why", inputs))
    assert list(kept(sorted((tmp_path / "kept").iterdir()))) == inputs


def test_deflated_data_sets_are_found_out() -> None:
    assert inflate(deflate(b"abc" * 100)) == b"abc" * 100
    assert inflate(b"\x08\0\x05\0CS\2\0") is None
