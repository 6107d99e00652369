"""``trivet leave``: take a node out of the cluster without losing a replica."""

from pathlib import Path

import click

from trivet.cli.asking import cluster_options


@click.command(
    "leave",
    epilog="Exit code 0 when the node has left, 1 when it was refused or --timeout is over, 130 after "
    "Ctrl-C. "
    "However this command ends, the node goes on draining: say it again to go on, or --cancel.",
)
@click.argument("node_id", metavar="[ID]", type=click.IntRange(min=1), required=False)
@cluster_options
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0),
    default=0,
    metavar="SECONDS",
    help="Give up waiting after so long.  [default: never]",
)
@click.option("--cancel", is_flag=True, help="The node stays after all: end the draining.")
@click.option(
    "--force",
    is_flag=True,
    help="For a node that is dead for good: leave now, or be told which group still counts on it.",
)
def command(
    node_id: int | None,
    nodes: tuple[str, ...],
    data: Path,
    password_file: Path | None,
    timeout_s: float,
    cancel: bool,
    force: bool,
) -> None:
    """Empty node ID, and let it leave the cluster. Without ID: the node that --node names.

    First it is drained: it leads nothing any more, and other nodes take over its replicas. When no group
    counts on it, it leaves for ever; its process can be stopped and its directory removed. This command may
    run anywhere; it shows what it waits for, and when nothing moves, why.
    """
    from trivet.cli.asking import asker_for, fail
    from trivet.cli.leaving import empty_and_leave
    from trivet.cli.probe import ProbeError
    from trivet.cli.up import say_plainly

    if node_id is None and len(nodes) != 1:
        raise click.UsageError("which node? give its ID (see `trivet status`), or its address with --node")
    if cancel and force:
        raise click.UsageError("--cancel and --force contradict each other")
    asker = asker_for(nodes, data, password_file)
    node = node_id or 0
    try:
        node = node or asker.view().asked
        if cancel:
            asker.call("CLUSTER", "UNDRAIN", str(node))
            say_plainly(f"node {node} stays")
            return
        if force:
            asker.call("CLUSTER", "LEAVE", str(node), "FORCE")
            say_plainly(f"node {node} has left")
            return
        asker.call("CLUSTER", "DRAIN", str(node))
        say_plainly(f"node {node} is being drained")
        empty_and_leave(asker, node, say_plainly, max_s=timeout_s)
    except ProbeError as error:
        raise fail(error) from error
    except KeyboardInterrupt:
        click.echo(
            f"node {node} goes on draining; `trivet leave {node}` waits again, `trivet leave {node} "
            "--cancel` ends it",
            err=True,
        )
        raise SystemExit(130) from None
    say_plainly("stop its process; its directory is of no use any more")
