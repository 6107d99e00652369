"""``trivet cap --real``: the CAP report card on real processes. In virtual time it is ``trivet lab cap``."""

import sys
from pathlib import Path

import click


@click.command(
    "cap",
    epilog="Exit codes: 0 every promise is kept; 1 one is not; 2 wrong words; 3 the nodes could not be run.",
)
@click.option("--real", is_flag=True, help="Really: start nodes here, cut them off, kill one.")
@click.option("--mode", "names", multiple=True, metavar="NAME", help="Only this mode. Repeatable.")
@click.option(
    "--json", "json_file", type=click.Path(dir_okay=False), default="", help="Write the figures here, too."
)
def command(real: bool, names: tuple[str, ...], json_file: str) -> None:
    """What each mode gives up, measured on real processes of this machine.

    Starts five nodes in a directory of its own, joined by links that it can cut; gives each mode keyspaces
    and clients at every node; and plays three troubles, in less than a minute: none, a minority that is cut
    off for 7 s, a node that is killed (SIGKILL) and started again. Times are real milliseconds. Everything is
    stopped and removed in the end; nothing else on this machine is touched.

    The card with all troubles, costs, charts and diagrams is the lab's: `trivet lab cap`.
    """
    from trivet.lab.cap.modes import present

    modes = present()
    known = [mode.name for mode in modes]
    for name in names:
        if name not in known:
            raise click.UsageError(f"there is no mode {name!r}: modes are {', '.join(known)}")
    if not real:
        raise click.UsageError("say --real to start nodes on this machine; in virtual time: `trivet lab cap`")
    from trivet.cli.cap_real import SETTINGS, real_card
    from trivet.cli.cap_world import WorldError
    from trivet.cli.probe import ProbeError
    from trivet.lab.cap.card import to_json
    from trivet.lab.cap.terminal import show
    from trivet.lab.cap.words import REAL_COLUMNS
    from trivet.lab.search.progress import progress_on

    try:
        with progress_on(sys.stdout, len(SETTINGS), "troubles") as progress:
            card = real_card([mode for mode in modes if not names or mode.name in names], progress.update)
    except (WorldError, ProbeError) as error:
        click.echo(f"trivet: {error}", err=True)
        sys.exit(3)
    show(card, sys.stdout, REAL_COLUMNS)
    click.echo("Real processes and real milliseconds; messages and syncs are in `trivet lab cap`.")
    if json_file:
        try:
            Path(json_file).write_text(to_json(card), encoding="utf-8")
        except OSError as error:
            raise click.ClickException(f"cannot write {json_file}: {error.strerror}") from error
    sys.exit(0 if card.is_kept else 1)
