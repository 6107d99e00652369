"""The card on a terminal: a table per trouble, coloured where somebody looks, plain text in a pipe."""

import textwrap
from collections.abc import Sequence
from typing import Final, TextIO

from trivet.lab.cap.card import Card
from trivet.lab.cap.modes import MODE_ROWS
from trivet.lab.cap.troubles import TROUBLES
from trivet.lab.cap.words import COLUMNS, not_kept, promise_rows, table

WIDTH: Final = 110

_GOOD = ("kept", "yes")
_BAD = ("BROKEN", "no")


def show(card: Card, out: TextIO, meanings: Sequence[tuple[str, str]] = COLUMNS) -> None:
    """Print all of it; ``meanings``: of the columns."""
    is_terminal = out.isatty()
    played = dict.fromkeys(square.trouble for square in card.squares)
    for trouble in TROUBLES:
        if trouble.name not in played:
            continue
        _write(out, f"{trouble.title.upper()}. {trouble.sentence}", is_terminal, "bold")
        titles, rows = table(card, trouble)
        if is_terminal:
            _draw(titles, rows, out)
        else:
            out.write("\n".join(columns(titles, rows)) + "\n")
        out.write("\n")
    out.write("\n".join(columns(["mode", "corner", "promise", "in all runs"], promise_rows(card))) + "\n\n")
    for mode in MODE_ROWS:
        if mode.name in card.modes:
            out.write(f"take {mode.name} for {mode.take_for}\n")
    out.write("\n")
    for name, meaning in meanings:
        out.write("\n".join(textwrap.wrap(f"{name}: {meaning}", WIDTH, subsequent_indent="  ")) + "\n")
    out.write("\n")
    for line in not_kept(card):
        _write(out, f"NOT KEPT: {line}", is_terminal, "bold red")
    if card.is_kept:
        out.write("every promise is kept\n")


def columns(titles: list[str], rows: list[list[str]]) -> list[str]:
    """Plain text: columns as wide as their widest word, two blanks between."""
    widths = [max(len(row[place]) for row in [titles, *rows]) for place in range(len(titles))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [titles, *rows]
    ]


def _draw(titles: list[str], rows: list[list[str]], out: TextIO) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, title in enumerate(titles):
        drawn.add_column(title, overflow="fold", no_wrap=place == 0)
    for row in rows:
        drawn.add_row(*(Text(cell, style=_style(cell)) for cell in row))
    Console(file=out).print(drawn)


def _style(cell: str) -> str:
    return "green" if cell in _GOOD else "red" if cell in _BAD else ""


def _write(out: TextIO, text: str, is_terminal: bool, style: str) -> None:
    if not is_terminal:
        out.write(text + "\n")
        return
    from rich.console import Console

    Console(file=out).print(text, style=style, markup=False, highlight=False)
