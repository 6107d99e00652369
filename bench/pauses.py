"""What the death of a node is for the clients of the others: Trivet in both modes, and etcd.

`python -m bench.pauses` starts three nodes of each system in turn, with paced clients at every node
(`watched.py`), ends one node, and looks at the clients of the other two. In Trivet's mode raft and in etcd
it is the leader; in mode paxos there is none, so each node in turn. A node dies in two ways: it is killed
(SIGKILL), and its kernel tells the others at once that its connections are closed; or it is stopped
(SIGSTOP), and no connection breaks, it just says nothing more, as machines without power do. The tables go
into `docs/performance.md`, the picture is `docs/images/node-death.svg`. `--quick` only looks whether it
works, and writes nothing.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from bench.clusters import TrivetCluster
from bench.frame import DOCS, ROOT, begin_load, measured, parser_of, prepare
from bench.moving import cut
from bench.pauses_chart import Panel, Sample, draw
from bench.peers import Etcd, Peer, PeerError, wait_until
from bench.report import replace_between, table

PICTURE = ROOT / "docs" / "images" / "node-death.svg"
DATABASE = 7
KEYS = 1_000
CONNECTIONS = 100
"""To each node: enough that a call need not wait for another's reply, which would come first."""
SHOWN_BEFORE_S = 1.0
Raw = tuple[float, float, int, bool]
"""What `watched.py` says of a call: sent at, ms, node, succeeded."""


BEGIN = "<!-- pauses:begin (written by `python -m bench.pauses`) -->"
END = "<!-- pauses:end -->"
WAYS = {
    "kill": (signal.SIGKILL, "killed: its connections are closed at once"),
    "stop": (signal.SIGSTOP, "silent: its connections stay, nothing comes"),
}


# -- the systems ----------------------------------------------------------------------------------------


class ModeRaft(TrivetCluster):
    """One group of a keyspace of mode raft; its leader dies."""

    name = "Trivet, mode raft"
    up_words = ("--no-restart",)
    options: tuple[str, ...] = ("SHARDS", "1", "REPLICAS", "3")

    def start(self) -> None:
        """And make the keyspace."""
        super().start()
        self.make_keyspace(DATABASE, *self.options)

    def victim(self, turn: int) -> tuple[int, int, str]:
        """Who shall die: its place among the addresses, its process, and what it is."""
        self.look()
        wait_until(lambda: self.groups(DATABASE)[0]["leader"] != 0, "a leader")
        leader = int(self.groups(DATABASE)[0]["leader"])
        return [row["id"] for row in self.rows].index(leader), self.pids()[leader], "the leader"


class ModePaxos(ModeRaft):
    """A keyspace of mode paxos; any node dies."""

    name = "Trivet, mode paxos"
    options = ("MODE", "paxos", "REPLICAS", "3")

    def victim(self, turn: int) -> tuple[int, int, str]:
        """Each in turn."""
        self.look()
        place = turn % len(self.rows)
        return place, int(self.rows[place]["pid"]), "any node, each in turn"


class EtcdAll(Etcd):
    """Clients at all nodes of etcd; its leader dies."""

    def start(self) -> None:
        """The addresses are those of all nodes, in their order."""
        super().start()
        self.addresses = [client.removeprefix("http://") for client in self.clients]

    def leader(self, clients: list[str]) -> str:
        """Asked of the nodes themselves; empty: not known yet."""
        self.clients = clients
        for client in clients:
            request = urllib.request.Request(f"{client}/v3/maintenance/status", b"{}", method="POST")
            try:
                with urllib.request.urlopen(request, timeout=2.0) as response:
                    status = json.load(response)
            except (OSError, ValueError):
                return ""
            if status.get("leader", "") == status["header"]["member_id"]:
                return client
        return ""

    def victim(self, turn: int) -> tuple[int, int, str]:
        """The leader."""
        place = self.clients.index(self.leader(self.clients))
        return place, self.processes[place].pid, "the leader"


System = ModeRaft | EtcdAll
SYSTEMS: dict[str, type[System]] = {"paxos": ModePaxos, "raft": ModeRaft, "etcd": EtcdAll}


# -- one death ------------------------------------------------------------------------------------------


@dataclass
class Death:
    """What clients of the other nodes saw. Latencies in ms, in order."""

    killed: str
    before: list[float]
    after: list[float]
    gap_ms: float
    calls: int
    failed: int
    failures: dict[str, int]
    samples: list[Sample]


def clients(peer: Peer, options: argparse.Namespace, out: Path) -> subprocess.Popen[str]:
    """The load, in a process of its own."""
    words = ["--kind", peer.kind, "--rate", str(3 * options.rate), "--database", str(DATABASE)]
    words += ["--connections", str(CONNECTIONS), "--keys", str(KEYS), "--out", str(out)]
    return begin_load("bench.watched", words, peer.addresses)


def one_death(peer: System, turn: int, way: str, options: argparse.Namespace) -> Death:
    """Start it, load it, end a node, look."""
    doomed = 0
    try:
        peer.start()
        load = clients(peer, options, peer.directory / "samples")
        try:
            time.sleep(options.warm_up + options.calm)
            place, doomed, who = peer.victim(turn)
            killed_s = time.monotonic()
            os.kill(doomed, WAYS[way][0])
            time.sleep(options.window)
        finally:
            said, _ = load.communicate("", 60)
        lines = [line.split() for line in (peer.directory / "samples").read_text().splitlines()]
        raw = [(float(sent), float(took), int(node), ok == "1") for sent, took, node, ok in lines]
        return seen(raw, place, killed_s, options.calm, options.window, who, json.loads(said))
    finally:
        if way == "stop" and doomed:
            signal_quietly(doomed)
        peer.stop()


def signal_quietly(pid: int) -> None:
    """End a process of ours that is stopped, and could not end by itself."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def seen(
    raw: list[Raw],
    place: int,
    killed_s: float,
    calm_s: float,
    window_s: float,
    killed: str,
    failures: dict[str, int],
) -> Death:
    """What there is to say of the calls through nodes other than ``place``."""
    others = [call for call in raw if call[2] != place]
    under_way = [call for call in others if call[0] < killed_s <= call[0] + call[1] / 1000]
    before = [call for call in others if killed_s - calm_s <= call[0] < killed_s and call not in under_way]
    after = under_way + [call for call in others if killed_s <= call[0] < killed_s + window_s]
    ok = [call for call in others if call[3]]
    gaps = [
        longest_gap(
            [sent + took / 1000 for sent, took, one, _ in ok if one == node], killed_s, killed_s + window_s
        )
        for node in sorted({call[2] for call in others})
    ]
    return Death(
        killed,
        sorted(call[1] for call in before),
        sorted(call[1] for call in after),
        max(gaps, default=window_s) * 1000,
        len(after),
        len([call for call in after if not call[3]]),
        {text: n for text, n in failures.items() if text.partition(" ")[0] != str(place)},
        [(sent - killed_s, took, fine) for sent, took, _, fine in others],
    )


def longest_gap(answered_s: list[float], begin_s: float, end_s: float) -> float:
    """The longest time between two answers, in seconds, of that time; both of its ends count as answers."""
    marks = [begin_s, *sorted(at for at in answered_s if begin_s < at < end_s), end_s]
    return max(later - earlier for earlier, later in pairwise(marks))


# -- all of it ------------------------------------------------------------------------------------------

HEAD = [
    "3 nodes, clients of the 2 that live", "who dies", "deaths",
    "longest time without an answer, ms: median / worst",
    "p50 / p99 / p99.9 before, ms", "the same of calls under way then or sent after it, ms",
    "longest call, ms: median / worst",
    "failed",
]  # fmt: skip


def line(name: str, deaths: list[Death]) -> list[str]:
    """One system's line."""

    def median(values: list[float]) -> float:
        return statistics.median(values)

    def cuts(parts: list[list[float]]) -> str:
        return " / ".join(f"{median([cut(one, at) for one in parts]):.1f}" for at in (0.5, 0.99, 0.999))

    gaps = [death.gap_ms for death in deaths]
    longest = [max(death.after, default=0.0) for death in deaths]
    return [
        name,
        deaths[0].killed,
        str(len(deaths)),
        f"{median(gaps):.0f} / {max(gaps):.0f}",
        cuts([death.before for death in deaths]),
        cuts([death.after for death in deaths]),
        f"{median(longest):.0f} / {max(longest):.0f}",
        f"{sum(death.failed for death in deaths)} of {sum(death.calls for death in deaths)}",
    ]


def measure(options: argparse.Namespace) -> tuple[list[str], str]:
    """The tables, and the picture."""
    found: dict[tuple[str, str], list[Death]] = {}
    missing: dict[str, str] = {}
    systems, ways = [SYSTEMS[name] for name in options.systems.split(",")], options.ways.split(",")
    for turn, way in ((turn, way) for turn in range(options.rounds) for way in ways):
        for kind in systems:
            try:
                death = one_death(kind(options.dir), turn, way, options)
            except PeerError as error:
                missing[kind.name] = str(error)
                print(f"  missing: {kind.name}: {error}", flush=True)
                continue
            found.setdefault((way, kind.name), []).append(death)
            print(f"  {way}: " + ", ".join(line(kind.name, [death])), death.failures or "", flush=True)
    lines: list[str] = []
    columns: list[tuple[str, list[Panel]]] = []
    for way in ways:
        mine = {name: deaths for (one, name), deaths in found.items() if one == way}
        said = f"{WAYS[way][1][0].upper()}{WAYS[way][1][1:]}"
        lines += [f"**{said}**", "", *table(HEAD, [line(*row) for row in mine.items()])]
        columns.append((said, [panel(*row) for row in mine.items()]))
    lines += [f"Missing: {name} ({why})." for name, why in missing.items()]
    title = "One of three nodes dies: how long reads and writes through the other two take"
    return lines, draw(columns, title, -SHOWN_BEFORE_S, options.window)


def panel(name: str, deaths: list[Death]) -> Panel:
    """The death with the median of the gaps."""
    shown = sorted(deaths, key=lambda death: death.gap_ms)[(len(deaths) - 1) // 2]
    note = "– any node" if shown.killed.startswith("any") else "– the leader"
    note += f"; without an answer for {shown.gap_ms:.0f} ms"
    return Panel(name, note + (f", {shown.failed} failed" if shown.failed else ""), shown.samples)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = parser_of("pauses", __doc__, "deaths in each system")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="of: " + ", ".join(SYSTEMS))
    parser.add_argument("--rate", type=int, default=200, help="calls per second at each node")
    parser.add_argument("--warm-up", type=float, default=1.5, help="seconds of load that nobody looks at")
    parser.add_argument("--calm", type=float, default=2.0, help="seconds of load before the death")
    parser.add_argument("--window", type=float, default=5.0, help="seconds of load after it")
    parser.add_argument("--ways", default=",".join(WAYS), help="how nodes die, of: " + ", ".join(WAYS))
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.warm_up, options.calm, options.window = 1, 0.5, 1.0, 3.0
    return options


def main() -> None:
    """Measure, print, write."""
    options = parse()
    before = prepare()
    lines, picture = measure(options)
    head = f"{measured()}: {options.rate} calls/s at each node, half of them writes, {options.window:g} s "
    head += f"from the death on; before it began, {before:.1f} processes wanted each core."
    text = "\n".join([head, "", *lines]).rstrip() + "\n"
    print(text, flush=True)
    if not options.quick:
        replace_between(DOCS, BEGIN, END, text)
        PICTURE.write_text(picture)


if __name__ == "__main__":
    main()
