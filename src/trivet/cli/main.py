"""``trivet``: the command group. Subcommands are imported when they are called, so that it starts quickly."""

import importlib
import platform
import sys

import click

from trivet import __version__

_COMMANDS = {
    "up": ("trivet.cli.up", "Start a cluster on this machine: one process per node."),
    "node": ("trivet.cli.node", "Run one node from a configuration file."),
    "status": ("trivet.cli.status", "Show a cluster's nodes, keyspaces, groups, and slots on their way."),
    "scale": ("trivet.cli.scale", "Grow or shrink the cluster that `trivet up` runs on this machine."),
    "join": ("trivet.cli.join", "Join a running cluster as a new node, and run it."),
    "leave": ("trivet.cli.leave", "Empty a node and let it leave the cluster."),
    "replace": ("trivet.cli.replace", "Let a new node take the place of a dead one."),
    "rebalance": ("trivet.cli.rebalance", "Show what the cluster moves by itself, until it is in balance."),
    "split": ("trivet.cli.split", "Move a part of a group's slots into a new group."),
    "merge": ("trivet.cli.merge", "Move all slots of a group into another."),
    "keyspace": ("trivet.cli.keyspace", "Make, look at and drop keyspaces."),
    "txn": ("trivet.cli.txn", "Finish transactions with other databases that crashed programs left."),
    "relay": ("trivet.cli.relay", "Relay lines between all who connect, through the cluster."),
    "inspect": ("trivet.cli.inspect", "Show what lies in a node's data directory, read-only."),
    "cap": ("trivet.cli.cap", "Measure what each mode gives up, on real processes."),
    "lab": ("trivet.cli.lab", "Run whole clusters in simulation, from a seed."),
}


def build_kind() -> str:
    """``compiled`` when core/ is mypyc's, else ``pure``."""
    from trivet.core.base import prng

    return "pure" if (prng.__file__ or "").endswith(".py") else "compiled"


class LazyGroup(click.Group):
    """A group whose commands are imported by name, on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in the order in which a newcomer meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of ``cmd_name``; its command is called ``command``."""
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(_COMMANDS[cmd_name][0]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands from the table above: `--help` imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _COMMANDS.items()])


def _show_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"trivet {__version__} ({build_kind()}, Python {platform.python_version()})")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`trivet up` starts three nodes; then: redis-cli -p 7001.",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_show_version,
    help="Show the version, and whether this is the compiled or the pure build.",
)
def command() -> None:
    """Trivet: a distributed data store that speaks the Redis protocol.

    An acknowledged write is on the disks of a majority of the nodes, and survives the death of any of them.
    """


def main() -> None:
    """Entry point of the ``trivet`` command."""
    try:
        command(prog_name="trivet")
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
