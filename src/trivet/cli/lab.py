"""``trivet lab``: whole clusters in simulation."""

import os
import sys

import click


@click.group("lab")
def command() -> None:
    """Run whole clusters in simulation, under faults, judged; equal seeds give equal runs."""


@command.command(
    "run", epilog="Exit code 1 when a judge speaks: the seed and all options are printed with it."
)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The first seed.")
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="How many seeds.")
@click.option(
    "--nodes", type=click.Choice(["3", "5"]), default="3", show_default=True, help="Nodes per cluster."
)
@click.option(
    "--ops", type=click.IntRange(min=1), default=300, show_default=True, help="Client operations per run."
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=lambda: os.cpu_count() or 1,
    help="Processes at a time.  [default: one per core]",
)
def run(seed: int, seeds: int, nodes: str, ops: int, jobs: int) -> None:
    """Run the real node code under faults drawn from each seed, and let the judges look at the history.

    Prints one line per seed, ending in `digest <hex>`: the same seed gives the same digest, everywhere.
    """
    from trivet.lab.command import lab_run

    sys.exit(lab_run(seed, seeds, int(nodes), ops, jobs, sys.stdout))
