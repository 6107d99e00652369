"""``trivet lab cap`` without its command line: a seed in, a table and files and an exit code out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

from trivet.lab.cap.card import make
from trivet.lab.cap.modes import Mode, present
from trivet.lab.cap.pages import write
from trivet.lab.cap.terminal import show
from trivet.lab.cap.troubles import TROUBLES, Trouble
from trivet.lab.search.progress import progress_on

KEPT: Final = 0
BROKEN: Final = 1
WRONG: Final = 2


def lab_cap(
    seed: int,
    folder: str,
    jobs: int,
    out: TextIO,
    modes: Sequence[Mode] = (),
    troubles: Sequence[Trouble] = TROUBLES,
) -> int:
    """Play, print, and with ``folder`` write the files; 0 when every promise is kept, 1 otherwise."""
    rows = list(modes) or present()
    with progress_on(out, len(rows) * len(troubles), "runs") as progress:
        card, pictures = make(seed, rows, troubles, jobs, progress.update)
    show(card, out)
    if folder:
        try:
            count = write(Path(folder), card, pictures)
        except OSError as error:
            out.write(f"trivet: cannot write {folder}: {error.strerror}\n")
            return WRONG
        out.write(f"{count} files in {folder}: begin with {Path(folder) / 'index.html'}\n")
    return KEPT if card.is_kept else BROKEN
