"""The live view of `trivet up` in a terminal: a calm table, redrawn twice a second, messages above it."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from trivet.cli.layout import NodeRow
from trivet.cli.watch import NodeView

_REDRAW_S = 0.5
_ROLE_STYLES = {"leader": "bold green", "follower": "", "candidate": "yellow"}


def table_of(rows: list[NodeRow], views: list[NodeView | None]) -> Table:
    """The table: one line per node."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("node")
    table.add_column("address")
    table.add_column("role", min_width=10)
    for title in ("term", "commit", "keys", "ops/s"):
        table.add_column(title, justify="right", min_width=6)
    for row, view in zip(rows, views, strict=True):
        address = f"127.0.0.1:{row['client_port']}"
        if view is None:
            state = "no answer" if row["pid"] else "down"
            table.add_row(str(row["id"]), address, Text(state, style="red"), "", "", "", "")
            continue
        table.add_row(
            str(row["id"]),
            address,
            Text(view.role or "starting", style=_ROLE_STYLES.get(view.role, "")),
            str(view.term),
            f"{view.commit:,}",
            f"{view.keys:,}",
            f"{view.ops_per_s:,.0f}",
        )
    return table


class LiveView:
    """A context in which ``draw`` redraws the table and ``say`` prints above it."""

    def __init__(self, rows: list[NodeRow]) -> None:
        self._rows = rows
        self._console = Console(highlight=False)
        self._live = Live(table_of(rows, [None] * len(rows)), console=self._console, auto_refresh=False)
        self._drawn_s = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """Print one line above the table."""
        self._console.print(text, soft_wrap=True, markup=False)

    def draw(self, views: list[NodeView | None]) -> None:
        """Redraw, if it is time to."""
        now_s = time.monotonic()
        if now_s - self._drawn_s >= _REDRAW_S:
            self._drawn_s = now_s
            self._live.update(table_of(self._rows, views), refresh=True)
