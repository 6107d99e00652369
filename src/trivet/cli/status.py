"""``trivet status``: what the nodes of a running cluster say of themselves."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click

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


def address_of(url: str) -> tuple[str, int, str, str]:
    """``redis://[[user]:password@]host:port`` (or ``host:port``) as host, port, password, user."""
    parts = urlsplit(url if "://" in url else f"redis://{url}")
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme != "redis" or not parts.hostname or not port:
        raise click.UsageError(f"{url!r} is no address: write it as redis://127.0.0.1:7001")
    return parts.hostname, port, unquote(parts.password or ""), unquote(parts.username or "")


def addresses_in(data: Path) -> list[tuple[str, int, str, str]]:
    """The addresses of the cluster that `trivet up` runs in ``data``, if there is one."""
    from trivet.cli.layout import HOST, LayoutError, read_cluster

    try:
        cluster = read_cluster(data)
    except LayoutError as error:
        raise click.ClickException(str(error)) from error
    return [(HOST, row["client_port"], "", "") for row in cluster["nodes"]] if cluster else []


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


@click.command("status", epilog="Exit code 0 when a node that answered knows a leader, 1 when none does.")
@click.option(
    "--url",
    "urls",
    multiple=True,
    metavar="URL",
    help="Address of a node, e.g. redis://127.0.0.1:7001; may be repeated.  [default: the nodes in DATA]",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("./trivet-data"),
    show_default=True,
    help="Where `trivet up` keeps the cluster, when no --url is given.",
)
def command(urls: tuple[str, ...], data: Path) -> None:
    """Show role, term, leader and log positions of each node, asked over its client port."""
    addresses = [address_of(url) for url in urls] or addresses_in(data) or [("127.0.0.1", 7001, "", "")]
    with ThreadPoolExecutor(max_workers=len(addresses)) as pool:
        answers = list(pool.map(row_of, addresses))
    for line in layout_table([row for row, _ in answers]):
        click.echo(line)
    if not any(info.get("raft_leader", "0") not in ("0", "", "none") for _, info in answers):
        click.echo("no leader: a majority of the nodes must run and reach each other", err=True)
        sys.exit(1)
