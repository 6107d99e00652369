"""``trivet split``: one group becomes two."""

from pathlib import Path

import click

from trivet.cli.asking import cluster_options

NO_WAIT = click.option("--no-wait", is_flag=True, help="Do not follow the move to its end.")


@click.command(
    "split",
    epilog="Exit code 0 when it is done (with --no-wait: begun), 1 when it was refused, 2 for wrong "
    "words. Ctrl-C "
    "ends the watching, not the move.",
)
@click.argument("group", type=click.IntRange(min=1))
@click.argument("slot", type=click.IntRange(0, 16383), required=False)
@cluster_options
@NO_WAIT
def command(
    group: int,
    slot: int | None,
    nodes: tuple[str, ...],
    data: Path,
    password_file: Path | None,
    no_wait: bool,
) -> None:
    """Move the slots of GROUP from SLOT on into a new group; without SLOT the upper half of them.

    Clients go on reading and writing meanwhile; the slots change hands in one step at the end. The cluster
    splits large and busy groups by itself: this is for those who know better.
    """
    from trivet.cli.asking import asker_for, fail
    from trivet.cli.following import follow
    from trivet.cli.probe import ProbeError
    from trivet.cli.up import say_plainly

    asker = asker_for(nodes, data, password_file)
    words = [str(group)] if slot is None else [str(group), str(slot)]
    try:
        follow(asker, asker.call_once("CLUSTER", "SPLIT", *words), say_plainly, not no_wait)
    except ProbeError as error:
        raise fail(error) from error
