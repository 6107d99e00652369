"""`make bench`: all peers, one after the other, several rounds, the same load; then the tables.

A round starts each peer, fills it, measures every cell, and stops it. Rounds repeat in turn, so that a
machine that slows down slows all alike; a cell's figure is the median of its rounds. Results go to
`bench/results/*.json` and as tables into `docs/performance.md`.
"""

import argparse
import json
import time
from pathlib import Path

from bench.frame import DOCS, ROOT, complain, generate, machine, median_of
from bench.load import KEYS, VALUE_BYTES, key, resp
from bench.peers import PEERS, Peer, PeerError
from bench.report import Measurement, Results, write_report

CONNECTIONS = (1, 50, 200)
PIPELINES = (1, 16)


def fill(peer: Peer) -> None:
    """Write every key once, so that each GET finds one."""
    import socket

    if peer.kind != "resp":
        measure(peer, "set", 50, 1, 1.0)
        return
    host, _, port = peer.addresses[0].rpartition(":")
    with socket.create_connection((host, int(port)), 30.0) as connection:
        stream = connection.makefile("rb")
        for first in range(0, KEYS, 500):
            numbers = range(first, first + 500)
            connection.sendall(b"".join(resp(b"SET", key(number), b"x" * VALUE_BYTES) for number in numbers))
            for _ in numbers:
                line = stream.readline()
                if not line.startswith(b"+OK"):
                    raise PeerError(f"SET was answered {line!r}")


def measure(peer: Peer, op: str, connections: int, pipeline: int, seconds: float) -> Measurement:
    """One cell, in a load generator process of its own."""
    words = ["--kind", peer.kind, "--op", op, "--wait", str(peer.wait)]
    words += ["--connections", str(connections), "--pipeline", str(pipeline)]
    row = generate("bench.load", words, peer.addresses, seconds)
    complain(row)
    return row


def one_round(peer: Peer, options: argparse.Namespace, rows: dict[str, list[Measurement]]) -> None:
    """Start a peer, measure every cell once, stop it."""
    try:
        peer.start()
        fill(peer)
        for op in peer.operations:
            for connections in CONNECTIONS:
                for pipeline in PIPELINES:
                    cell = f"{op} {connections} {pipeline}"
                    row = measure(peer, op, connections, pipeline, options.seconds)
                    rows.setdefault(cell, []).append(row)
                    latency = f"p50 {row['p50_ms']:7.2f}  p99 {row['p99_ms']:7.2f} ms"
                    print(f"  {cell:12} {row['ops_per_s']:10,.0f}/s  {latency}", flush=True)
    finally:
        peer.stop()


def main() -> None:
    """Run the whole benchmark."""
    parser = argparse.ArgumentParser(
        prog="make bench", description="Trivet and its peers under the same load"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5, help="length of one measurement")
    parser.add_argument("--peers", default=",".join(PEERS), help="comma-separated, of: " + ", ".join(PEERS))
    parser.add_argument(
        "--dir", type=Path, default=ROOT / "bench" / "results" / "data", help="data goes here"
    )
    parser.add_argument("--no-docs", action="store_true", help="leave docs/performance.md alone")
    options = parser.parse_args()
    names = [name for name in options.peers.split(",") if name]
    measured: dict[str, dict[str, list[Measurement]]] = {name: {} for name in names}
    missing: dict[str, str] = {}
    for number in range(options.rounds):
        for name in names:
            if name in missing:
                continue
            print(f"round {number + 1}, {PEERS[name].name}", flush=True)
            try:
                one_round(PEERS[name](options.dir / name), options, measured[name])
            except PeerError as error:
                missing[name] = str(error)
                print(f"  missing: {error}", flush=True)
    cells = {name: {cell: median_of(rows) for cell, rows in measured[name].items()} for name in names}
    command = f"make bench  # {options.rounds} rounds of {options.seconds} s per cell"
    results: Results = {
        "machine": machine(),
        "command": command,
        "when": time.strftime("%Y-%m-%d"),
        "names": {name: PEERS[name].name for name in names},
        "cells": cells,
        "missing": missing,
    }
    out = ROOT / "bench" / "results"
    out.mkdir(parents=True, exist_ok=True)
    (out / time.strftime("%Y%m%d-%H%M%S.json")).write_text(json.dumps(results, indent=1))
    write_report(results, None if options.no_docs else DOCS)


if __name__ == "__main__":
    main()
