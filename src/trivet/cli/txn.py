"""``trivet txn``: transactions with other databases that a crashed program left unfinished."""

import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import click

from trivet.cli.asking import cluster_options

if TYPE_CHECKING:
    from trivet.transactions.recovering import Recovery
    from trivet.transactions.recovery import Entry, Outcome, Report

DB = click.option(
    "--db",
    type=click.IntRange(0, 9999),
    default=0,
    show_default=True,
    help="The database of Trivet in which the transactions were made.",
)


@click.group("txn", epilog="What a transaction is: docs/transactions.md.")
def command() -> None:
    """Look at and finish transactions that span Trivet and other databases.

    A program that dies may leave branches prepared in PostgreSQL and MariaDB: they hold locks until somebody
    finishes them as Trivet's log says.
    """


@command.command(
    "recover",
    epilog="Exit code 0 when nothing is left, 1 when something is (or a database could not be asked), 2 for "
    "wrong words. Safe at any time, also twice at once, and while programs are at work.",
)
@cluster_options
@DB
@click.option(
    "--postgres",
    multiple=True,
    metavar="DSN",
    envvar="TRIVET_POSTGRES",
    help="A PostgreSQL database, as postgresql://user@host:port/database or libpq's key=value; give several "
    "for several. Needs `pip install trivet[transactions]`.",
)
@click.option(
    "--mariadb",
    multiple=True,
    metavar="DSN",
    envvar="TRIVET_MARIADB",
    help="A MariaDB database, as mariadb://user:password@host:port/database.",
)
@click.option(
    "--open-after",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Abort undecided transactions that are older; younger ones are left to their programs.",
)
@click.option("--watch", type=click.FloatRange(min=0.1), metavar="SECONDS", help="Again and again, so often.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
def recover(
    nodes: tuple[str, ...],
    data: Path,
    password_file: Path | None,
    db: int,
    postgres: tuple[str, ...],
    mariadb: tuple[str, ...],
    open_after: float,
    watch: float | None,
    dry_run: bool,
) -> None:
    """Finish what crashed programs left prepared, in every database that is named.

    Transactions whose commit is in Trivet's log are committed; all others are rolled back. What can't be
    finished now is told, and stops nothing else.
    """
    from trivet.transactions.errors import SetupError
    from trivet.transactions.recovering import Recovery

    try:
        urls = _urls(nodes, data, password_file, db)
        recovery = Recovery(urls, postgres=list(postgres), mariadb=list(mariadb), open_s=open_after)
        if watch is None:
            report = recovery.once(dry_run)
            click.echo("\n".join(_lines(report, dry_run)))
            raise SystemExit(0 if report.clean else 1)
    except SetupError as error:
        raise click.ClickException(str(error)) from error
    _watch(recovery, watch, dry_run)


def _watch(recovery: "Recovery", every_s: float, dry_run: bool) -> None:
    """Until Ctrl-C: what is new is told, what is as it was is not."""
    from trivet.transactions.errors import SetupError

    said: list[str] = []
    click.echo(f"looking every {every_s:g} s; Ctrl-C ends it")
    try:
        while True:
            try:
                report = recovery.once(dry_run)
                lines = _lines(report, dry_run)[:-1]
            except SetupError as error:
                lines = [str(error)]
            for line in lines:
                if line not in said:
                    click.echo(f"{time.strftime('%H:%M:%S')} {line}")
            said = lines
            time.sleep(every_s)
    except KeyboardInterrupt:
        click.echo("no longer looking")


def _urls(nodes: tuple[str, ...], data: Path, password_file: Path | None, db: int) -> list[str]:
    """The cluster's nodes as URLs of the database."""
    from trivet.cli.asking import asker_for

    urls: list[str] = []
    for host, port, password, user in asker_for(nodes, data, password_file).addresses:
        login = f"{quote(user, '')}:{quote(password, '')}@" if password else ""
        urls.append(f"redis://{login}{f'[{host}]' if ':' in host else host}:{port}/{db}")
    return urls


def _lines(report: "Report", dry: bool) -> list[str]:
    """A report: a line for each transaction, one for each trouble, and a summary last."""
    lines = [_line(outcome, dry) for outcome in report.outcomes]
    lines += [f"could not be asked: {trouble}" for trouble in report.troubles]
    left = len(report.left)
    done = len(report.settled)
    if dry:
        lines.append(f"{done + left} to finish, {len(report.open)} left to their programs; nothing was done")
    else:
        lines.append(f"{done} finished, {left} left, {len(report.open)} left to their programs")
    return lines


def _line(outcome: "Outcome", dry: bool) -> str:
    if outcome.decision == "open":
        return f"{outcome.id}: undecided, left to its program"
    verb = f"{'would be ' if dry else ''}{'committed' if outcome.decision == 'commit' else 'rolled back'}"
    told = [
        f"{name} {verdict.end.value}" + (f" ({verdict.text})" if verdict.text else "")
        for name, verdict in outcome.branches.items()
    ]
    return f"{outcome.id}: {verb}: {', '.join(told) or 'nothing was prepared'}"


@command.command("list", epilog="Exit code 0 when the cluster has answered.")
@cluster_options
@DB
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(nodes: tuple[str, ...], data: Path, password_file: Path | None, db: int, as_json: bool) -> None:
    """List the transactions that are under way or unfinished: id, state, age, branches, what is wrong."""
    from trivet.cli.tables import as_data, columns, duration, show_json
    from trivet.transactions.errors import SetupError
    from trivet.transactions.recovering import Recovery

    try:
        entries = Recovery(_urls(nodes, data, password_file, db)).listed()
    except SetupError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(show_json([as_data(entry) for entry in entries]))
        return
    rows = [_row(entry, duration(entry.age_ms)) for entry in entries]
    click.echo("\n".join(columns(["transaction", "state", "age", "branches", "trouble"], rows)))


def _row(entry: "Entry", age: str) -> list[str]:
    record = entry.record
    assert record is not None
    branches = " ".join(f"{row.name}={row.kind}:{row.where.partition('/')[2]}" for row in record.branches)
    return [entry.name.id, record.state, age, branches, record.trouble or "-"]


@command.command("forget", epilog="Exit code 1 when there is no such transaction.")
@click.argument("transaction")
@cluster_options
@DB
def forget(transaction: str, nodes: tuple[str, ...], data: Path, password_file: Path | None, db: int) -> None:
    """Remove the record of a TRANSACTION whose databases were put right by hand.

    A branch of it that is still prepared is rolled back by the next recovery.
    """
    from trivet.transactions.errors import SetupError
    from trivet.transactions.recovering import Recovery

    try:
        found = Recovery(_urls(nodes, data, password_file, db)).forget(transaction)
    except SetupError as error:
        raise click.ClickException(str(error)) from error
    if not found:
        raise click.ClickException(f"there is no transaction {transaction}: `trivet txn list` shows them")
    click.echo(f"{transaction} is forgotten")
