"""``trivet keyspace``: databases with groups of their own."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trivet.cli.asking import cluster_options

if TYPE_CHECKING:
    from trivet.cli.asking import Asker
    from trivet.cli.probe import Reply

JSON = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group("keyspace", epilog="The same from any Redis client: KEYSPACE HELP.")
def command() -> None:
    """Make, look at and drop keyspaces.

    A keyspace is a numbered database with groups of its own. Databases 0 to 15 belong to the keyspace
    `default` until they are created here.
    """


def ask(asker: "Asker", *words: str, once: bool = False) -> "Reply":
    """One ``KEYSPACE`` call; what goes wrong ends the program with its sentence."""
    from trivet.cli.asking import fail
    from trivet.cli.probe import ProbeError

    try:
        return asker.call_once("KEYSPACE", *words) if once else asker.call("KEYSPACE", *words)
    except ProbeError as error:
        raise fail(error) from error


@command.command("create", epilog="Example: trivet keyspace create 20 --name orders --replicas 3 --shards 4")
@click.argument("db", type=click.IntRange(1, 9999))
@cluster_options
@click.option(
    "--mode",
    type=click.Choice(["raft", "local", "paxos", "eventual", "primary"]),
    default="raft",
    show_default=True,
    help="raft: replicated; local: one copy on one node, gone with it; paxos: replicated without a leader, "
    "one key per command; eventual: each copy takes reads and writes alone, and they converge; "
    "primary: answered by one node, whose backups follow.",
)
@click.option("--name", default="", help="A name, by which it can be selected too.")
@click.option(
    "--replicas",
    type=click.IntRange(1, 9),
    help="Copies of each group: to 7, of mode eventual to 9.  [default: 3]",
)
@click.option(
    "--shards",
    type=click.IntRange(1, 1024),
    help="How many groups.  [default: as size and load ask for; paxos, eventual, primary: 1]",
)
@click.option("--together", is_flag=True, help="All in one group, always.")
@click.option(
    "--write-quorum",
    type=click.IntRange(1, 9),
    help="Mode eventual: a write is answered when so many copies have it on disk.  [default: 1]",
)
@click.option(
    "--read-quorum",
    type=click.IntRange(1, 9),
    help="Mode eventual: a read shows all that so many copies had on disk.  [default: 1]",
)
def create(
    db: int,
    nodes: tuple[str, ...],
    data: Path,
    password_file: Path | None,
    mode: str,
    name: str,
    replicas: int | None,
    shards: int | None,
    together: bool,
    write_quorum: int | None,
    read_quorum: int | None,
) -> None:
    """Give database DB groups of its own. It must be empty."""
    from trivet.cli.asking import asker_for

    words = ["CREATE", str(db), "MODE", mode]
    words += ["NAME", name] if name else []
    words += ["REPLICAS", str(replicas)] if replicas else []
    words += ["SHARDS", str(shards)] if shards else []
    words += ["TOGETHER"] if together else []
    words += ["WRITE", "QUORUM", str(write_quorum)] if write_quorum else []
    words += ["READ", "QUORUM", str(read_quorum)] if read_quorum else []
    ask(asker_for(nodes, data, password_file), *words, once=True)
    click.echo(f"keyspace {db} is there: SELECT {name or db}")


@command.command("list", epilog="Exit code 0 when the cluster has answered.")
@cluster_options
@JSON
def list_(nodes: tuple[str, ...], data: Path, password_file: Path | None, as_json: bool) -> None:
    """List all keyspaces: number, name, mode, replicas, shards, databases."""
    from trivet.cli.asking import asker_for
    from trivet.cli.tables import as_data, keyspace_table, show_json
    from trivet.cli.view import read_keyspaces

    reply = ask(asker_for(nodes, data, password_file), "LIST")
    try:
        found = read_keyspaces(reply)
    except ValueError as error:
        raise click.ClickException(f"KEYSPACE LIST was answered with {error}") from error
    click.echo(show_json(as_data(found)) if as_json else "\n".join(keyspace_table(found)))


@command.command("info", epilog="Exit code 1 when there is no such keyspace.")
@click.argument("keyspace", metavar="DB|NAME")
@cluster_options
@JSON
def info(
    keyspace: str, nodes: tuple[str, ...], data: Path, password_file: Path | None, as_json: bool
) -> None:
    """Tell everything about one keyspace: what it shall be, its groups, its keys."""
    from trivet.cli.asking import asker_for
    from trivet.cli.tables import facts_lines, show_json
    from trivet.cli.view import plain, table

    reply = ask(asker_for(nodes, data, password_file), "INFO", keyspace)
    try:
        facts = {name: plain(value) for name, value in table(reply).items()}
    except ValueError as error:
        raise click.ClickException(f"KEYSPACE INFO was answered with {error}") from error
    click.echo(show_json(facts) if as_json else "\n".join(facts_lines(facts)))


@command.command(
    "drop", epilog="Exit code 1 when --force was not said and it holds keys or is of mode paxos or eventual."
)
@click.argument("keyspace", metavar="DB|NAME")
@cluster_options
@click.option(
    "--force",
    is_flag=True,
    help="Also when it holds keys: they are lost. Always for modes paxos and eventual.",
)
def drop(keyspace: str, nodes: tuple[str, ...], data: Path, password_file: Path | None, force: bool) -> None:
    """Remove a keyspace and its groups.

    It must be empty, unless --force says that the keys may go. One of mode paxos or eventual
    goes with --force only.
    """
    from trivet.cli.asking import asker_for

    words = ["DROP", keyspace, *(["FORCE"] if force else [])]
    ask(asker_for(nodes, data, password_file), *words, once=True)
    click.echo(f"keyspace {keyspace} is no more")
