"""``trivet lab``: whole clusters in simulation. The deeds are in ``trivet.lab``, the words for them here."""

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trivet.lab.search.campaign import Plan
    from trivet.lab.world.options import RunOptions

Command = Callable[..., None]


@click.group("lab", epilog="Begin with `trivet lab run --seeds 20`, or with the stories: `trivet lab list`.")
def command() -> None:
    """Run whole clusters in simulation, under faults, judged; equal seeds give equal runs.

    The nodes are the real ones; only time, network, disks and clients are simulated. The guide is
    docs/lab.md.
    """


def _drawn(function: Command) -> Command:
    """The options that say how a run is drawn from its seed."""
    decorators = [
        click.option(
            "--nodes",
            type=click.Choice(["3", "5"]),
            default="3",
            show_default=True,
            help="Nodes per cluster.",
        ),
        click.option(
            "--ops",
            type=click.IntRange(min=1),
            default=300,
            show_default=True,
            help="Client operations per run.",
        ),
        click.option(
            "--workload",
            default="",
            metavar="NAME,...",
            help="Only these workloads, such as register,bank.  [default: drawn from the seed]",
        ),
        click.option(
            "--set",
            "sets",
            multiple=True,
            metavar="OPTION=VALUE",
            help="Replace a drawn option, such as --set drop_rate=0. Repeatable.",
        ),
    ]
    for decorator in reversed(decorators):
        function = decorator(function)
    return function


_JOBS = click.option(
    "--jobs",
    type=click.IntRange(min=0),
    default=lambda: os.cpu_count() or 1,
    help="Worker processes; 0: none, for profilers and debuggers.  [default: one per core]",
)
_SEED = click.option("--seed", type=click.IntRange(min=0), help="The run drawn from this seed.")
_SHRINK_SECONDS = "Shrink for so many seconds at most (real time)."
_FOLDER = click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False),
    default=".",
    show_default="here",
    help="The folder for replay files of failing runs.",
)


def _plan(
    seed: int,
    nodes: str,
    ops: int,
    workload: str,
    sets: tuple[str, ...],
    seeds: int = 1,
    jobs: int = 0,
    folder: str = "",
) -> "Plan":
    """What to run; wrong words raise ``click.UsageError``."""
    from trivet.lab.search.campaign import Plan
    from trivet.lab.search.words import WordError, overrides

    try:
        replaced = overrides(sets, workload)
    except WordError as error:
        raise click.UsageError(str(error)) from None
    return Plan(seed=seed, seeds=seeds, nodes=int(nodes), ops=ops, jobs=jobs, overrides=replaced, out=folder)


def _options_of(
    replay: str, seed: int | None, nodes: str, ops: int, workload: str, sets: tuple[str, ...]
) -> "RunOptions":
    """The one run that a replay file or a seed names."""
    from pathlib import Path

    from trivet.lab.search.replay import ReplayError, read_replay

    if bool(replay) == (seed is not None):
        raise click.UsageError("name one run: by a replay file, or by --seed with its --nodes and --ops")
    if seed is not None:
        return _plan(seed, nodes, ops, workload, sets).options(seed)
    if sets or workload:
        raise click.UsageError("a replay file says all options; --set and --workload go with --seed")
    try:
        return read_replay(Path(replay)).options
    except ReplayError as error:
        raise click.UsageError(str(error)) from None


@command.command(
    "run",
    epilog="Exit codes: 0 all good; 1 a judge spoke, or 500 seeds and more never reached a state that they "
    "must; 2 wrong words; 3 a run has no result (an exception, a dead worker); 130 interrupted, after a "
    "summary of what is known so far.",
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The first seed.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="How many seeds.")
@_drawn
@_JOBS
@_FOLDER
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False), default="", help="Write the summary here."
)
@click.option(
    "--shrink-seconds",
    type=click.FloatRange(min=0),
    default=0,
    help=_SHRINK_SECONDS.replace("Shrink", "After a failure, shrink the first one") + "  [default: do not]",
)
@click.option(
    "--replay", default="", metavar="FILE", help="Repeat the run of a replay file, and nothing else."
)
def run(
    seed: int,
    seeds: int,
    nodes: str,
    ops: int,
    workload: str,
    sets: tuple[str, ...],
    jobs: int,
    folder: str,
    json_file: str,
    shrink_seconds: float,
    replay: str,
) -> None:
    """Run the real node code under faults drawn from each seed, and let the judges look at the history.

    Prints one line per seed, ending in `digest <hex>`: the same seed gives the same digest, everywhere.
    (On a terminal: a progress bar, and only the seeds that fail.) Then a summary. A failing run is
    printed with all its options and written to a replay file, which `trivet lab shrink` and `trivet lab
    draw` take.
    """
    from trivet.lab.search.command import lab_replay, lab_run

    if replay:
        words = click.get_current_context()
        typed = click.core.ParameterSource.COMMANDLINE
        told = [n for n in words.params if n != "replay" and words.get_parameter_source(n) is typed]
        if told:
            raise click.UsageError(f"--replay says everything about the run; leave out {', '.join(told)}")
        sys.exit(lab_replay(replay, sys.stdout))
    # One seed needs no worker: what it raises is told either way, and it starts sooner.
    plan = _plan(seed, nodes, ops, workload, sets, seeds, jobs if seeds > 1 else 0, folder)
    sys.exit(lab_run(plan, sys.stdout, json_file, shrink_seconds))


@command.command(
    "shrink",
    epilog="Exit codes: 1 the smaller run fails as it should, and was written; 0 the run named does not "
    "fail; 2 wrong words; 3 it fails with an exception. Ctrl-C keeps the smallest found so far.",
)
@click.argument("file", required=False, default="")
@_SEED
@_drawn
@_JOBS
@_FOLDER
@click.option(
    "--shrink-seconds",
    type=click.FloatRange(min=1),
    default=300,
    show_default=True,
    help=_SHRINK_SECONDS,
)
def shrink(
    file: str,
    seed: int | None,
    nodes: str,
    ops: int,
    workload: str,
    sets: tuple[str, ...],
    jobs: int,
    folder: str,
    shrink_seconds: float,
) -> None:
    """Find the smallest run that still fails like this one.

    FILE is a replay file, as `trivet lab run` writes it. Fewer operations, clients, nodes and workloads,
    kinds of faults switched off, lower rates: whatever still ends in a complaint of the same judge is
    kept. The result is a new replay file, and the short list of options that matter.
    """
    from trivet.lab.search.command import lab_shrink

    options = _options_of(file, seed, nodes, ops, workload, sets)
    where = file or f"seed {seed}"
    sys.exit(lab_shrink(options, where, jobs, shrink_seconds, folder, sys.stdout))


@command.command("draw")
@_SEED
@click.option("--replay", default="", metavar="FILE", help="The run of a replay file.")
@_drawn
@click.option(
    "--out",
    required=True,
    metavar="FILE",
    help="What to write: .html an interactive page, .svg a picture, .shiviz a log for ShiViz.",
)
@click.option(
    "--window", default="", metavar="FROM..TO", help="A part of the run, such as 1.2s..1450ms (SVG only)."
)
def draw(
    seed: int | None,
    replay: str,
    nodes: str,
    ops: int,
    workload: str,
    sets: tuple[str, ...],
    out: str,
    window: str,
) -> None:
    """Draw a run as a space-time diagram: a line per node, an arrow per message, and what the judges say.

    The run is repeated for that, by its seed or by its replay file, and comes out the same.
    """
    from trivet.lab.search.command import lab_draw
    from trivet.lab.search.words import WordError, window_of

    options = _options_of(replay, seed, nodes, ops, workload, sets)
    try:
        window_us = window_of(window)
    except WordError as error:
        raise click.UsageError(str(error)) from None
    sys.exit(lab_draw(options, out, window_us, sys.stdout))


@command.command("list")
def list_() -> None:
    """List the stories that the lab can tell.

    Each is a short run of real code with an explanation: elections, a leader's crash, a blocked commit, ...
    """
    from trivet.lab.scenarios.command import list_scenarios

    sys.exit(list_scenarios(sys.stdout))


@command.command("show", epilog="`trivet lab list` names the stories.")
@click.argument("name")
@click.option("--seed", type=click.IntRange(min=0), help="Another run of the same story.")
@click.option(
    "--out",
    metavar="FILE",
    help="Draw it: .html an interactive page, .svg a picture, .shiviz a log for ShiViz.",
)
def show(name: str, seed: int | None, out: str | None) -> None:
    """Tell a story: what happens, why, and what becomes of it, from a real run.

    Without --out the story is told in the terminal.
    """
    from trivet.lab.scenarios.command import show_scenario

    sys.exit(show_scenario(name, seed, out, sys.stdout))


@command.command(
    "judge",
    epilog="Exit codes: 0 the history is good; 1 it is not; 2 it cannot be read; 3 too hard to decide.",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--model",
    type=click.Choice(["register", "kv", "list-append"]),
    required=True,
    help="What the judged system claims to be.",
)
@click.option(
    "--consistency",
    default="",
    metavar="LEVEL",
    help="For list-append: what its transactions claim to be.  [default: strict-serializable]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def judge(file: str, model: str, consistency: str, as_json: bool) -> None:
    """Judge a history of any system: yours too.

    FILE holds one event per line, as JSON or in Jepsen's EDN form: who invoked what, and what came back. See
    docs/judging.md for the format.
    """
    from trivet.lab.judges.command import judge_file

    sys.exit(judge_file(file, model, consistency=consistency, as_json=as_json, out=sys.stdout))


@command.command(
    "cap",
    epilog="Exit codes: 0 every promise is kept; 1 one is not; 2 wrong words or a folder that cannot be "
    "written.  On real processes: `trivet cap --real`.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The runs of this seed."
)
@click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False),
    default="",
    metavar="DIR",
    help="Write a page with charts (index.html), the same for documentation (README.md), the figures "
    "(card.json) and a space-time diagram of each run here.  [default: only print]",
)
@click.option("--mode", "names", multiple=True, metavar="NAME", help="Only this mode. Repeatable.")
@_JOBS
def cap(seed: int, folder: str, names: tuple[str, ...], jobs: int) -> None:
    r"""The CAP report card: what each mode gives up, measured.

    Plays the same clients under the same troubles (healthy, minority cut off, even split, node crash, slow
    link, flapping) in every mode, in virtual time, and lets the judges look. Prints a table per trouble:

    \b
      served        the share of the time in which each side had good answers, and its longest wait
      lost, stale   acknowledged writes that are gone; reads that missed what was acknowledged before
      linearizable  whether one order explains every answer: the judge's word
      recovers, converges   after healing
      p50, p99      in network delays; and messages, bytes and syncs per answer
      promise       whether all of it agrees with what the mode promises

    The same seed gives the same card, byte for byte. Takes a minute or two.
    """
    from trivet.lab.cap.command import lab_cap
    from trivet.lab.cap.modes import present

    modes = present()
    known = [mode.name for mode in modes]
    for name in names:
        if name not in known:
            raise click.UsageError(f"there is no mode {name!r}: modes are {', '.join(known)}")
    chosen = [mode for mode in modes if not names or mode.name in names]
    sys.exit(lab_cap(seed, folder, jobs, sys.stdout, chosen))
