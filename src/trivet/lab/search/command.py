"""``trivet lab run | shrink | draw`` without their command lines: what to do in, text and an exit code out.

Exit codes: 0 all good; 1 a judge spoke; 2 the words were wrong; 3 a run has no result; 130 interrupted.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from trivet.lab.search.campaign import Campaign, Plan
from trivet.lab.search.draw import KINDS, Window, draw, kind_of, record, verdict_of
from trivet.lab.search.progress import progress_on
from trivet.lab.search.replay import Replay, ReplayError, compare, read_replay, replay_of, write_replay
from trivet.lab.search.report import differences_text, last_line, options_text, report_outcome, write_json
from trivet.lab.search.shrink import Evaluate, Shrinker, Shrunk, TimeUp, fault_of
from trivet.lab.search.simplify import complications, fault_kinds
from trivet.lab.search.workers import Crew, RunOutcome, perform
from trivet.lab.world.options import RunOptions

GOOD, SPOKEN, WRONG, NO_RESULT, INTERRUPTED = 0, 1, 2, 3, 130


def lab_run(plan: Plan, out: TextIO, json_file: str = "", shrink_seconds: float = 0) -> int:
    """Run a campaign; with ``shrink_seconds`` its first failing run is shrunk at the end."""
    with progress_on(out, plan.seeds, f"seeds {plan.seed}..{plan.seed + plan.seeds - 1}") as progress:
        campaign = Campaign(plan, out, progress)
        summary = campaign.run()
    if plan.seeds > 1:
        out.write(summary.text() + "\n")
    elif progress.moves and not summary.complaints + summary.errors:
        out.write("".join(f"seed {run.seed} good digest {run.digest}\n" for run in summary.runs))
    if json_file:
        try:
            write_json(Path(json_file), summary)
        except OSError as error:
            out.write(f"cannot write {json_file}: {error.strerror}\n")
            return WRONG
    failure = campaign.first_failure
    if failure is not None and not summary.interrupted:
        where = campaign.first_replay or f"--seed {failure.options.seed}"
        if shrink_seconds:
            _shrink(failure, where, plan.jobs, shrink_seconds, plan.out, out)
        elif campaign.first_replay:
            out.write(f"next: trivet lab shrink {where}   (the smallest run that still fails)\n")
            out.write(f"      trivet lab draw --replay {where} --out run.html\n")
    return summary.exit_code()


def lab_replay(file: str, out: TextIO) -> int:
    """Run what a replay file says, and say whether it went the same way."""
    try:
        replay = read_replay(Path(file))
    except ReplayError as error:
        out.write(f"{error}\n")
        return WRONG
    outcome = perform(replay.options)
    report_outcome(outcome, out)
    out.write("".join(f"{line}\n" for line in compare(replay, outcome)))
    if outcome.result is None:
        return NO_RESULT
    return SPOKEN if outcome.result.complaints else GOOD


def lab_shrink(options: RunOptions, where: str, jobs: int, seconds: float, out_dir: str, out: TextIO) -> int:
    """Shrink the run of these options: 1 when its smallest form was written, 0 when it does not fail."""
    first = perform(options)
    if not first.failed():
        out.write(f"{where}: no judge complains, so there is nothing to shrink\n")
        return GOOD
    return _shrink(first, where, jobs, seconds, out_dir, out)


def _shrink(first: RunOutcome, where: str, jobs: int, seconds: float, out_dir: str, out: TextIO) -> int:
    out.write(f"shrinking {where}: {_failure(first)}\n")
    ends_s = time.monotonic() + seconds
    crew = Crew(jobs) if jobs > 1 else None
    evaluate: Evaluate = (
        (lambda tasks: map(perform, tasks)) if crew is None else (lambda tasks: crew.work_on(iter(tasks)))
    )

    def hurry() -> None:
        if time.monotonic() > ends_s:
            raise TimeUp

    shrinker = None
    try:
        with progress_on(out, None, "shrinking") as progress:

            def tell(step: str, shrunk: Shrunk) -> None:
                progress.update(shrunk.runs, f"{_size(shrunk.best)}; {step}"[:90])
                if step.endswith("still fails") and not progress.moves:
                    out.write(f"  run {shrunk.runs:4}  {step}: {_size(shrunk.best)}\n")
                    out.flush()

            shrinker = Shrinker(first, evaluate, max(1, jobs), tell, hurry)
            shrunk = shrinker.shrink()
    except KeyboardInterrupt:
        if shrinker is None:
            return INTERRUPTED
        shrunk = shrinker.shrunk
    finally:
        if crew is not None:
            crew.dismiss()
    return _tell_shrunk(shrunk, where, out_dir, out)


def _tell_shrunk(shrunk: Shrunk, where: str, out_dir: str, out: TextIO) -> int:
    best = shrunk.best
    if best.result is not None:
        out.write("".join(f"{complaint.text()}\n" for complaint in best.result.complaints[:1]))
    end = "nothing simpler fails" if shrunk.complete else "the time is up; --shrink-seconds gives it more"
    out.write(f"after {shrunk.runs} runs ({end}):\n  from  {_size(shrunk.first)}\n  to    {_size(best)}\n")
    out.write("options that differ from the defaults:\n")
    out.write("".join(f"{line}\n" for line in differences_text(best.options)))
    path = Path(out_dir or ".") / f"trivet-lab-seed-{shrunk.first.options.seed}-shrunk.json"
    try:
        write_replay(path, replay_of(best, where))
    except ReplayError as error:
        out.write(f"{error}\noptions {options_text(best.options)}\n")
        return WRONG
    out.write(f"written to {path}\nnext: trivet lab run --replay {path}\n")
    out.write(f"      trivet lab draw --replay {path} --out run.html\n")
    return NO_RESULT if best.result is None else SPOKEN


def _failure(outcome: RunOutcome) -> str:
    if outcome.result is None:
        return last_line(outcome.error)
    complaint = outcome.result.complaints[0]
    return f"{complaint.judge}: {complaint.sentence}"


def _size(outcome: RunOutcome) -> str:
    options, result = outcome.options, outcome.result
    text = (
        f"{options.ops} ops, {options.clients} clients, {options.nodes} nodes, "
        f"{len(fault_kinds(options))} kinds of faults, {len(complications(options))} options not simple"
    )
    return text + (
        f", {result.events} events, {result.virtual_ms / 1000:.1f} s" if result is not None else ""
    )


def lab_draw(options: RunOptions, file: str, window_us: Window | None, out: TextIO) -> int:
    """Run once more with a recorder, write the picture; 0 even when a judge speaks: the picture shows it."""
    kind = kind_of(file)
    if not kind:
        out.write(f"--out {file}: its name must end in {', '.join(KINDS)}, which says what to draw\n")
        return WRONG
    result, recorder = record(options)
    text = draw(result, recorder, kind, window_us)
    try:
        Path(file).write_text(text)
    except OSError as error:
        out.write(f"cannot write {file}: {error.strerror}\n")
        return WRONG
    out.write(f"{verdict_of(result)}\n{result.line()}\nwritten to {file}\n")
    return GOOD


def options_from(replay_file: str, drawn: Callable[[], RunOptions]) -> RunOptions:
    """The options of a replay file when there is one, else the drawn ones. Raises ``ReplayError``."""
    if not replay_file:
        return drawn()
    replay: Replay = read_replay(Path(replay_file))
    return replay.options


__all__ = ["fault_of", "lab_draw", "lab_replay", "lab_run", "lab_shrink", "options_from"]
