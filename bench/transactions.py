"""Transactions over groups: what they cost beside Redis' MULTI and beside two-phase commit of PostgreSQL.

`python -m bench.transactions` measures transactions of 2, 3 and 5 keys within one group, over two and over
three, with real processes on loopback, everybody in turn, and writes the tables into `docs/performance.md`.
Messages and syncs are counted in the lab. `--quick` only looks whether it works, and writes nothing.
"""

import argparse

from bench.clusters import TrivetCluster
from bench.databases import RedisAlways, TwoPostgres
from bench.frame import DOCS, complain, generate, measured_by, median_of, parser_of, prepare
from bench.peers import Peer, PeerError
from bench.report import Measurement, replace_between, short, table
from trivet.core.base.ids import GroupId, NodeId
from trivet.core.cluster.rows import SYSTEM_GROUP
from trivet.core.cluster.slots import SLOTS
from trivet.lab.pictures.describe import describe
from trivet.lab.recording import Recorder
from trivet.lab.resp import request
from trivet.lab.stage.stage import Stage, stage_options

BEGIN = "<!-- transactions:begin (written by `python -m bench.transactions`) -->"
END = "<!-- transactions:end -->"
DATABASE = 20
GROUPS = 3
KEYS = (2, 3, 5)
CONNECTIONS = 16
LOADS = ((1, False), (CONNECTIONS, False), (CONNECTIONS, True))
"""(connections, whether all want the same few keys)"""
TITLES = {
    (1, False): "One connection",
    (CONNECTIONS, False): f"{CONNECTIONS} connections, 1,000 keys in each group",
    (CONNECTIONS, True): f"{CONNECTIONS} connections that want the same few keys of each group",
}
Cell = tuple[int, int, int, bool]
"""(keys, groups, connections, contended)"""
Rows = dict[str, dict[Cell, list[Measurement]]]


# -- with real processes --------------------------------------------------------------------------------


def load(peer: Peer, slots: list[str], cell: Cell, seconds: float) -> Measurement:
    """One cell, in a load generator process of its own."""
    keys, parts, connections, contended = cell
    words = ["--kind", peer.kind, "--keys", str(keys), "--parts", str(parts)]
    words += ["--connections", str(connections)]
    words += ["--contended"] if contended else []
    words += ["--database", str(DATABASE)] if isinstance(peer, TrivetCluster) else []
    for one in slots:
        words += ["--slots", one]
    row = generate("bench.transaction_load", words, peer.addresses, seconds, 120.0)
    complain(row)
    return row


def cells_of(parts: tuple[int, ...]) -> list[Cell]:
    """All cells of somebody who spreads keys over so many places."""
    return [
        (keys, part, connections, contended)
        for connections, contended in LOADS
        for keys in KEYS
        for part in parts
        if part <= keys
    ]


def one_peer(peer: Peer, parts: tuple[int, ...], options: argparse.Namespace, found: Rows) -> None:
    """Start it, measure every cell once, stop it."""
    print(peer.name, flush=True)
    try:
        peer.start()
        slots = [f"0-{SLOTS - 1}"]
        if isinstance(peer, TrivetCluster):
            peer.call("KEYSPACE", "CREATE", str(DATABASE), "SHARDS", str(GROUPS))
            peer.lead_apart(DATABASE)
            slots = [str(row["slots"]) for row in peer.groups(DATABASE)]
        for cell in cells_of(parts):
            row = load(peer, slots, cell, options.seconds)
            found.setdefault(peer.name, {}).setdefault(cell, []).append(row)
            print(f"  {cell}: {figure([row])}", flush=True)
    finally:
        peer.stop()


def figure(rows: list[Measurement]) -> str:
    """A cell of a table; ! marks errors."""
    row = median_of(rows)
    mark = " !" if row["errors"] or row["lost"] else ""
    per_s = row["ops_per_s"]
    shown = short(per_s) if per_s >= 1_000 else f"{per_s:.0f}"
    return f"{shown} ({row['p50_ms']:.1f} / {row['p99_ms']:.1f}){mark}"


def measure(options: argparse.Namespace) -> list[str]:
    """The tables."""
    found: Rows = {}
    missing: dict[str, str] = {}
    systems: list[tuple[type[Peer], tuple[int, ...]]] = [
        (TrivetCluster, (1, 2, 3)),
        (RedisAlways, (1,)),
        (TwoPostgres, (1, 2)),
    ]
    for _ in range(options.rounds):
        for kind, parts in systems:
            try:
                one_peer(kind(options.dir), parts, options, found)
            except PeerError as error:
                missing[kind.name] = str(error)
                print(f"  missing: {error}", flush=True)
    lines: list[str] = []
    for connections, contended in LOADS:
        lines += [f"**{TITLES[(connections, contended)]}**", ""]
        lines += _table(found, connections, contended)
    return [*lines, *[f"Missing: {name} ({why})." for name, why in missing.items()]]


def _table(found: Rows, connections: int, contended: bool) -> list[str]:
    head = ["transactions/s (p50 / p99 ms)", TrivetCluster.name, RedisAlways.name, TwoPostgres.name]
    head += ["ours ÷ Redis", "ours ÷ PostgreSQL"]
    rows = []
    for keys, parts, *_ in [cell for cell in cells_of((1, 2, 3)) if cell[2:] == (connections, contended)]:
        cell = (keys, parts, connections, contended)
        row = [f"{keys} keys, {parts} group{'s' if parts > 1 else ''}"]
        ours = found.get(TrivetCluster.name, {}).get(cell)
        theirs = [
            found.get(RedisAlways.name, {}).get((keys, 1, connections, contended)),
            found.get(TwoPostgres.name, {}).get(cell),
        ]
        row += [figure(one) if one else "–" for one in (ours, *theirs)]
        for other in theirs:
            beside = median_of(other)["ops_per_s"] if ours and other else 0.0
            row.append(f"{median_of(ours)['ops_per_s'] / beside:.2f}" if ours and beside else "–")
        rows.append(row)
    return table(head, rows)


# -- in the lab -----------------------------------------------------------------------------------------

DELAY_US = 10_000
"""Each message takes so long there, and all else next to nothing: so flights can be told by the clock."""
REST_MS = 400


def count(parts: int) -> list[str]:
    """One transaction over so many groups, alone: its rounds, messages and syncs, until the reply and in all.

    Its node leads the first of the groups, where it is decided; the others are led by other nodes.
    """
    options = stage_options(
        1, 3, net_us_min=DELAY_US, net_us_max=DELAY_US, sync_us_min=1, sync_us_max=1, turn_us_max=1
    )
    recorder = Recorder("count", 1)
    stage = Stage(3, 1, recorder, options)
    led: dict[GroupId, NodeId] = {SYSTEM_GROUP: 1, 1: 1}
    stage.run_until(lambda: _groups(stage) >= 1)
    for group in range(1, GROUPS):
        stage.run_until(lambda group=group: _groups(stage) == group)  # type: ignore[misc]
        stage.ask(1, "CLUSTER", "SPLIT", str(group))
        led[group + 1] = group + 1
    stage.run_until(lambda: _groups(stage) == GROUPS)
    for group, node in led.items():
        stage.ask(1, "CLUSTER", "LEAD", str(group), str(node))
    stage.run_until(
        lambda: all(stage.process(node).looks[group].role == "leader" for group, node in led.items())
    )
    names = _names(stage, parts)
    for name in names:
        stage.ask(1, "SET", name, "1")
    stage.run_for(3_000)
    begun_us, syncs = stage.simulation.now_us, _syncs(stage)
    speaker = stage.conversation(stage.new_client())
    speaker.connect(1)
    words = [[b"MULTI"], *[[b"INCRBY", name.encode(), b"1"] for name in names], [b"EXEC"]]
    (operation,) = speaker.write(b"".join(map(request, words)))
    stage.run_until(lambda: operation.replies)
    replied_us, syncs_then = stage.simulation.now_us, _syncs(stage) - syncs
    stage.run_for(REST_MS)
    syncs_all = _syncs(stage) - syncs
    told = [m for m in describe(recorder.recording).messages if m.sent_us >= begun_us and not m.routine]
    stage.close()
    flights = round((replied_us - begun_us) / DELAY_US) - 2  # to the node and back
    then = len([m for m in told if m.sent_us <= replied_us - DELAY_US])
    return [f"{parts}", f"{flights}", f"{then} / {len(told)}", f"{syncs_then} / {syncs_all}"]


def _groups(stage: Stage) -> int:
    cluster = stage.cluster.newest_map()
    if cluster is None or cluster.moves:
        return 0
    return len([row for row in cluster.groups.values() if row.id != SYSTEM_GROUP and row.members])


def _syncs(stage: Stage) -> int:
    return sum(stage.process(node).disk.synced_jobs for node in stage.nodes)


def _names(stage: Stage, parts: int) -> list[str]:
    """Three keys, the first in group 1, the others dealt out."""
    from trivet.core.cluster.slots import slot_of

    cluster = stage.cluster.newest_map()
    assert cluster is not None
    found: list[str] = []
    wanted = [1 + place % parts for place in range(3)]
    for number in range(10_000):
        name = f"n{number}"
        if len(found) < 3 and cluster.group_of(0, slot_of(name.encode())) == wanted[len(found)]:
            found.append(name)
    return found


def counted() -> list[str]:
    """The table of rounds, messages and syncs."""
    head = ["3 keys over groups", "flights between nodes one after the other, until the reply"]
    head += ["messages between nodes, until the reply / in all", "syncs on all three disks, the same"]
    return table(head, [count(parts) for parts in (1, 2, 3)])


# -- all of it ------------------------------------------------------------------------------------------


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of("transactions", __doc__)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of one measurement")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 0.2
    return options


def main() -> None:
    """Measure, print, write."""
    options = parse()
    before = prepare()
    head = measured_by("transactions", options, before)
    text = "\n".join([head, "", *counted(), *measure(options)]).rstrip() + "\n"
    print(text, flush=True)
    if not options.quick:
        replace_between(DOCS, BEGIN, END, text)


if __name__ == "__main__":
    main()
