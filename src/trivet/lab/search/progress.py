"""What moves while one waits: a calm bar on a terminal, nothing at all in a pipe."""

import time
from types import TracebackType
from typing import TextIO


class Silent:
    """The progress of a pipe: none."""

    moves = False

    def __enter__(self) -> "Silent":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass

    def update(self, done: int, note: str) -> None:
        """Say nothing."""


class Bar(Silent):
    """A bar, twice a second, that goes away when all is done. What is printed meanwhile scrolls above it."""

    moves = True

    def __init__(self, out: TextIO, total: int | None, what: str) -> None:
        import rich.console
        import rich.progress

        self._progress = rich.progress.Progress(
            rich.progress.TextColumn(what),
            rich.progress.BarColumn(bar_width=30),
            rich.progress.MofNCompleteColumn() if total is not None else rich.progress.TextColumn(""),
            rich.progress.TimeRemainingColumn() if total is not None else rich.progress.TimeElapsedColumn(),
            rich.progress.TextColumn("{task.fields[note]}", markup=False),
            console=rich.console.Console(file=out),
            refresh_per_second=2,
            transient=True,
        )
        self._task = self._progress.add_task("", total=total, note="")
        self._told_s = 0.0

    def __enter__(self) -> "Bar":
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def update(self, done: int, note: str) -> None:
        """So much is done, and this is worth a few words."""
        if time.monotonic() - self._told_s > 0.2:
            self._told_s = time.monotonic()
            self._progress.update(self._task, completed=done, note=note)


def progress_on(out: TextIO, total: int | None, what: str) -> Silent:
    """A bar where somebody is looking, else nothing."""
    return Bar(out, total, what) if out.isatty() else Silent()
