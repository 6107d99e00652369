"""What modes `eventual` and `primary` cost beside mode `raft`, and what it costs copies to be equal.

`python -m bench.modes` measures, with real processes on loopback, SET and GET in keyspaces of modes raft,
eventual and primary of the same three nodes and in redis-server that syncs always (part throughput); what
three members of mode eventual do when a million keys are equal, and what travels when one of them was away
while a thousand changed (part copies). The tables go into `docs/performance.md`; `--quick` only looks whether
it works, and writes nothing.
"""

import argparse
import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from bench.clusters import TrivetCluster, fill
from bench.frame import DOCS, complain, generate, measured, median_of, parser_of, prepare, wanted
from bench.groups import cpu_s, figure
from bench.load import KEYS, VALUE_BYTES, key, resp
from bench.peers import HOST, Peer, free_ports, program, wait_until
from bench.report import Measurement, replace_between, table

PARTS = ("throughput", "copies")
RAFT, EVENTUAL, PRIMARY = 21, 22, 23
MODES = {
    "mode raft": (RAFT, ("SHARDS", "1", "REPLICAS", "3")),
    "mode eventual": (EVENTUAL, ("MODE", "eventual", "REPLICAS", "3")),
    "mode primary": (PRIMARY, ("MODE", "primary", "REPLICAS", "3")),
}
CONNECTIONS = (1, 50, 200)
OPERATIONS = ("set", "get")
AWAY = 3
"""The node that hears nothing while keys change."""
CONVERGED_S = 300.0
HINTS_BYTES = 64 << 20
"""So much is kept for a member that is away (``GossipSettings.retained_bytes_max``)."""
Cells = dict[tuple[str, int], list[Measurement]]


class RedisAlways(Peer):
    """One redis-server that syncs every write before it answers; no copies."""

    name = "Redis, appendfsync always, one copy"

    def start(self) -> None:
        """One process."""
        server = program("redis-server")
        self.fresh_directory()
        (port,) = free_ports(1)
        words = ["--port", str(port), "--bind", HOST, "--dir", str(self.directory), "--save", ""]
        self.spawn(server, *words, "--appendonly", "yes", "--appendfsync", "always", log="log")
        wait_until(lambda: b"PONG" in _answer(port, resp(b"PING")), self.name)
        self.addresses = [f"{HOST}:{port}"]


def markers(part: str) -> tuple[str, str]:
    """Where a part's tables stand."""
    begin = f"<!-- modes-{part}:begin (written by `python -m bench.modes`) -->"
    return begin, f"<!-- modes-{part}:end -->"


# -- 1: throughput --------------------------------------------------------------------------------------


def throughput(options: argparse.Namespace) -> list[str]:
    """All modes on the same nodes and Redis beside them, cell by cell in turn."""
    found: dict[str, Cells] = {}
    peer, redis = TrivetCluster(options.dir / "trivet"), RedisAlways(options.dir / "redis")
    try:
        peer.start()
        redis.start()
        places = {redis.name: (0, redis.addresses)}
        for name, (database, words) in MODES.items():
            peer.make_keyspace(database, *words)
            fill({peer.addresses[0]: range(16_384)}, KEYS, database)
            places[name] = (database, [_served_best(peer, database)])
        places["mode eventual, clients at all nodes"] = (EVENTUAL, peer.addresses)
        fill({redis.addresses[0]: range(16_384)}, KEYS)
        for _ in range(options.rounds):
            for cell in [(op, connections) for op in OPERATIONS for connections in CONNECTIONS]:
                for name, (database, addresses) in places.items():
                    row = _load(addresses, database, cell, options.seconds)
                    found.setdefault(name, {}).setdefault(cell, []).append(row)
                print(f"  {cell}: {', '.join(_told(found, cell))}", flush=True)
    finally:
        peer.stop()
        redis.stop()
    return lines_of(found)


def lines_of(found: dict[str, Cells]) -> list[str]:
    """The table: what it is, and beside it the ratio to mode raft."""
    cells = list(found["mode raft"])
    head = ["calls/s (p50 / p99 ms), ÷ mode raft"]
    head += [f"{op.upper()}, {connections} conn." for op, connections in cells]
    rows = []
    for name in sorted(found, key=lambda name: name.startswith("Redis")):
        row = [name]
        for cell in cells:
            ours, theirs = (median_of(found[one][cell])["ops_per_s"] for one in (name, "mode raft"))
            row.append(f"{figure(found[name][cell])}, {ours / theirs:.2f}" if theirs else "–")
        rows.append(row)
    return table(head, rows)


def _told(found: dict[str, Cells], cell: tuple[str, int]) -> list[str]:
    return [f"{name} {figure(cells[cell][-1:])}" for name, cells in found.items()]


def _load(addresses: list[str], database: int, cell: tuple[str, int], seconds: float) -> Measurement:
    op, connections = cell
    words = ["--op", op, "--database", str(database), "--connections", str(connections)]
    row = generate("bench.load", words, addresses, seconds)
    complain(row)
    return row


def _served_best(peer: TrivetCluster, database: int) -> str:
    """A node that need not ask another: its leader or primary, or any member."""
    (group,) = peer.groups(database)
    return peer.address(group["leader"] or group["members"][0])


# -- 2: copies ------------------------------------------------------------------------------------------


def copies(options: argparse.Namespace) -> list[str]:
    """What equal copies cost, and what it costs to make them equal again."""
    peer = TrivetCluster(options.dir / "trivet")
    rows: list[list[str]] = []
    try:
        peer.start()
        before = _at_rest(peer, options.rest)
        rows.append(["at rest, nothing in it", *before])
        peer.make_keyspace(EVENTUAL, *MODES["mode eventual"][1])
        begun_s = time.monotonic()
        fill({peer.addresses[0]: range(16_384)}, options.keys, EVENTUAL)
        filled_s = time.monotonic() - begun_s
        wait_until(lambda: _sizes(peer) == {options.keys + 1}, "all hold all", CONVERGED_S)
        converged_s = time.monotonic() - begun_s - filled_s
        rows.append([f"at rest, {options.keys:,} equal keys", *_at_rest(peer, options.rest)])
        head = ["three members", "CPU, % of a core, each", "bytes/s between all"]
        name = f"{options.changed:,} keys written so often that nothing of it was kept for the member"
        repairs = [_repair(peer, options, name, options.times)]
    finally:
        peer.stop()
    text = f"{options.keys:,} keys of 16 B with 100 B values went through one node in {filled_s:.0f} s;"
    text += f" all members held all {converged_s:.1f} s later."
    second = ["a member was away for", "until it held all again, s", "bytes on the wire meanwhile"]
    second += ["CPU s, each node"]
    return [text, "", *table(head, rows), "", *table(second, repairs)]


def _sizes(peer: TrivetCluster) -> set[int]:
    found = set()
    for node in peer.pids():
        peer.call("SELECT", str(EVENTUAL), node=node)
        found.add(int(peer.call("DBSIZE", node=node)))  # type: ignore[arg-type]
    return found


def _at_rest(peer: TrivetCluster, rest_s: float) -> list[str]:
    """CPU of the nodes and bytes on loopback while nobody asks for anything."""
    time.sleep(rest_s)
    pids = list(peer.pids().values())
    was, sent = [cpu_s(pid) for pid in pids], loopback_bytes()
    begun_s = time.monotonic()
    time.sleep(rest_s)
    passed_s = time.monotonic() - begun_s
    shares = [100 * (cpu_s(pid) - before) / passed_s for pid, before in zip(pids, was, strict=True)]
    found = [" / ".join(f"{share:.1f}" for share in shares), f"{(loopback_bytes() - sent) / passed_s:,.0f}"]
    print("  at rest: " + ", ".join(found), flush=True)
    return found


def _repair(peer: TrivetCluster, options: argparse.Namespace, name: str, times: int) -> list[str]:
    """One node is stopped, others go on writing; it wakes up: how long, and how much travels."""
    pids = peer.pids()
    os.kill(pids[AWAY], signal.SIGSTOP)
    try:
        time.sleep(options.silence)  # until the others have given up its connections
        for _ in range(times):
            fill({peer.addresses[0]: range(16_384)}, options.changed, EVENTUAL)
        last = f"{name} {time.time()}".encode()
        peer.call("SET", key(0).decode(), last.decode(), node=1)
        was, sent = [cpu_s(pid) for pid in pids.values()], loopback_bytes()
        begun_s = time.monotonic()
    finally:
        os.kill(pids[AWAY], signal.SIGCONT)
    wait_until(lambda: peer.call("GET", key(0).decode(), node=AWAY) == last, "the last is there", CONVERGED_S)
    wait_until(lambda: not _behind(peer), "nobody is behind", CONVERGED_S)
    took_s = time.monotonic() - begun_s
    moved = loopback_bytes() - sent
    spent = [cpu_s(pid) - before for pid, before in zip(pids.values(), was, strict=True)]
    row = [name, f"{took_s:.1f}", f"{moved:,}", " / ".join(f"{each:.1f}" for each in spent)]
    print("  " + ", ".join(row), flush=True)
    return row


def _behind(peer: TrivetCluster) -> bool:
    return any(row["behind"] for row in peer.groups(EVENTUAL))


def loopback_bytes() -> int:
    """What was sent over loopback so far, by everybody."""
    for line in Path("/proc/net/dev").read_text().splitlines():
        name, _, figures = line.partition(":")
        if name.strip() == "lo":
            return int(figures.split()[8])
    return 0


def _answer(port: int, request: bytes) -> bytes:
    try:
        with socket.create_connection((HOST, port), 1.0) as connection:
            connection.sendall(request)
            return connection.recv(100)
    except OSError:
        return b""


# -- all of it ------------------------------------------------------------------------------------------

RUNS: dict[str, Callable[[argparse.Namespace], list[str]]] = {"throughput": throughput, "copies": copies}


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of("modes", __doc__)
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated, of: " + ", ".join(PARTS))
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one measurement")
    parser.add_argument("--keys", type=int, default=1_000_000, help="that are equal")
    parser.add_argument("--changed", type=int, default=1_000, help="keys that differ")
    parser.add_argument("--rest", type=float, default=20.0, help="seconds for which idle nodes are watched")
    parser.add_argument("--silence", type=float, default=5.0, help="seconds until a node counts as away")
    options = parser.parse_args()
    options.times = 2 * HINTS_BYTES // VALUE_BYTES // options.changed
    if options.quick:
        options.rounds, options.seconds, options.keys, options.rest = 1, 0.2, 5_000, 1.0
        options.changed, options.times = 100, 3
    return options


def main() -> None:
    """Measure, print, write."""
    options = parse()
    prepare()
    for part in [name for name in options.parts.split(",") if name]:
        print(part, flush=True)
        before = wanted()
        lines = RUNS[part](options)
        mean = (before + wanted()) / 2
        head = f"{measured()}; with all else that it had to do, {mean:.1f} processes wanted each core."
        text = "\n".join([head, "", *lines]).rstrip() + "\n"
        print(text, flush=True)
        if not options.quick:
            replace_between(DOCS, *markers(part), text)


if __name__ == "__main__":
    main()
