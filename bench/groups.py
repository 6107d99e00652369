"""Many groups on several nodes: moving slots, throughput, forwarding, and what idle groups cost.

`python -m bench.groups` measures with real processes on loopback, Redis Cluster beside Trivet in the same
run, and writes the tables into `docs/performance.md`. `--parts` takes some of move, spread, forward and idle;
`--quick` only looks whether it works, with few keys and short times, and writes nothing.
"""

import argparse
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from bench import moving
from bench.clusters import RedisCluster, RedisClusterDisk, TrivetCluster, fill
from bench.frame import DOCS, generate, measured, median_of, parser_of, prepare, wanted
from bench.load import KEYS
from bench.peers import wait_until
from bench.report import Measurement, replace_between, short, table

PARTS = ("move", "spread", "forward", "idle")
DATABASE = 20
CONNECTIONS = 50
GROUPS = (1, 2, 4)
CELLS = [("set", 1), ("set", 16), ("get", 1), ("get", 16)]
IDLE_GROUPS = 200


def markers(part: str) -> tuple[str, str]:
    """Where a part's tables stand."""
    begin = f"<!-- groups-{part}:begin (written by `python -m bench.groups`) -->"
    return begin, f"<!-- groups-{part}:end -->"


def load(
    addresses: list[str], op: str, connections: int, pipeline: int, seconds: float, database: int = 0
) -> Measurement:
    """One cell, in a load generator process of its own."""
    words = ["--op", op, "--database", str(database)]
    words += ["--connections", str(connections), "--pipeline", str(pipeline)]
    return generate("bench.load", words, addresses, seconds)


def figure(rows: list[Measurement]) -> str:
    """A cell of a table: medians, and errors if there were any."""
    row = median_of(rows)
    errors = f", {row['errors']} errors ({row['first_error']})" if row["errors"] or row["lost"] else ""
    return f"{short(row['ops_per_s'])} ({row['p50_ms']:.1f} / {row['p99_ms']:.0f}){errors}"


# -- 1: slots that move ---------------------------------------------------------------------------------


def move(options: argparse.Namespace) -> list[str]:
    """A quarter of the slots goes to a fourth node."""
    rows: list[moving.Row] = []
    for _ in range(options.repeat):
        for kind in (None, RedisCluster, RedisClusterDisk):
            rows.append(moving.run(kind, options.dir, options.keys, options.rate, options.calm))
            print("  " + ", ".join(moving.line(rows[-1])), flush=True)
    rows.sort(key=lambda row: row["name"] != TrivetCluster.name)
    text = f"{options.keys:,} keys of 16 B with 100 B values; a line per run."
    return [text, "", *moving.lines(rows)]


# -- 2: leaders on several nodes ------------------------------------------------------------------------


def spread(options: argparse.Namespace) -> list[str]:
    """One, two and four groups; clients that know slots and clients that don't."""
    found: dict[str, dict[tuple[str, int], list[Measurement]]] = {}
    peer = TrivetCluster(options.dir)
    try:
        peer.start()
        places: dict[str, tuple[int, list[str]]] = {}
        for groups in GROUPS:
            database = DATABASE + groups
            peer.call("KEYSPACE", "CREATE", str(database), "SHARDS", str(groups))
            leaders = peer.lead_apart(database)
            fill({peer.addresses[0]: range(16_384)}, KEYS, database)
            owners = [
                f"{peer.address(leader)}/{row['slots']}"
                for leader, row in zip(leaders, peer.groups(database), strict=True)
            ]
            word = "group" if groups == 1 else "groups"
            places[f"Trivet, {groups} {word}, plain clients on all nodes"] = (database, peer.addresses)
            places[f"Trivet, {groups} {word}, clients that know the slots"] = (database, owners)
        measure_all(places, found, options)
        tools = redis_benchmark(peer, options)
    finally:
        peer.stop()
    for kind in (RedisCluster, RedisClusterDisk):
        redis = kind(options.dir)
        try:
            redis.start()
            fill(redis.shares(), KEYS)
            shares = [f"{a}/{slots.start}-{slots.stop - 1}" for a, slots in redis.shares().items()]
            measure_all({f"{redis.name}, 3 primaries, no replicas": (0, shares)}, found, options)
        finally:
            redis.stop()
    head = ["ops/s (p50 / p99 ms), 50 connections"]
    head += [op.upper() + (f" × {pipeline}" if pipeline > 1 else "") for op, pipeline in CELLS]
    rows = [[name, *[figure(cells[cell]) for cell in CELLS]] for name, cells in found.items()]
    return [*table(head, rows), *tools]


def measure_all(
    places: dict[str, tuple[int, list[str]]],
    found: dict[str, dict[tuple[str, int], list[Measurement]]],
    options: argparse.Namespace,
) -> None:
    """Every cell of every place, in turn, several times."""
    for _ in range(options.rounds):
        for name, (database, addresses) in places.items():
            cells = found.setdefault(name, {})
            for op, pipeline in CELLS:
                row = load(addresses, op, CONNECTIONS, pipeline, options.seconds, database)
                cells.setdefault((op, pipeline), []).append(row)
            print(f"  {name}: " + ", ".join(figure(cells[cell][-1:]) for cell in CELLS), flush=True)


def redis_benchmark(peer: TrivetCluster, options: argparse.Namespace) -> list[str]:
    """The tool knows database 0 only, and takes a cluster of two primaries for one: so it is split first."""
    tool = shutil.which("redis-benchmark")
    if tool is None:
        return ["Missing: `redis-benchmark --cluster` (redis-benchmark is not installed).", ""]
    peer.call("CLUSTER", "SPLIT", "1")
    wait_until(lambda: not peer.state()["moves"] and len(peer.groups(0)) == 2, "the split", 60)
    peer.lead_apart(0)
    host, _, port = peer.addresses[0].rpartition(":")
    count = int(20_000 * options.seconds)
    said: list[str] = []
    for pipeline in (1, 16):
        words = [tool, "--cluster", "-h", host, "-p", port, "-t", "set,get", "-d", "100", "-r", str(KEYS)]
        words += ["-c", str(CONNECTIONS), "-P", str(pipeline), "-n", str(count), "--csv"]
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
        rows = [line.replace('"', "").split(",") for line in done.stdout.splitlines()]
        rows = [row for row in rows if row[0] in ("SET", "GET")]
        if done.returncode or len(rows) != 2:
            why = (done.stderr + done.stdout).strip().splitlines() or ["nothing"]
            return [f"`redis-benchmark --cluster` over database 0 in two groups said: {why[-1]}", ""]
        times = f" × {pipeline}" if pipeline > 1 else ""
        said += [f"{row[0]}{times} {short(float(row[1]))}" for row in rows]
    print("  redis-benchmark: " + ", ".join(said), flush=True)
    text = "`redis-benchmark --cluster`, database 0 in two groups whose leaders are on different nodes"
    return [f"{text}: {', '.join(said)} per second.", ""]


# -- 3: forwarded commands ------------------------------------------------------------------------------


def forward(options: argparse.Namespace) -> list[str]:
    """The same group through its leader's node, another member's, and one that is no member."""
    peer = TrivetCluster(options.dir, nodes=4)
    database = DATABASE
    try:
        peer.start()
        peer.call("KEYSPACE", "CREATE", str(database), "SHARDS", "1", "REPLICAS", "3")
        (leader,) = peer.lead_apart(database)
        (group,) = peer.groups(database)
        outside = next(number for number in peer.pids() if number not in group["members"])
        follower = next(number for number in group["members"] if number != leader)
        fill({peer.address(leader): range(16_384)}, KEYS, database)
        places = {"leader": leader, "another member": follower, "no member": outside}
        cells = [(op, connections) for op in ("set", "get") for connections in (1, CONNECTIONS)]
        found: dict[tuple[str, str, int], list[Measurement]] = {}
        for _ in range(options.rounds):
            for name, node in places.items():
                for op, connections in cells:
                    row = load([peer.address(node)], op, connections, 1, options.seconds, database)
                    found.setdefault((name, op, connections), []).append(row)
    finally:
        peer.stop()
    head = ["ops/s (p50 / p99 ms), through a node that is"]
    head += [f"{op.upper()}, {connections} conn." for op, connections in cells]
    rows = [[name, *[figure(found[name, op, c]) for op, c in cells]] for name in places]
    return table(head, rows)


# -- 4: idle groups -------------------------------------------------------------------------------------


def idle(options: argparse.Namespace) -> list[str]:
    """How busy nodes are that have nothing to do, with one group and with 200 more."""
    rows: list[list[str]] = []
    peer = TrivetCluster(options.dir)
    try:
        peer.start()
        pids = list(peer.pids().values())
        cells = [("set", CONNECTIONS), ("get", CONNECTIONS), ("set", 1), ("get", 1)]
        rows.append(["Trivet, 1 group", *at_rest(pids, options), *beside(busy(peer), cells, options)])
        begun_s = time.monotonic()
        groups = options.idle_groups
        peer.call("KEYSPACE", "CREATE", str(DATABASE), "SHARDS", str(groups), seconds=120.0)
        made_s = time.monotonic() - begun_s
        wait_until(lambda: all(row["leader"] for row in peer.groups(DATABASE)), "leaders", 120)
        rows.append(
            [f"Trivet, {groups + 1} groups", *at_rest(pids, options), *beside(busy(peer), cells, options)]
        )
    finally:
        peer.stop()
    redis = RedisCluster(options.dir)
    try:
        redis.start()
        pids = [process.pid for process in redis.processes[:3]]
        rows.append(["Redis Cluster, 3 primaries", *at_rest(pids, options), *["–"] * len(cells)])
    finally:
        redis.stop()
    text = f"`KEYSPACE CREATE {DATABASE} SHARDS {groups}` was answered after {made_s:.1f} s."
    head = ["at rest", "CPU, % of a core, each of 3 nodes", "memory, MB, each"]
    head += [f"one busy group beside them: {op.upper()}, {connections} conn." for op, connections in cells]
    return [*table(head, rows), text, ""]


def busy(peer: TrivetCluster) -> list[str]:
    """Where the busy group is led now: so many new groups move leaders, and its own may be among them."""
    return [peer.address(peer.groups(0)[0]["leader"])]


def beside(addresses: list[str], cells: list[tuple[str, int]], options: argparse.Namespace) -> list[str]:
    """What one group does while the others rest."""
    found = []
    for op, connections in cells:
        rows = [load(addresses, op, connections, 1, options.seconds) for _ in range(options.rounds)]
        found.append(figure(rows))
    print("  beside them: " + ", ".join(found), flush=True)
    return found


def at_rest(pids: list[int], options: argparse.Namespace) -> list[str]:
    """CPU and memory of processes that are left alone."""
    time.sleep(options.rest)
    before = [cpu_s(pid) for pid in pids]
    begun_s = time.monotonic()
    time.sleep(options.rest)
    passed_s = time.monotonic() - begun_s
    shares = [100 * (cpu_s(pid) - was) / passed_s for pid, was in zip(pids, before, strict=True)]
    sizes = [resident_bytes(pid) / 1e6 for pid in pids]
    found = [" / ".join(f"{share:.1f}" for share in shares), " / ".join(f"{size:.0f}" for size in sizes)]
    print("  at rest: " + ", ".join(found), flush=True)
    return found


def cpu_s(pid: int) -> float:
    """CPU time of a process so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# -- all of it ------------------------------------------------------------------------------------------

RUNS: dict[str, Callable[[argparse.Namespace], list[str]]] = {
    "move": move,
    "spread": spread,
    "forward": forward,
    "idle": idle,
}


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of("groups", __doc__)
    parser.add_argument("--parts", default=",".join(PARTS), help="comma-separated, of: " + ", ".join(PARTS))
    parser.add_argument("--keys", type=int, default=1_000_000, help="to move a quarter of")
    parser.add_argument("--rate", type=int, default=300, help="commands/s during the move; 0: all it takes")
    parser.add_argument("--repeat", type=int, default=2, help="moves of each system")
    parser.add_argument("--calm", type=float, default=5.0, help="seconds of load before and after a move")
    parser.add_argument("--seconds", type=float, default=0.7, help="length of one measurement")
    parser.add_argument("--idle-groups", type=int, default=IDLE_GROUPS)
    parser.add_argument("--rest", type=float, default=10.0, help="seconds for which idle nodes are watched")
    options = parser.parse_args()
    if options.quick:
        options.keys, options.repeat, options.calm = 5_000, 1, 1.0
        options.rounds, options.seconds, options.rest, options.idle_groups = 1, 0.2, 1.0, 10
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
