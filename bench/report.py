"""The benchmark's tables: throughput, latency, and Trivet's ratios to its peers, as Markdown."""

from pathlib import Path
from typing import TypedDict

BEGIN = "<!-- bench:begin (written by `make bench`) -->"
END = "<!-- bench:end -->"
OURS = ("trivet", "trivet-spread", "trivet-compiled")
TITLES = {"set": "SET", "get": "GET", "incr": "INCR"}


class Measurement(TypedDict):
    """One cell of one round, or the medians over rounds."""

    ops_per_s: float
    p50_ms: float
    p99_ms: float
    errors: int
    first_error: str
    lost: int


class Results(TypedDict):
    """Everything one run of the benchmark has to say."""

    machine: str
    command: str
    when: str
    names: dict[str, str]
    cells: dict[str, dict[str, Measurement]]
    missing: dict[str, str]


def short(ops_per_s: float) -> str:
    """12.3k for 12,345."""
    if ops_per_s >= 100_000:
        return f"{ops_per_s / 1000:.0f}k"
    return f"{ops_per_s / 1000:.1f}k" if ops_per_s >= 10_000 else f"{ops_per_s / 1000:.2f}k"


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table, and an empty line."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def _figures(results: Results, op: str) -> list[str]:
    columns = [f"{op} {connections} {pipeline}" for pipeline in (1, 16) for connections in (1, 50, 200)]
    head = ["ops/s (p50 / p99 ms)"]
    for column in columns:
        _, connections, pipeline = column.split()
        head.append(f"{connections} conn." + (f" × {pipeline}" if pipeline != "1" else ""))
    rows = []
    for name, title in results["names"].items():
        cells = results["cells"].get(name, {})
        if not any(column in cells for column in columns):
            continue
        row = [title]
        for column in columns:
            cell = cells.get(column)
            if cell is None:
                row.append("–")
            else:
                row.append(f"{short(cell['ops_per_s'])} ({cell['p50_ms']:.2f} / {cell['p99_ms']:.1f})")
        rows.append(row)
    return [f"**{TITLES[op]}**", "", *table(head, rows)] if rows else []


def _ratios(results: Results) -> list[str]:
    ours = [name for name in OURS if results["cells"].get(name)]
    peers = [name for name in results["cells"] if name not in OURS and results["cells"][name]]
    if not ours or not peers:
        return []
    head = ["throughput, ours ÷ theirs"]
    head += [f"{TITLES[op]}, {c} conn." + (f" × {p}" if p > 1 else "") for op, c, p in _RATIO_CELLS]
    rows = []
    for mine in ours:
        for peer in peers:
            row = [f"{results['names'][mine]} ÷ {results['names'][peer]}"]
            for op, connections, pipeline in _RATIO_CELLS:
                cell = f"{op} {connections} {pipeline}"
                theirs = results["cells"][peer].get(cell)
                our = results["cells"][mine].get(cell)
                row.append(
                    f"{our['ops_per_s'] / theirs['ops_per_s']:.2f}"
                    if our and theirs and theirs["ops_per_s"]
                    else "–"
                )
            rows.append(row)
    return table(head, rows)


_RATIO_CELLS = [
    ("set", 1, 1),
    ("set", 50, 1),
    ("set", 200, 1),
    ("set", 50, 16),
    ("get", 50, 1),
    ("get", 50, 16),
    ("incr", 50, 1),
]


def markdown(results: Results) -> str:
    """The whole section."""
    lines = [
        f"Measured {results['when']} on {results['machine']}, load generator included, "
        f"by `{results['command']}`.",
        "",
    ]
    lines += _ratios(results)
    for op in TITLES:
        lines += _figures(results, op)
    lines += [f"Missing: {results['names'][name]} ({why})." for name, why in results["missing"].items()]
    return "\n".join(lines).rstrip() + "\n"


def write_report(results: Results, path: Path | None) -> None:
    """Print the section, and put it between the markers of ``path``."""
    text = markdown(results)
    print()
    print(text)
    if path is not None:
        replace_between(path, BEGIN, END, text)


def replace_between(path: Path, begin: str, end: str, text: str) -> None:
    """Put ``text`` between two markers of a file that has them."""
    whole = path.read_text() if path.exists() else ""
    if begin in whole and end in whole:
        before, _, rest = whole.partition(begin)
        _, _, after = rest.partition(end)
        path.write_text(f"{before}{begin}\n{text}{end}{after}")
