"""``trivet join``: a new node for a running cluster, on this machine."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from trivet.cli.asking import PASSWORD_FILE

if TYPE_CHECKING:
    from trivet.cli.asking import Asker

_Command = TypeVar("_Command", bound=Callable[..., None])


def node_options(function: _Command) -> _Command:
    """The options that describe a new node."""
    for decorator in (
        click.option("--parent", type=int, default=0, hidden=True),
        click.option(
            "--settings",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="TOML file with settings that go into the node's configuration.",
        ),
        PASSWORD_FILE,
        click.option(
            "--label",
            "labels",
            multiple=True,
            metavar="NAME=VALUE",
            help="Anything worth knowing; repeatable.",
        ),
        click.option(
            "--zone",
            default="",
            metavar="NAME",
            help="What fails together with this machine: a rack, a room, a site. Replicas of one group "
            "are put "
            "into different zones.",
        ),
        click.option(
            "--host",
            default="",
            metavar="ADDRESS",
            help="This machine's address for the other nodes and the clients.  [default: as the seed "
            "sees it]",
        ),
        click.option(
            "--peer-port",
            type=click.IntRange(1, 65535),
            help="Port for the other nodes.  [default: 10000 above --port]",
        ),
        click.option(
            "--port",
            type=click.IntRange(1, 65535),
            default=7001,
            show_default=True,
            help="Port for clients.",
        ),
    ):
        function = decorator(function)
    return function


@click.command(
    "join",
    epilog="Exit codes: 0 the node was stopped by SIGTERM or Ctrl-C; 1 it could not join or start, or had to "
    "stop; 2 wrong words. `trivet status` shows the node; `trivet leave` takes it out again.",
)
@click.option(
    "--seed",
    "seeds",
    multiple=True,
    metavar="HOST:PORT",
    help="Client address of any node of the cluster; give several, and the next is tried. Needed the "
    "first time.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    help="The node's directory: its log, its snapshots and node.toml. Empty or not there, the first time.",
)
@node_options
def command(
    seeds: tuple[str, ...],
    data: Path,
    port: int,
    peer_port: int | None,
    host: str,
    zone: str,
    labels: tuple[str, ...],
    password_file: Path | None,
    settings: Path | None,
    parent: int,
) -> None:
    """Join a running cluster as a new node, and run it in the foreground.

    The cluster gives it a number and, by and by, its share of the replicas. Run again on the same
    directory it simply starts: nothing else needs to be said then, and what is said again counts for nothing.
    """
    from trivet.cli.asking import Asker, address_of, password_in
    from trivet.cli.joining import CONFIG_FILE

    if not (data / CONFIG_FILE).exists():
        if not seeds:
            raise click.UsageError(
                f"{data} is no node's yet: name a node of the cluster that it shall join with --seed "
                "host:port"
            )
        password = password_in(password_file)
        found = [address_of(seed) for seed in seeds]
        asker = Asker((name, where, own or password, user) for name, where, own, user in found)
        become(asker, data, port, peer_port, host, zone, labels, settings, password)
    run(data, parent)


def become(
    asker: "Asker",
    data: Path,
    port: int,
    peer_port: int | None,
    host: str,
    zone: str,
    labels: tuple[str, ...],
    settings: Path | None,
    password: str,
    replaces: int = 0,
) -> None:
    """Make the node in ``data`` one of the cluster's, and say so."""
    from trivet.cli import joining
    from trivet.cli.asking import fail
    from trivet.cli.probe import ProbeError
    from trivet.cli.up import say_plainly
    from trivet.core.base.errors import StartError

    try:
        joining.check_directory(data)
        found = host or joining.host_towards(asker)
        peers = peer_port or joining.peer_port_for(port)
        here = joining.Here(found, port, peers, zone, joining.new_labels(labels))
        joining.check_ports(here)
        shared = settings.read_text() if settings else ""
        joined = joining.join(asker, data, here, replaces)
        joining.write_config(data, joined, here, shared, password)
    except ProbeError as error:
        raise fail(error) from error
    except (joining.JoinError, StartError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{data}: {error.strerror}: name another directory with --data") from error
    place = f", in place of node {replaces}" if replaces else ""
    say_plainly(f"joined cluster {joined.cluster} as node {joined.node}{place}: redis://{found}:{port}")


def run(data: Path, parent: int) -> None:
    """Run the node in ``data`` until it stops; ends the process."""
    from trivet.cli.joining import CONFIG_FILE
    from trivet.runtime.config import ConfigError, load_config
    from trivet.runtime.main import run_node

    if parent:
        from trivet.cli.parent import stop_with_parent

        stop_with_parent(parent)
    try:
        loaded = load_config(data / CONFIG_FILE)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    sys.exit(run_node(loaded))
