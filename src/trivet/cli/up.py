"""``trivet up``: a whole cluster on this machine."""

import os
import sys
from pathlib import Path

import click


@click.command("up", epilog="Ctrl-C stops every node. The data stays for the next time; --fresh starts over.")
@click.option(
    "--nodes", type=click.Choice(["1", "3", "5"]), help="How many nodes.  [default: 3, or what DATA holds]"
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Client port of the first node; the others follow upwards.  [default: 7001, or what DATA holds]",
)
@click.option(
    "--data",
    type=click.Path(file_okay=True, path_type=Path),
    default=Path("./trivet-data"),
    show_default=True,
    help="Directory for the cluster's files.",
)
@click.option("--fresh", is_flag=True, help="Remove what an earlier cluster left in DATA, and begin anew.")
@click.option(
    "--zones",
    default="",
    metavar="NAME,...",
    help="Put the nodes into these zones in turn, as if each were a rack: replicas of one group get "
    "different ones.",
)
@click.option("--no-restart", is_flag=True, help="Leave a node that dies dead.")
@click.option(
    "--settings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="TOML file with settings that go into every node's configuration.",
)
def command(
    nodes: str | None,
    port: int | None,
    data: Path,
    fresh: bool,
    zones: str,
    no_restart: bool,
    settings: Path | None,
) -> None:
    """Start a cluster on this machine: one process per node, on loopback.

    Once every node serves and a leader exists it prints one line, `ready redis://127.0.0.1:7001 ...`.
    Connect any Redis client to any of these addresses. In a terminal a live view follows; piped, a line
    per event. A node that dies is started again. Who runs where stands in DATA/cluster.json. `trivet scale`
    adds nodes and takes them away while it runs.
    """
    from trivet.cli.layout import LayoutError, open_directory, plan, write_nodes
    from trivet.cli.supervisor import Supervisor, SupervisorError

    lock = -1
    try:
        lock = open_directory(data, fresh)
        cluster = plan(data, int(nodes) if nodes else None, port, zone_names(zones))
        shared = settings.read_text() if settings else ""
        password = password_in(shared)
        write_nodes(cluster, shared)
        if sys.stdout.isatty():
            from trivet.cli.live import LiveView

            with LiveView(cluster["nodes"]) as view:
                supervisor = Supervisor(data, cluster, not no_restart, view.say, password, settings=shared)
                sys.exit(supervisor.run(view.draw))
        supervisor = Supervisor(data, cluster, not no_restart, say_plainly, password, settings=shared)
        sys.exit(supervisor.run(None))
    except (LayoutError, SupervisorError) as error:
        raise click.ClickException(str(error)) from error
    finally:
        if lock >= 0:
            os.close(lock)


def zone_names(words: str) -> list[str]:
    """``a,b,c`` as names."""
    names = [name.strip() for name in words.split(",")] if words else []
    if not all(names):
        raise click.UsageError(f"--zones {words}: write the names with commas between them, such as a,b,c")
    return names


def password_in(settings: str) -> str:
    """The password that the nodes will ask for: the supervisor is a client like others."""
    import tomllib

    try:
        return str(tomllib.loads(settings).get("password", ""))
    except tomllib.TOMLDecodeError as error:
        raise click.ClickException(f"--settings: not TOML: {error}") from error


def say_plainly(text: str) -> None:
    """One line to standard output, at once. Nobody listening any more is no reason to stop."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (kept for the life of the process)
