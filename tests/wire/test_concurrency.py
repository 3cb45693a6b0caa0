"""Several senders at once: exactly one wins, and nobody is refused for having company."""

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from tests.rules.builders import mr_image
from tests.wire.node import PATIENCE, NodeProcess
from tests.wire.objects import Instance, ct, instance_of, large_ct
from tests.wire.peer import Peer, Response

SENDERS: Final = 16


def sent_at_once(node: NodeProcess, instances: Sequence[Instance]) -> list[Response]:
    """Send each instance over its own association, all last fragments at the same moment."""
    together = threading.Barrier(len(instances))

    def send(instance: Instance) -> Response:
        with Peer.of(node.port, instance) as peer:
            context = peer.request(instance)
            peer.send_data(instance.data[:-2], context=context, last=False)
            together.wait(PATIENCE)
            peer.send_data(instance.data[-2:], context=context)
            return peer.response()

    with ThreadPoolExecutor(len(instances)) as pool:
        return list(pool.map(send, instances))


def test_of_identical_copies_at_once_exactly_one_is_stored_and_the_others_are_answered_0111(
    shared_node: NodeProcess, study: int
) -> None:
    instance = ct(1, study)
    answers = sent_at_once(shared_node, [instance] * SENDERS)
    assert Counter(answer.status for answer in answers) == {"0000": 1, "0111": SENDERS - 1}
    uid = instance.sop_instance_uid
    assert len(shared_node.rows("SELECT 1 FROM instance WHERE uid = ?", uid)) == 1
    originals = shared_node.rows("SELECT DISTINCT original FROM receipt WHERE affected_sop_instance_uid = ?", uid)
    assert len(originals) == 1


def test_of_different_objects_under_one_uid_at_once_exactly_one_is_stored_and_each_other_is_a_case(
    shared_node: NodeProcess, study: int
) -> None:
    instances = [ct(1, study, WindowCenter=str(number)) for number in range(SENDERS)]
    answers = sent_at_once(shared_node, instances)
    assert Counter(answer.status for answer in answers) == {"0000": 1, "C111": SENDERS - 1}
    uid = instances[0].sop_instance_uid
    assert len(shared_node.rows("SELECT 1 FROM instance WHERE uid = ?", uid)) == 1
    cases = [case for case in shared_node.cases() if case["receipt"]["affected_sop_instance_uid"] == uid]
    assert len(cases) == SENDERS - 1
    assert len({case["receipt"]["blake3"] for case in cases}) == SENDERS - 1


def test_first_instances_of_one_new_study_at_once_are_all_stored(shared_node: NodeProcess, study: int) -> None:
    instances = [ct(number, study) for number in range(1, 17)]
    answers = sent_at_once(shared_node, instances)
    assert [answer.status for answer in answers] == ["0000"] * 16
    uid = f"1.2.826.0.1.{study}"
    (row,) = shared_node.rows("SELECT id FROM study WHERE uid = ?", uid)
    assert len(shared_node.rows("SELECT 1 FROM series WHERE study = ?", row["id"])) == 1
    assert len(shared_node.rows("SELECT 1 FROM instance WHERE study = ?", row["id"])) == 16


def test_new_series_of_one_new_study_at_once_are_all_stored(shared_node: NodeProcess, study: int) -> None:
    root = f"1.2.826.0.1.{study}"
    instances = [
        ct(number, study, SeriesInstanceUID=f"{root}.2.{number}", SeriesNumber=str(number)) for number in range(1, 9)
    ]
    answers = sent_at_once(shared_node, instances)
    assert [answer.status for answer in answers] == ["0000"] * 8


def test_contradictory_instances_of_one_new_series_at_once_one_side_wins(shared_node: NodeProcess, study: int) -> None:
    root = f"1.2.826.0.1.{study}"
    own = {"StudyInstanceUID": root, "SeriesInstanceUID": f"{root}.1", "PatientID": f"P{study}"}
    cts = [ct(number, study) for number in range(1, 5)]
    mrs = [
        instance_of(mr_image(**own, SOPInstanceUID=f"{root}.1.{number}", InstanceNumber=str(number)))
        for number in range(5, 9)
    ]
    answers = sent_at_once(shared_node, [*cts, *mrs])
    won = {answer.status for answer in answers[:4]}, {answer.status for answer in answers[4:]}
    assert won in (({"0000"}, {"C133"}), ({"C133"}, {"0000"}))


def test_large_objects_at_once_are_all_stored(shared_node: NodeProcess, study: int) -> None:
    instances = [large_ct(number, study) for number in range(1, 9)]
    assert [answer.status for answer in sent_at_once(shared_node, instances)] == ["0000"] * 8
