"""``trivet scale``: more or fewer nodes under a running `trivet up`."""

from pathlib import Path

import click


@click.command(
    "scale",
    epilog="Exit code 0 when the cluster has so many nodes, 1 when it cannot have them, 130 after "
    "Ctrl-C: a node "
    "that was leaving then stays.",
)
@click.argument("count", metavar="N", type=click.IntRange(1, 100))
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("./trivet-data"),
    show_default=True,
    help="The directory that `trivet up` was given.",
)
def command(count: int, data: Path) -> None:
    """Let the cluster that `trivet up` runs in DATA have N nodes.

    New nodes get the next free ports and join; replicas and slots move to them by and by (`trivet
    rebalance` shows how). Nodes that are too many, those with the highest numbers, are emptied first and
    then leave: that takes as long as their data takes to move, and nothing is lost if it is interrupted.
    Their directories stay.
    """
    from trivet.cli.orders import OrderError, send_order
    from trivet.cli.up import say_plainly

    try:
        send_order(data, {"nodes": count}, say_plainly)
    except OrderError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        click.echo("interrupted: what was done stays, the rest is not done; say it again to go on", err=True)
        raise SystemExit(130) from None
