"""What mode paxos costs beside mode raft.

`python -m bench.registers` measures SET, GET and INCR of small values in two keyspaces of the same three
nodes, one of each mode, with real processes on loopback, both in turn: clients at all nodes, many keys or
one that all want. What one call costs in round trips, messages, syncs and bytes is counted in the lab, in
virtual time. The tables go into `docs/performance.md`; `--quick` only looks whether it works, and writes
nothing.
"""

import argparse
from collections.abc import Callable

from bench import register_costs, register_cpu
from bench.clusters import TrivetCluster
from bench.frame import DOCS, generate, measured_by, median_of, parser_of, prepare
from bench.report import Measurement, replace_between, short, table

BEGIN = "<!-- registers:begin (written by `python -m bench.registers`) -->"
END = "<!-- registers:end -->"
MODES = {"paxos": (7, ("MODE", "paxos", "REPLICAS", "3")), "raft": (8, ("SHARDS", "1", "REPLICAS", "3"))}
"""Each mode's keyspace: its number, and how it is made."""
CONNECTIONS = (1, 10, 50, 200)
OPERATIONS = ("set", "get", "incr")
KEYS = 1_000
POOLS = {KEYS: f"{KEYS:,} keys, written before", 1: "One key that all want"}
Cell = tuple[str, int, int]
"""(operation, connections, keys)"""
Rows = dict[tuple[str, Cell], list[Measurement]]
"""By mode and cell."""


def load(addresses: list[str], database: int, cell: Cell, seconds: float) -> Measurement:
    """One cell, in a load generator process of its own."""
    op, connections, keys = cell
    words = ["--op", op, "--database", str(database), "--connections", str(connections), "--keys", str(keys)]
    return generate("bench.load", words, addresses, seconds)


def figure(rows: list[Measurement]) -> str:
    """A cell of a table: medians; ! marks errors."""
    row = median_of(rows)
    mark = f" ! {row['errors']} errors ({row['first_error']})" if row["errors"] or row["lost"] else ""
    per_s = row["ops_per_s"]
    shown = short(per_s) if per_s >= 1_000 else f"{per_s:.0f}"
    return f"{shown} ({row['p50_ms']:.1f} / {row['p99_ms']:.1f}){mark}"


def lines_of(found: Rows, keys: int) -> list[str]:
    """The table of one pool of keys."""
    head = ["calls/s (p50 / p99 ms)", "mode paxos", "mode raft", "calls/s, paxos ÷ raft", "p50, paxos ÷ raft"]
    rows = []
    for op in OPERATIONS:
        for connections in CONNECTIONS:
            cell = (op, connections, keys)
            if ("paxos", cell) not in found or ("raft", cell) not in found:
                continue
            ours, theirs = found["paxos", cell], found["raft", cell]
            name = f"{op.upper()}, {connections} connection{'s' if connections > 1 else ''}"
            ratios = [_ratio(ours, theirs, lambda row: row["ops_per_s"])]
            ratios.append(_ratio(ours, theirs, lambda row: row["p50_ms"]))
            rows.append([name, figure(ours), figure(theirs), *ratios])
    return [f"**{POOLS[keys]}**", "", *table(head, rows)]


def _ratio(ours: list[Measurement], theirs: list[Measurement], of: Callable[[Measurement], float]) -> str:
    below = of(median_of(theirs))
    return f"{of(median_of(ours)) / below:.2f}" if below else "–"


def measure(options: argparse.Namespace) -> list[str]:
    """Both modes on the same nodes, cell by cell in turn."""
    found: Rows = {}
    peer = TrivetCluster(options.dir)
    try:
        peer.start()
        for database, words in MODES.values():
            peer.make_keyspace(database, *words)
            for op in ("set", "incr"):
                load(peer.addresses, database, (op, 50, KEYS), 3 * options.seconds)
        for _ in range(options.rounds):
            for keys in POOLS:
                for cell in [(op, connections, keys) for op in OPERATIONS for connections in CONNECTIONS]:
                    for mode, (database, _) in MODES.items():
                        row = load(peer.addresses, database, cell, options.seconds)
                        found.setdefault((mode, cell), []).append(row)
                    told = [f"{mode} {figure(found[mode, cell][-1:])}" for mode in MODES]
                    print(f"  {cell}: " + ", ".join(told), flush=True)
    finally:
        peer.stop()
    return [text for keys in POOLS for text in lines_of(found, keys)]


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of("registers", __doc__)
    parser.add_argument("--seconds", type=float, default=0.7, help="length of one measurement")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 1, 0.15
    return options


def main() -> None:
    """Measure, print, write."""
    options = parse()
    before = prepare()
    costs = [*register_costs.counted(), *register_cpu.counted(200 if options.quick else register_cpu.CALLS)]
    print("\n".join(costs), flush=True)
    cells = measure(options)
    head = measured_by("registers", options, before)
    text = "\n".join([head, "", *costs, *cells]).rstrip() + "\n"
    print("\n".join(cells), flush=True)
    if not options.quick:
        replace_between(DOCS, BEGIN, END, text)


if __name__ == "__main__":
    main()
