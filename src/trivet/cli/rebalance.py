"""``trivet rebalance``: watch the cluster put replicas, leaders and slots where they belong."""

from pathlib import Path

import click

from trivet.cli.asking import cluster_options


@click.command(
    "rebalance",
    epilog="Exit code 0 when nothing is left to do (with --plan: when the cluster has answered), 1 when "
    "it does not "
    "answer or --timeout is over.",
)
@cluster_options
@click.option("--plan", "plan_only", is_flag=True, help="Only show what would be done now, and why.")
@click.option(
    "--abort",
    "move",
    type=click.IntRange(min=1),
    metavar="MOVE",
    help="Only stop this move, if its slots have not been handed over. (trivet status shows its number.)",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0),
    default=0,
    metavar="SECONDS",
    help="Give up waiting after so long.  [default: never]",
)
def command(
    nodes: tuple[str, ...],
    data: Path,
    password_file: Path | None,
    plan_only: bool,
    move: int | None,
    timeout_s: float,
) -> None:
    """Wait until the cluster is in balance, and show what it does for that.

    It balances by itself, a few changes at a time: replicas of a group in different zones, leaders spread
    evenly, groups split and merged by load and size, dead and draining nodes emptied. This command starts
    nothing; it shows the plan with its reasons, and the moves under way with their progress.
    """
    from trivet.cli.asking import asker_for, fail
    from trivet.cli.following import balanced
    from trivet.cli.leaving import Wait
    from trivet.cli.probe import ProbeError
    from trivet.cli.up import say_plainly

    asker = asker_for(nodes, data, password_file)
    try:
        if move is not None:
            asker.call("CLUSTER", "MOVE", "ABORT", str(move))
            say_plainly(f"move {move} is aborted: its slots stay where they are")
            return
        if plan_only:
            for line in asker.plan() or ["nothing to do: every group is where it shall be"]:
                say_plainly(line)
            return
        balanced(asker, Wait(asker, say_plainly, lambda: True, timeout_s))
    except ProbeError as error:
        raise fail(error) from error
    say_plainly("in balance")
