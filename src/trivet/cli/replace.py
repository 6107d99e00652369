"""``trivet replace``: a node for one that is dead."""

from pathlib import Path

import click

from trivet.cli.asking import Asker
from trivet.cli.join import node_options


@click.command(
    "replace",
    epilog="Example, on the new machine: trivet replace 3 --node 10.0.0.1:7001 --data /var/lib/trivet. "
    "Exit code 1 "
    "when it was refused or could not start, 2 for wrong words.",
)
@click.argument("dead_id", type=click.IntRange(min=1))
@click.option(
    "--node",
    "nodes",
    multiple=True,
    metavar="URL",
    default=("redis://127.0.0.1:7001",),
    show_default=True,
    help="Any node of the cluster that runs, as redis://[[user]:password@]host:port; repeatable.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Directory for the new node, which is then run here in the foreground, as by `trivet join`.",
)
@click.option(
    "--with",
    "new_id",
    type=click.IntRange(min=1),
    help="In place of --data: this node, which has joined already, takes the place.",
)
@node_options
def command(
    dead_id: int,
    nodes: tuple[str, ...],
    data: Path | None,
    new_id: int | None,
    port: int,
    peer_port: int | None,
    host: str,
    zone: str,
    labels: tuple[str, ...],
    password_file: Path | None,
    settings: Path | None,
    parent: int,
) -> None:
    """Let a new node take the place of node DEAD_ID, whose disk or machine is lost.

    The new node gets the replicas that the dead one had, from the others, and may have its address. It has a
    number of its own. The dead node never comes back: stop it for good before.
    """
    from trivet.cli.asking import address_of, fail, password_in
    from trivet.cli.join import become, run
    from trivet.cli.joining import CONFIG_FILE
    from trivet.cli.leaving import empty_and_leave
    from trivet.cli.probe import ProbeError
    from trivet.cli.up import say_plainly

    if (data is None) == (new_id is None):
        raise click.UsageError(
            "say where the new node shall live with --data, or which node takes the place with --with"
        )
    password = password_in(password_file)
    found = [address_of(url) for url in nodes]
    asker = Asker((name, where, own or password, user) for name, where, own, user in found)
    if data is not None:
        if not (data / CONFIG_FILE).exists():
            become(asker, data, port, peer_port, host, zone, labels, settings, password, dead_id)
        run(data, parent)
        return
    try:
        asker.call("CLUSTER", "REPLACE", str(dead_id), str(new_id))
        say_plainly(f"node {new_id} takes the place of node {dead_id}")
        empty_and_leave(asker, dead_id, say_plainly)
    except ProbeError as error:
        raise fail(error) from error
