"""Hostile peers by chance: recorded associations, mutated, sent to a real node, which must not care.

``python -m tests.wire.fuzz --minutes 60 --seed 7`` does it for as long as one likes. What fails is kept in a folder,
and ``--replay`` sends it again.
"""

import argparse
import itertools
import socket
import struct
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from tests.wire.hostility import IMPATIENT, serve_good_peer, unharmed
from tests.wire.mutation import Attack, Mutator
from tests.wire.node import NodeProcess
from tests.wire.peer import P_DATA, Response, responses_in
from tests.wire.recording import Recording, pdus_in, record

BATCH: Final = 25
"""Attacks between two looks at the node."""
ROUND: Final = 4_000
"""Attacks on one node; then its archive is compared with its ledger, and a new one takes its place."""
FAILURES: Final = Path(__file__).resolve().parents[2] / "fuzz-failures"
_PATIENCE: Final = 120.0
_C_STORE_RSP: Final = 0x8001
_STORED: Final = ("0000", "B000", "B006", "B007")


class Failed(AssertionError):
    """The node did not stand it; ``inputs`` are the attacks since it was last seen to be well."""

    def __init__(self, why: str, inputs: Iterable[Attack]) -> None:
        super().__init__(why)
        self.inputs = list(inputs)


class Fuzzer:
    """Attacks one node."""

    def __init__(self, node: NodeProcess) -> None:
        self.node = node
        self.answers = Counter[str]()
        self.recent: deque[Attack] = deque(maxlen=BATCH)

    def attack(self, one: Attack) -> None:
        """Send an attack. Raises Failed if the node does not end the connection in time, or answers what is not so."""
        self.recent.append(one)
        try:
            stream = send(self.node.port, one)
        except TimeoutError:
            raise self._failed("the node keeps a connection that is over") from None
        except ConnectionRefusedError:
            raise self._failed(f"the node is gone: {self.node.stderr[-2_000:]}") from None
        for response in answers_in(stream):
            self.answers[response.status] += 1
            if response.status in _STORED and not self._is_stored(response):
                raise self._failed(f"{response.sop_instance_uid} was answered {response.status} and is not stored")

    def look(self) -> None:
        """Look whether the node is well, and serves. Raises Failed if not."""
        if not self.node.is_running:
            raise self._failed(f"the node is gone: {self.node.stderr[-2_000:]}")
        if complaints := self.node.complaints():
            raise self._failed(f"the node complains: {complaints[0]}")
        try:
            serve_good_peer(self.node)
        except Exception as error:
            raise self._failed(f"a good peer was not served: {error!r}") from error

    def _is_stored(self, response: Response) -> bool:
        uid = response.sop_instance_uid
        rows = self.node.rows("SELECT id FROM instance WHERE uid = ?", uid)
        return len(rows) == 1

    def _failed(self, why: str) -> Failed:
        return Failed(why, self.recent)


def send(port: int, attack: Attack) -> bytes:
    """Send an attack without waiting for answers, leave, and return what the node said. Raises TimeoutError."""
    said = bytearray()
    with socket.create_connection(("127.0.0.1", port), _PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(attack.stream)
            if attack.leave == "rst":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return b""
            if attack.leave == "fin":
                connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            while piece := connection.recv(65_536):
                said += piece
    return bytes(said)


def answers_in(stream: bytes) -> Iterator[Response]:
    """Give the C-STORE-RSP in what a node said; the last PDU may be cut."""
    whole = [pdu for pdu in pdus_in(stream) if len(pdu) == 6 + int.from_bytes(pdu[2:6], "big")]
    for response in responses_in(b"".join(pdu for pdu in whole if pdu[0] == P_DATA)):
        if int.from_bytes(response.command.get(0x00000100, b""), "little") == _C_STORE_RSP:
            yield response


def attack_nodes(folder: Path, attacks: Iterator[Attack], most: int = ROUND) -> Iterator[Counter[str]]:
    """Attack one node after the other, ``most`` times each; when each is looked over, give what it answered.

    Raises Failed.
    """
    for number in itertools.count():
        recent: Sequence[Attack] = ()
        try:
            with NodeProcess(folder / f"data{number}", IMPATIENT) as node:
                node.tolerate("library")  # pynetdicom says of proposals that it cannot read them
                for _ in unharmed(node):
                    fuzzer = Fuzzer(node)
                    recent = fuzzer.recent
                    for position, one in enumerate(itertools.islice(attacks, most), start=1):
                        fuzzer.attack(one)
                        if position % BATCH == 0:
                            fuzzer.look()
                    fuzzer.look()
                assert node.stop() == 0, "it does not stop as it should"
                assert node.stderr == "", node.stderr
        except Failed:
            raise
        except Exception as error:
            raise Failed(f"{type(error).__name__}: {error}", recent) from error
        yield fuzzer.answers


def recordings_in(folder: Path) -> list[Recording]:
    """Let real senders send to a node, and return what they sent."""
    with NodeProcess(folder / "recorded") as node:
        return record(node.port, folder / "files")


def keep(folder: Path, failed: Failed) -> None:
    """Keep the inputs of a failure, one file each: how to leave, and the stream."""
    folder.mkdir(parents=True, exist_ok=True)
    for position, one in enumerate(failed.inputs):
        (folder / f"{position:02}").write_bytes(one.leave.encode().ljust(4) + one.stream)


def kept(paths: Iterable[Path]) -> Iterator[Attack]:
    """Give the inputs that :func:`keep` kept."""
    for path in paths:
        content = path.read_bytes()
        yield Attack(content[4:], content[:4].decode().strip())


def main() -> None:
    """Attack until the time is over, or something fails."""
    parser = argparse.ArgumentParser(
        "scripts/fuzz", description="Mutated recordings of real senders against real nodes."
    )
    parser.add_argument("--minutes", type=float, default=10, help="how long (10)")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="the same seed sends the same")
    parser.add_argument("--keep", type=Path, default=FAILURES, help="where inputs that fail are kept (fuzz-failures/)")
    parser.add_argument("--replay", type=Path, nargs="+", help="send these kept inputs instead")
    asked = parser.parse_args()
    if not asked.minutes > 0:
        parser.error("--minutes is above 0")
    missing = [str(path) for path in asked.replay or () if not path.is_file()]
    if missing:
        parser.error(f"no such file: {', '.join(missing)}")
    started = time.monotonic()
    sent, answers = 0, Counter[str]()

    def counted(attacks: Iterator[Attack]) -> Iterator[Attack]:
        nonlocal sent
        for one in attacks:
            if not asked.replay and time.monotonic() - started > 60 * asked.minutes:
                return
            sent += 1
            yield one

    with tempfile.TemporaryDirectory(prefix="fuzz") as name:
        folder = Path(name)
        if asked.replay:
            attacks = kept(sorted(asked.replay))
        else:
            mutator = Mutator(recordings_in(folder), asked.seed)
            attacks = iter(mutator.attack, None)
        try:
            before = -1
            for answered in attack_nodes(folder, counted(attacks)):
                if sent == before:
                    break
                before, answers = sent, answers + answered
                seconds = time.monotonic() - started
                print(f"seed {asked.seed}: {sent} attacks, {seconds:.0f} s; {shown(answers)}", flush=True)
        except Failed as failed:
            place = asked.keep / f"{asked.seed}-{sent}"
            keep(place, failed)
            sys.exit(f"seed {asked.seed}, attack {sent}: {failed}\nThe inputs before that are in {place}.")


def shown(answers: Counter[str]) -> str:
    """Write the statuses that were answered, the most frequent first."""
    return ", ".join(f"{status} {count}" for status, count in answers.most_common())


if __name__ == "__main__":
    main()
