"""``make mutants``: plants every mutant, lets the lab look for it, and prints who noticed after how long.

Exit 1 when a mutant that counts as caught was not. The search begins at seed 1, so that the numbers mean
something; ``--known`` begins at each mutant's known seed instead.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TextIO

from mutants.model import Absent, Mutant
from mutants.planting import SEEDS_MAX, Found, look, place, plant
from mutants.rows import ABSENT, MUTANTS

Result = tuple[Mutant, Found | None, str]
"""``(mutant, outcome, error)``."""


def search(mutant: Mutant, seeds: int, known: bool) -> Result:
    """Plant one mutant and look for it."""
    problems = place(mutant)
    if problems:
        return mutant, None, "; ".join(problems)
    with tempfile.TemporaryDirectory(prefix="trivet-mutant-") as root:
        plant(mutant, Path(root))
        try:
            return mutant, look(mutant, Path(root), mutant.first_seed if known else 1, seeds), ""
        except Exception as error:
            return mutant, None, str(error).strip().splitlines()[-1]


def search_all(mutants: Sequence[Mutant], seeds: int, known: bool, jobs: int, out: TextIO) -> list[Result]:
    """All of them, ``jobs`` at a time, in their order; progress goes to ``out``."""
    results: dict[int, Result] = {}
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        waiting = {pool.submit(search, m, seeds, known): i for i, m in enumerate(mutants)}
        for done in as_completed(waiting):
            place_in_order = waiting[done]
            results[place_in_order] = done.result()
            mutant, found, error = results[place_in_order]
            out.write(f"[{len(results)}/{len(mutants)}] {mutant.row:4} {_verdict(found, error)}\n")
            out.flush()
    return [results[i] for i in range(len(mutants))]


def _verdict(found: Found | None, error: str) -> str:
    if found is None:
        return f"ERROR {error}"
    if found.seed < 0:
        return f"not caught in {found.seeds} seeds, {found.cpu_s:.1f} s"
    return f"{found.judge} at seed {found.seed}, {found.cpu_s:.1f} s: {found.sentence[:100]}"


def failures(results: Sequence[Result]) -> list[str]:
    """The mutants that should have been caught and were not."""
    return [
        f"{mutant.row}: {mutant.what}: {_verdict(found, error)}"
        for mutant, found, error in results
        if found is None or (found.seed < 0 and not mutant.gap)
    ]


def table(results: Sequence[Result], absent: Sequence[Absent]) -> str:
    """The table, as Markdown that is also readable as text."""
    lines = [("row", "planted bug", "caught by", "seeds", "CPU s"), ("---",) * 5]
    for mutant, found, error in results:
        if found is None:
            lines.append((mutant.row, mutant.what, f"**error**: {error[:60]}", "", ""))
        elif found.seed < 0:
            reason = f"not caught: {mutant.gap}" if mutant.gap else "**not caught**"
            lines.append((mutant.row, mutant.what, reason, str(found.seeds), f"{found.cpu_s:.1f}"))
        else:
            judge = speaker(mutant, found)
            lines.append((mutant.row, mutant.what, judge, str(found.seeds), f"{found.cpu_s:.1f}"))
    lines += [(row.row, row.what, f"does not apply: {row.reason}", "", "") for row in absent]
    widths = [max(len(line[i]) for line in lines) for i in range(5)]
    return "\n".join(
        "| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines
    )


def speaker(mutant: Mutant, found: Found) -> str:
    """The judge, with the kind of invariant, and the scene if it was one."""
    kinds = ("election safety", "leader completeness", "log matching", "commits another entry", "match index")
    kind = next((kind for kind in kinds if kind in found.sentence), "")
    if not kind and found.sentence.startswith("replicas"):
        kind = "replicas differ"
    if not kind and "AssertionError" in found.sentence:
        kind = "an assertion of the core"
    said = f"{found.judge}: {kind}" if kind else found.judge
    return f"{said} (scene {mutant.scene})" if mutant.scene else said


def as_json(results: Sequence[Result], absent: Sequence[Absent]) -> str:
    """The same for programs."""
    rows: list[dict[str, object]] = []
    for mutant, found, error in results:
        row: dict[str, object] = {"row": mutant.row, "what": mutant.what, "gap": mutant.gap, "error": error}
        rows.append(row | (found._asdict() if found is not None else {}))
    rows += [{"row": row.row, "what": row.what, "absent": row.reason} for row in absent]
    return json.dumps(rows, indent=1)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="make mutants", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", default="", help="only these rows, as R1,R5")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=SEEDS_MAX, help="the bound per mutant")
    parser.add_argument("--known", action="store_true", help="begin at each mutant's known seed, not at 1")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    rows = {row for row in given.rows.split(",") if row}
    unknown = rows - {m.row for m in MUTANTS} - {a.row for a in ABSENT}
    if unknown:
        parser.error(f"no such rows: {', '.join(sorted(unknown))}")
    mutants = [m for m in MUTANTS if not rows or m.row in rows]
    absent = [a for a in ABSENT if not rows or a.row in rows]
    started = time.monotonic()
    results = search_all(mutants, given.seeds, given.known, given.jobs, sys.stderr)
    failed = failures(results)
    print(as_json(results, absent) if given.json else table(results, absent))
    caught = sum(found is not None and found.seed >= 0 for _, found, _ in results)
    cpu_s = sum(found.cpu_s for _, found, _ in results if found is not None)
    summary = f"{caught} of {len(results)} caught; {len(absent)} rows do not apply; {cpu_s:.0f} s CPU"
    print(f"{summary}, {time.monotonic() - started:.0f} s", file=sys.stderr)
    for line in failed:
        print(f"FAILED {line}", file=sys.stderr)
    return 1 if failed else 0
