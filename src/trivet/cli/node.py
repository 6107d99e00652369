"""``trivet node``: one node, from a configuration file."""

import sys
from pathlib import Path

import click


@click.command(
    "node", epilog="SIGTERM hands leadership over and exits; `trivet up` writes such a file for each node."
)
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="The node's configuration, a TOML file.",
)
@click.option("--parent", type=int, default=0, hidden=True, help="Stop when the process with this id ends.")
def command(config: Path, parent: int) -> None:
    """Run one node of a cluster: for deployments of your own, one such process per machine."""
    if parent:
        from trivet.cli.parent import stop_with_parent

        stop_with_parent(parent)
    from trivet.runtime.config import ConfigError, load_config
    from trivet.runtime.main import run_node

    try:
        loaded = load_config(config)
    except ConfigError as error:
        raise click.ClickException(str(error)) from error
    sys.exit(run_node(loaded))
