"""Reload of the real node: what changes, what waits for a restart, and that associations go on."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

from tests.receivers import SECRET, WebReceiver
from tests.wire.conftest import StartNode
from tests.wire.node import NodeProcess, environment
from tests.wire.objects import ct
from tests.wire.peer import VERIFICATION, Peer, RejectedError

ECHO = [(VERIFICATION, ["1.2.840.10008.1.2"])]
PATIENT = "[association]\nnetwork_timeout = 3600\n"
"""An association may be silent for as long as it takes to start some programs."""


def reload(node: NodeProcess, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ``auditscp reload`` for the node's data folder."""
    return subprocess.run(
        [sys.executable, "-m", "scp", "reload", "--data", str(node.folder), *options],
        capture_output=True, text=True, timeout=300, env=environment(), cwd=Path(__file__).parents[2], check=False,
    )  # fmt: skip


def test_an_association_goes_on_and_its_next_instance_is_judged_by_the_new_policy(start_node: StartNode) -> None:
    node = start_node(PATIENT)
    bad: dict[str, Any] = {"Rows": 4, "Columns": 4, "PixelData": bytes(8)}
    with Peer.of(node.port, ct(1), calling="CT1") as peer:
        assert peer.store(ct(1, **bad)).status == "C0A2"
        node.configure(PATIENT + '[[peer]]\nae_title = "CT1"\n[peer.severity]\nGEO-107 = "warn"\n')
        done = reload(node)
        assert (done.returncode, done.stdout, done.stderr) == (0, "in force: [[peer]]\n", "")
        assert peer.store(ct(1, **bad)).status == "0000"
        node.configure(PATIENT + '[audit]\nprofile = "strict"\n[responses]\nGEO-107 = "C0FE"\n')
        assert reload(node).returncode == 0
        assert peer.store(ct(2, **bad)).status == "C0FE"
    (closed,) = node.wait_for("association_closed")
    assert (closed["ending"], closed["received"]) == ("released", 3)
    assert [line["changed"] for line in node.lines("settings_renewed")] == [
        ["[[peer]]"],
        ["[audit] profile", "[responses]", "[[peer]]"],
    ]


def test_admission_changes_for_those_who_connect_next(start_node: StartNode) -> None:
    node = start_node()
    with Peer(node.port, ECHO, calling="OLD") as inside:
        node.configure('[association]\ncalling_ae_titles = ["NEW"]\nmax_associations = 2\nmax_pdu = 16384\n')
        done = reload(node)
        assert done.stdout.splitlines() == [
            "in force: [association] max_pdu",
            "in force: [association] max_associations",
            "in force: [association] calling_ae_titles",
        ]
        assert inside.echo().status == "0000"
        with pytest.raises(RejectedError) as caught, Peer(node.port, ECHO, calling="OLD"):
            pass
        assert caught.value.reason == (1, 1, 3)
        with Peer(node.port, ECHO, calling="NEW"):
            with pytest.raises(RejectedError) as caught, Peer(node.port, ECHO, calling="NEW"):
                pass
            assert caught.value.reason == (2, 3, 2)


def test_the_same_proposal_is_answered_by_the_offer_in_force(start_node: StartNode) -> None:
    node = start_node()
    proposed = [(str(CTImageStorage), [str(ExplicitVRLittleEndian)]), *ECHO]
    seen = []
    for refused in ("[]", '["CTImageStorage"]', "[]"):
        node.configure(f"[classes]\nrefused_sop_classes = {refused}\n")
        assert reload(node).returncode == 0
        for _ in range(2):
            with Peer(node.port, proposed) as peer:
                seen.append([peer.results[number] for number in sorted(peer.results)])
    assert seen == [[0, 0], [0, 0], [3, 0], [3, 0], [0, 0], [0, 0]]


def test_a_file_that_is_wrong_changes_nothing_and_everything_wrong_is_told(start_node: StartNode) -> None:
    node = start_node('[audit]\nprofile = "observe"\n')
    node.configure('[audit]\nprofile = "lax"\n[association]\nmax_pdu = 0\ncalling_ae_titles = ["NEW"]\n')
    node.tolerate("settings_kept")
    done = reload(node)
    assert (done.returncode, done.stdout) == (1, "")
    *problems, last = done.stderr.splitlines()
    assert last == "nothing was changed"
    assert len(problems) == 2
    assert "[audit] profile" in problems[0]
    assert "[association] max_pdu" in problems[1]
    (kept,) = node.wait_for("settings_kept")
    assert [f"error: {one}" for one in kept["problems"]] == problems
    with Peer(node.port, ECHO, calling="OLD") as peer:
        assert peer.echo().status == "0000"


def test_what_takes_a_restart_is_named_and_the_rest_is_in_force(start_node: StartNode) -> None:
    node = start_node()
    text = '[node]\nae_title = "OTHER"\n[storage]\ndurability = "none"\n[audit]\nprofile = "strict"\n'
    node.configure(text)
    for changed in (["in force: [audit] profile"], []):
        done = reload(node)
        waits = ["needs a restart: [node] ae_title", "needs a restart: [storage] durability"]
        assert (done.returncode, done.stdout.splitlines()) == (3, [*changed, *waits])
    lines = node.wait_for("settings_renewed", 2)
    assert lines[0]["needs_restart"] == ["[node] ae_title", "[storage] durability"]
    assert lines[0]["level"] == "warning"


def test_options_of_the_command_line_stay_over_the_file(start_node: StartNode) -> None:
    node = start_node()
    node.configure("[node]\nport = 4242\n")
    done = reload(node)
    assert (done.returncode, done.stdout) == (0, "no setting differs; certificates and secrets were read again\n")
    node.wait_for("nothing_to_reload")


def test_a_channel_can_be_switched_on_and_off_again(start_node: StartNode, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    node = start_node(PATIENT)
    with WebReceiver().running() as receiver, Peer.of(node.port, ct(1)) as peer:
        on = f'[notify]\ngroup_seconds = 0\n[notify.webhook]\nenabled = true\nurl = "{receiver.url}"\n'
        node.configure(f'{on}secret_file = "{secret}"\n')
        node.tolerate("settings_kept")
        done = reload(node)
        assert done.returncode == 1
        assert "[notify.webhook] secret_file" in done.stderr
        secret.write_text(SECRET)
        assert reload(node).returncode == 0
        with Peer.of(node.port, ct(1)) as other:
            other.store(ct(1))
            assert other.store(ct(1, WindowCenter="77")).status == "C111"
        assert receiver.next().is_signed()
        node.wait_for("notified")
        node.configure("")
        assert reload(node).returncode == 0
        assert peer.store(ct(1, WindowCenter="78")).status == "C111"
    assert node.stop() == 0
    assert receiver.nothing_came()


def test_reload_says_that_no_node_runs_in_a_folder(start_node: StartNode, tmp_path: Path) -> None:
    node = start_node()
    standing = (node.folder / "node.json").read_text()
    assert json.loads(standing)["reload"] is None
    node.kill()
    for folder in (node.folder, tmp_path / "absent"):
        done = subprocess.run(
            [sys.executable, "-m", "scp", "reload", "--data", str(folder)],
            capture_output=True, text=True, timeout=300, env=environment(), cwd=Path(__file__).parents[2], check=False,
        )  # fmt: skip
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == f"error: {folder}: no node of this machine and user is running there\n"
    node.start()
    assert node.stop() == 0
    assert not (node.folder / "node.json").exists()


def test_every_hangup_is_acted_on(start_node: StartNode) -> None:
    node = start_node()
    for number in range(1, 4):
        node.signal(signal.SIGHUP)
        node.wait_for("nothing_to_reload", number)
