"""``trivet status``: what a running cluster says of itself."""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trivet.cli.asking import AGAIN_S, cluster_options

if TYPE_CHECKING:
    from trivet.cli.asking import Address, Asker
    from trivet.cli.view import View

LEADERLESS_S = 2.0
"""How long a group may be without a leader until that is said: an election takes less."""
_COLUMNS = (
    "node",
    "address",
    "role",
    "term",
    "leader",
    "commit",
    "applied",
    "last",
    "keys",
    "clients",
    "version",
)


def row_of(address: tuple[str, int, str, str]) -> tuple[list[str], dict[str, str]]:
    """One line of the table, and the node's INFO (empty when it did not answer)."""
    from trivet.cli.probe import Probe, ProbeError, keys_in

    where = f"{address[0]}:{address[1]}"
    try:
        info = Probe(*address).info()
    except ProbeError as error:
        reason = str(error).removeprefix(f"{where}: ")
        return ["?", where, reason.lower()] + [""] * (len(_COLUMNS) - 3), {}
    names = (
        "raft_role",
        "raft_term",
        "raft_leader",
        "raft_commit_index",
        "raft_applied_index",
        "raft_last_index",
    )
    values = [info.get(name, "?") for name in names]
    tail = [str(keys_in(info)), info.get("connected_clients", "?"), info.get("trivet_version", "?")]
    return [info.get("trivet_node", "?"), where, *values, *tail], info


def layout_table(rows: list[list[str]]) -> list[str]:
    """Columns as wide as their widest word, two blanks between."""
    table = [list(_COLUMNS), *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(_COLUMNS))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    ]


def show_view(view: "View") -> None:
    """Nodes, keyspaces, groups and moves, a table each."""
    from trivet.cli.tables import group_table, keyspace_table, move_table, node_table

    parts = [node_table(view), keyspace_table(view.keyspaces), group_table(view)]
    if view.moves:
        parts.append(move_table(view))
    click.echo("\n\n".join("\n".join(part) for part in parts))


def view_of(asker: "Asker") -> "View | None":
    """The whole cluster; None when nobody can be asked for it.

    A group that changes its leader has none for a moment, and that is no fault: it is asked again for a while
    before it is said.
    """
    from trivet.cli.probe import ProbeError

    view = None
    give_up_s = time.monotonic() + LEADERLESS_S
    while True:
        try:
            view = asker.full_view()
        except ProbeError:
            return view
        if not (view.leaderless() or view.undecided() or view.unserved()) or time.monotonic() > give_up_s:
            return view
        time.sleep(AGAIN_S)


def show_logs(addresses: "list[Address]") -> bool:
    """What each node says of itself, a line each; whether one of them knows a leader."""
    with ThreadPoolExecutor(max_workers=min(32, len(addresses))) as pool:
        answers = list(pool.map(row_of, addresses))
    for line in layout_table([row for row, _ in answers]):
        click.echo(line)
    return any(info.get("raft_leader", "0") not in ("0", "", "none") for _, info in answers)


@click.command(
    "status",
    epilog="Exit code 0 when every group has a leader (of mode paxos: a majority of its members, of mode "
    "eventual: one), 1 when one has had none for two "
    "seconds or no node answers. What the states mean stands in docs/operations.md.",
)
@cluster_options
@click.option(
    "--logs", is_flag=True, help="What each node says of itself: role, term, log positions, version."
)
@click.option(
    "--json", "as_json", is_flag=True, help="For programs: everything, with the names of CLUSTER STATE."
)
def command(
    nodes: tuple[str, ...], data: Path, password_file: Path | None, logs: bool, as_json: bool
) -> None:
    """Show the cluster: nodes, keyspaces, groups, and slots that are being moved.

    Any node can be asked. Counts and progress come from the leader of the system group, when it answers.
    """
    from trivet.cli.asking import asker_for
    from trivet.cli.leaving import listed

    asker = asker_for(nodes, data, password_file)
    named = list(asker.addresses)
    view = view_of(asker)
    if view is None and as_json:
        raise click.ClickException("no node tells the state of the cluster: name one that runs with --node")
    if view is not None and as_json:
        from trivet.cli.tables import show_json

        click.echo(show_json(view))
    elif view is not None and not logs:
        show_view(view)
    elif not show_logs(named if view is None else asker.addresses):
        click.echo("no leader: a majority of the nodes must run and reach each other", err=True)
        sys.exit(1)
    without = view.leaderless() if view is not None else []
    if without:
        _complain(f"no leader in group {listed(without)}")
    undecided = view.undecided() if view is not None else []
    if undecided:
        _complain(f"no majority in group {listed(undecided)}")
    unserved = view.unserved() if view is not None else []
    if unserved:
        click.echo(f"no member of group {listed(unserved)} is alive: one must run", err=True)
    if without or undecided or unserved:
        sys.exit(1)


def _complain(what: str) -> None:
    click.echo(f"{what}: a majority of its members must run and reach each other", err=True)
