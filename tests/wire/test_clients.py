"""What the usual senders make of our answers: their exit codes, and whether they go on after a refusal."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.wire.clients import Run, dcmsend, pynetdicom_storescu, storescu
from tests.wire.conftest import StartNode
from tests.wire.node import NodeProcess
from tests.wire.objects import Instance, ct, write_file


class Refusal(NamedTuple):
    """Two objects, of which the second is refused, and what storescu's exit code is then."""

    second: Callable[[int], Instance]
    status: str
    exit_code: int


REFUSALS = (
    Refusal(lambda n: ct(1, n), "0111", 0x01),
    Refusal(lambda n: ct(1, n, WindowCenter="40"), "C111", 0xC1),
    Refusal(lambda n: ct(2, n, Modality=None), "A910", 0xA9),
)


def files(folder: Path, *instances: Instance) -> Sequence[Path]:
    """Write instances as files, in their order."""
    return [write_file(folder, instance) for instance in instances]


class TestStorescu:
    @pytest.mark.parametrize("refusal", REFUSALS, ids=[refusal.status for refusal in REFUSALS])
    def test_it_stops_at_the_first_refusal_and_exits_with_the_first_half_of_the_status(
        self, shared_node: NodeProcess, study: int, tmp_path: Path, refusal: Refusal
    ) -> None:
        sent = files(tmp_path, ct(1, study), refusal.second(study), ct(3, study))
        run = storescu(shared_node.port, sent)
        assert run.statuses == ["0000", refusal.status]
        assert run.exit_code == refusal.exit_code

    def test_it_goes_on_and_exits_with_0_if_told_not_to_halt(
        self, shared_node: NodeProcess, study: int, tmp_path: Path
    ) -> None:
        sent = files(tmp_path, ct(1, study), ct(1, study), ct(2, study))
        run = storescu(shared_node.port, sent, "--no-halt")
        assert run.statuses == ["0000", "0111", "0000"]
        assert run.exit_code == 0

    def test_it_shows_the_reason_in_debug_output(self, shared_node: NodeProcess, study: int, tmp_path: Path) -> None:
        run = storescu(shared_node.port, files(tmp_path, ct(1, study), ct(1, study)))
        assert "[DUP-001 " in run.output

    def test_it_takes_a_warning_for_success(self, start_node: StartNode, tmp_path: Path) -> None:
        node = start_node('[audit]\nwarning_status = "B007"\n')
        run = storescu(node.port, files(tmp_path, ct(1, PixelSpacing=None), ct(2)))
        assert run.statuses == ["B007", "0000"]
        assert run.exit_code == 0

    def test_a_rejected_association_makes_it_fail(self, start_node: StartNode, tmp_path: Path) -> None:
        node = start_node('[association]\ncalling_ae_titles = ["CT1"]\n')
        sent = files(tmp_path, ct())
        assert storescu(node.port, sent).exit_code != 0
        assert storescu(node.port, sent, "-aet", "CT1").exit_code == 0

    def test_what_it_aborts_after_the_last_response_is_stored(self, node: NodeProcess, tmp_path: Path) -> None:
        run = storescu(node.port, files(tmp_path, ct()), "--abort")
        assert run.statuses == ["0000"]
        (closed,) = node.wait_for("association_closed")
        assert closed["ending"] == "aborted"
        assert len(node.archived()) == 1


class TestOtherClients:
    @pytest.mark.parametrize(
        "client", [dcmsend, lambda port, sent: pynetdicom_storescu(port, *sent)], ids=["dcmsend", "pynetdicom"]
    )
    def test_they_go_on_after_a_refusal_and_exit_with_0(
        self, shared_node: NodeProcess, study: int, tmp_path: Path, client: Callable[..., Run]
    ) -> None:
        run = client(shared_node.port, files(tmp_path, ct(1, study), ct(1, study, WindowCenter="40"), ct(2, study)))
        assert run.statuses == ["0000", "C111", "0000"]
        assert run.exit_code == 0
