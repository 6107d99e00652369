"""``LATENCY``: when clients of this node had to wait long, and how long they wait in general.

The one event is ``command``: a run that took at least ``latency-monitor-threshold`` ms until
it was acknowledged. The histograms count all runs, in powers of two of a millisecond.
"""

from typing import Final

from trivet.core.command.arguments import exact, unknown_subcommand, wrong_arity
from trivet.core.node.front import Front
from trivet.core.node.session import Session
from trivet.core.node.stats import Stats
from trivet.core.wire.reply import Error, Reply, Simple, Verbatim

_ARITY: Final[dict[bytes, int]] = {
    b"LATEST": 2, b"HISTORY": 3, b"RESET": -2, b"DOCTOR": 2, b"GRAPH": 3, b"HISTOGRAM": -2, b"HELP": 2,
}  # fmt: skip
_GRAPH_COLUMNS: Final = 80
_HELP: Final = (
    "LATENCY <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "DOCTOR",
    "    What was seen, in words.",
    "GRAPH <event>",
    "    The samples of an event as bars.",
    "HISTORY <event>",
    "    The samples of an event: Unix time and ms.",
    "LATEST",
    "    The newest sample of every event.",
    "RESET [<event> ...]",
    "    Forget the samples of these events, or of all.",
    "HISTOGRAM [COMMAND ...]",
    "    How long commands took until their answers, cumulatively.",
    "HELP",
    "    This text.",
)


def latency(front: Front, session: Session, args: list[bytes]) -> bool:
    """Answer any ``LATENCY`` command."""
    session.answer_reply(_answer(front.stats, args))
    return True


def _answer(stats: Stats, args: list[bytes]) -> Reply:
    action = args[1].upper()
    arity = _ARITY.get(action)
    if arity is None:
        return unknown_subcommand(args[0], args[1])
    if len(args) != arity and (arity > 0 or len(args) < -arity):
        return wrong_arity(f"latency|{action.decode().lower()}")
    if action == b"LATEST":
        return [
            [event.encode(), samples[-1][0], samples[-1][1], max(ms for _, ms in samples)]
            for event, samples in stats.latency.items()
        ]
    if action == b"HISTORY":
        return [[unix_s, ms] for unix_s, ms in stats.latency.get(exact(args[2]), ())]
    if action == b"RESET":
        return _reset(stats, args[2:])
    if action == b"DOCTOR":
        return Verbatim("txt", _doctor(stats).encode())
    if action == b"GRAPH":
        return _graph(stats, exact(args[2]))
    if action == b"HISTOGRAM":
        return _histogram(stats, args[2:])
    return [Simple(line) for line in _HELP]


def _reset(stats: Stats, events: list[bytes]) -> Reply:
    names = [exact(event) for event in events] or list(stats.latency)
    return sum([stats.latency.pop(name, None) is not None for name in names])


def _doctor(stats: Stats) -> str:
    if not stats.latency_ms:
        return (
            "The latency monitor is off: CONFIG SET latency-monitor-threshold <ms> turns it on everywhere.\n"
        )
    if not stats.latency:
        return "No command of this node's clients has taken that long.\n"
    lines = ["What took longest on this node, from a command's arrival to its answer:\n"]
    for event, samples in stats.latency.items():
        times = [ms for _, ms in samples]
        lines.append(
            f"{event}: {len(times)} seconds with samples, mean {sum(times) // len(times)} ms, "
            f"worst {max(times)} ms.\n"
        )
    lines.append(
        "A write waits for the disks of a majority: compare with trivet_log_syncs in INFO, the disks' own "
        "times, and the network between the nodes.\n"
    )
    return "".join(lines)


def _graph(stats: Stats, event: str) -> Reply:
    samples = stats.latency.get(event)
    if not samples:
        return Error(f"ERR No samples available for event '{event}'")
    shown = list(samples)[-_GRAPH_COLUMNS:]
    high = max(ms for _, ms in shown)
    lines = [f"{event} - high {high} ms, low {min(ms for _, ms in shown)} ms\n"]
    for unix_s, ms in shown:
        lines.append(f"{unix_s} {'#' * max(1, ms * 40 // max(high, 1))} {ms}\n")
    return Verbatim("txt", "".join(lines).encode())


def _histogram(stats: Stats, wanted: list[bytes]) -> Reply:
    calls = dict(stats.by_name())
    names = list(calls)
    if wanted:
        names = [name.lower().decode("latin-1") for name in wanted]
    found: dict[bytes, Reply] = {}
    for name in names:
        if not calls.get(name):
            continue
        slower = stats.histograms.get(name, [])
        reached = max(0, calls[name] - sum(slower))
        buckets: dict[bytes, Reply] = {b"1000": reached} if reached else {}
        for power, count in enumerate(slower):
            reached += count
            if count:
                buckets[b"%d" % (1000 << power)] = reached
        found[name.encode()] = {b"calls": calls[name], b"histogram_usec": buckets}
    return found
