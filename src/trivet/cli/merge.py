"""``trivet merge``: two groups become one."""

from pathlib import Path

import click

from trivet.cli.asking import cluster_options
from trivet.cli.split import NO_WAIT


@click.command(
    "merge",
    epilog="Exit code 0 when it is done (with --no-wait: begun), 1 when it was refused, 2 for wrong "
    "words. Ctrl-C "
    "ends the watching, not the move.",
)
@click.argument("group", type=click.IntRange(min=1))
@click.argument("into", type=click.IntRange(min=1))
@cluster_options
@NO_WAIT
def command(
    group: int,
    into: int,
    nodes: tuple[str, ...],
    data: Path,
    password_file: Path | None,
    no_wait: bool,
) -> None:
    """Move all slots of GROUP to the group INTO, of the same keyspace.

    Clients go on reading and writing meanwhile. The group that is left without slots is dropped. A busy
    keyspace may be split again by the cluster: `KEYSPACE ALTER … TOGETHER` keeps it in one group.
    """
    from trivet.cli.asking import asker_for, fail
    from trivet.cli.following import follow
    from trivet.cli.probe import ProbeError
    from trivet.cli.up import say_plainly

    if group == into:
        raise click.UsageError("a group is not merged into itself: name two groups")
    asker = asker_for(nodes, data, password_file)
    try:
        reply = asker.call_once("CLUSTER", "MERGE", str(group), str(into))
        follow(asker, reply, say_plainly, not no_wait)
    except ProbeError as error:
        raise fail(error) from error
