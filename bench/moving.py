"""A quarter of the slots moves to a node that has just joined, while clients read and write."""

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

from bench.clusters import RedisCluster, TrivetCluster, fill
from bench.frame import begin_load
from bench.peers import Peer, PeerError, wait_until
from bench.report import short, table

SLOTS_MOVED = 4096
CALM_S = 5.0
"""How long the load runs before and after the move."""
LOOK_S = 0.05
AROUND_S = 0.1
MOVE_S = 900.0


class Moved(TypedDict):
    """What one move looked like. Times in seconds, of the monotonic clock where they are instants."""

    keys: int
    begun_s: float
    served_s: float
    """From then on the new owner serves all that moved."""
    ended_s: float
    sealed_s: float
    """How long slots were sealed; 0: they never are."""


class Row(TypedDict):
    """One line of the table."""

    name: str
    rate: int
    moved: Moved
    before: list[float]
    during: list[float]
    after: list[float]
    pause: list[float]
    """Latencies in ms: of commands that were sent from just before the seal until the end of the move."""
    seconds: tuple[float, float, float]
    errors: int
    first_error: str
    redirected: int


class Clients:
    """Paced load in a process of its own."""

    def __init__(self, peer: Peer, out: Path, keys: int, rate: int, *, cluster: bool) -> None:
        self.out = out
        words = ["--keys", str(keys), "--rate", str(rate), "--out", str(out)]
        words += ["--cluster"] if cluster else []
        self.process = begin_load("bench.paced", words, peer.addresses)

    def end(self) -> tuple[list[tuple[float, float, int]], dict[str, Any]]:
        """All commands (when it was sent, ms, slot), and what the generator says of them."""
        said, _ = self.process.communicate("", 60)
        lines = (line.split() for line in self.out.read_text().splitlines())
        return [(float(sent), float(took), int(slot)) for sent, took, slot in lines], json.loads(said)


def measure(peer: Peer, keys: int, rate: int, calm_s: float, move: Callable[[], Moved]) -> Row:
    """Load, the move in the middle of it, load."""
    clients = Clients(peer, peer.directory / "samples", keys, rate, cluster=isinstance(peer, RedisCluster))
    try:
        time.sleep(calm_s)
        moved = move()
        time.sleep(calm_s)
    finally:
        over_s = time.monotonic()
        samples, said = clients.end()
    begun_s, ended_s = moved["begun_s"], moved["ended_s"]
    sealed_s = moved["served_s"] - moved["sealed_s"] - AROUND_S if moved["sealed_s"] else begun_s
    return {
        "name": peer.name,
        "rate": rate,
        "moved": moved,
        "before": _sent(samples, begun_s - calm_s, begun_s),
        "during": _sent(samples, begun_s, ended_s),
        "after": _sent(samples, ended_s, over_s),
        "pause": _sent(samples, sealed_s, ended_s),
        "seconds": (calm_s, ended_s - begun_s, over_s - ended_s),
        "errors": said["errors"],
        "first_error": said["first_error"],
        "redirected": said["redirected"],
    }


def _sent(samples: list[tuple[float, float, int]], begin_s: float, end_s: float) -> list[float]:
    return sorted(took for sent, took, _ in samples if begin_s <= sent < end_s)


def trivet(directory: Path, keys: int, rate: int, calm_s: float) -> Row:
    """`CLUSTER MOVE 1 0-4095 NEW`, three replicas of everything."""
    peer = TrivetCluster(directory)
    try:
        peer.start()
        fill({peer.addresses[0]: range(16_384)}, keys)
        peer.scale(4)
        return measure(peer, keys, rate, calm_s, lambda: _move(peer))
    finally:
        peer.stop()


def _move(peer: TrivetCluster) -> Moved:
    begun_s = time.monotonic()
    peer.call("CLUSTER", "MOVE", "1", f"0-{SLOTS_MOVED - 1}", "NEW")
    served: list[float] = []

    def over() -> bool:
        moves = peer.state()["moves"]
        if not served and (not moves or moves[0]["phase"] == "taken"):
            served.append(time.monotonic())
        return not moves

    wait_until(over, "the move", MOVE_S)
    ended_s = time.monotonic()
    group = peer.groups(0)[-1]
    if group["slots"] != f"0-{SLOTS_MOVED - 1}" or 4 not in group["members"]:
        raise PeerError(f"the new group is {group}")
    wait_until(lambda: any(peer.notes("its slots were sealed for")), "a word about the pause")
    note = next(peer.notes("its slots were sealed for"))
    sealed_ms = int(note.rpartition(" sealed for ")[2].split()[0])
    wait_until(lambda: bool(peer.groups(0)[-1]["keys"]), "the number of keys")
    keys = int(peer.groups(0)[-1]["keys"])
    return Moved(keys=keys, begun_s=begun_s, served_s=served[0], ended_s=ended_s, sealed_s=sealed_ms / 1000)


def redis(kind: type[RedisCluster], directory: Path, keys: int, rate: int, calm_s: float) -> Row:
    """`redis-cli --cluster reshard` to a fourth primary, no replicas."""
    peer = kind(directory)
    try:
        peer.start()
        fill(peer.shares(), keys)
        peer.grow()

        def move() -> Moved:
            begun_s = time.monotonic()
            peer.reshard(SLOTS_MOVED)
            ended_s = time.monotonic()
            moved = peer.keys_moved()
            return Moved(keys=moved, begun_s=begun_s, served_s=ended_s, ended_s=ended_s, sealed_s=0.0)

        return measure(peer, keys, rate, calm_s, move)
    finally:
        peer.stop()


def run(kind: type[RedisCluster] | None, directory: Path, keys: int, rate: int, calm_s: float) -> Row:
    """One move of Trivet (None) or of one kind of Redis Cluster."""
    if kind is None:
        return trivet(directory, keys, rate, calm_s)
    return redis(kind, directory, keys, rate, calm_s)


HEAD = [
    "", "load", "keys moved", "until the new node served all", "until all was over", "keys/s",
    "commands/s before / during / after", "p50, ms: before / during / after",
    "p99.9, ms: before / during / from the seal on", "longest, ms: before / during / from the seal on",
    "sealed",
]  # fmt: skip


def lines(rows: list[Row]) -> list[str]:
    """The table."""
    return table(HEAD, [line(row) for row in rows])


def line(row: Row) -> list[str]:
    """One line of it."""
    moved = row["moved"]
    phases = [row["before"], row["during"], row["after"]]
    speed = [short(len(one) / seconds) for one, seconds in zip(phases, row["seconds"], strict=True)]
    sealed = bool(moved["sealed_s"])
    parts = [row["before"], row["during"], *([row["pause"]] if sealed else [])]
    errors = f", {row['errors']} errors ({row['first_error']})" if row["errors"] else ""
    until_s = moved["served_s"] - moved["begun_s"]
    return [
        row["name"],
        (f"{row['rate']:,}/s" if row["rate"] else "as much as it takes") + errors,
        f"{moved['keys']:,}",
        f"{until_s:.1f} s",
        f"{moved['ended_s'] - moved['begun_s']:.1f} s",
        short(moved["keys"] / until_s),
        " / ".join(speed),
        " / ".join(f"{statistics.median(one or [0.0]):.1f}" for one in phases),
        " / ".join(f"{cut(one, 0.999):.0f}" for one in parts),
        " / ".join(f"{max(one, default=0.0):.0f}" for one in parts),
        f"{moved['sealed_s'] * 1000:.0f} ms" if sealed else "–",
    ]


def cut(ordered: list[float], part: float) -> float:
    """The value below which that part of them lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))] if ordered else 0.0
