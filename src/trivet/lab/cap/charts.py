"""The card's charts: SVG by hand, in the colours of the lab's pictures, for light pages and dark ones.

Two forms: a grid (modes by troubles, a bar for each side) for who was served, and plain bars for what is
compared by length. Every bar has its figure beside it, so that colour and length are never alone.
"""

import math
from typing import Final

from trivet.lab.cap.card import Card
from trivet.lab.cap.figures import Side
from trivet.lab.cap.troubles import TROUBLES
from trivet.lab.cap.words import latency_text, number_text, percent
from trivet.lab.pictures.palette import BLUE, GREEN, GREY, ORANGE, PAGE, PURPLE, RED, SKY, Shade
from trivet.lab.pictures.svg_sheet import safe

FONT: Final = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
SERIES: Final[tuple[Shade, ...]] = (BLUE, ORANGE, PURPLE, GREEN, SKY)
LABEL: Final = 74
CELL: Final = 156
ROW: Final = 46
BAR: Final = 12

Bars = list[tuple[str, list[tuple[float | None, str]]]]
"""Per row its label, and per series a value and its text."""


def availability(card: Card) -> str:
    """Who was served: a row per mode, a column per trouble, a bar per side of it."""
    troubles = [t for t in TROUBLES if any(s.trouble == t.name for s in card.squares)]
    width, height = LABEL + CELL * len(troubles) + 10, 74 + ROW * len(card.modes)
    out = []
    for place, trouble in enumerate(troubles):
        x = LABEL + CELL * place
        out.append(_text(x, 44, trouble.title, "name"))
        names = [side.name for side in card.square(card.modes[0], trouble.name).sides]
        out.append(_text(x, 58, " / ".join(names), "soft", 9))
    for row, mode in enumerate(card.modes):
        top = 68 + ROW * row
        out.append(_text(8, top + 18, mode, "name"))
        for place, trouble in enumerate(troubles):
            for number, side in enumerate(card.square(mode, trouble.name).sides):
                out += _served(side, LABEL + CELL * place, top + number * (BAR + 6))
    return _document("Who was served, on each side of each trouble", width, height, out)


def _served(side: Side, x: float, y: float) -> list[str]:
    width = CELL - 52
    kind = "good" if side.availability >= 0.99 else "half" if side.availability >= 0.05 else "bad"
    told = f"{side.name}: {percent(side.availability)}"
    return [
        f'<rect class="track" x="{x}" y="{y}" width="{width}" height="{BAR}" rx="2"/>',
        f'<rect class="{kind}" x="{x}" y="{y}" width="{max(1.5, width * side.availability):.1f}" '
        f'height="{BAR}" rx="2"><title>{safe(told)}</title></rect>',
        _text(x + width + 5, y + BAR - 2, percent(side.availability), ""),
    ]


def latency(card: Card) -> str:
    """What an answer takes on an ordinary day."""
    rows: Bars = []
    for mode in card.modes:
        square = card.square(mode, "healthy")
        values = (square.read_p50, square.write_p50, square.p99)
        rows.append((mode, [(value, latency_text(value)) for value in values]))
    return _bars(
        "How long an answer takes, in network delays (healthy)", ("read p50", "write p50", "p99"), rows
    )


def cost(card: Card) -> str:
    """What an answer costs on an ordinary day."""
    rows: Bars = []
    for mode in card.modes:
        square = card.square(mode, "healthy")
        values = (square.messages_per_op, square.syncs_per_op)
        rows.append((mode, [(value, number_text(value)) for value in values]))
    return _bars("What an answer costs (healthy)", ("messages", "syncs"), rows)


def waiting(card: Card) -> str:
    """The longest wait under each trouble, of the side that fared better."""
    names = [t for t in TROUBLES[1:] if any(s.trouble == t.name for s in card.squares)]
    rows: Bars = []
    for trouble in names:
        for mode in card.modes:
            ms = min(side.pause_ms for side in card.square(mode, trouble.name).sides)
            rows.append((f"{trouble.title}: {mode}", [(float(ms), f"{ms:,} ms")]))
    return _bars(
        "The longest wait on the side that fared better",
        ("ms",),
        rows,
        len(card.modes),
        is_log=True,
        label=170,
    )


def charts(card: Card) -> dict[str, str]:
    """All of them by file name."""
    drawn = {"availability.svg": availability(card)}
    if any(square.trouble == "healthy" for square in card.squares):
        drawn |= {"latency.svg": latency(card), "cost.svg": cost(card)}
    if any(square.trouble != "healthy" for square in card.squares):
        drawn["waiting.svg"] = waiting(card)
    return drawn


def _bars(
    title: str,
    series: tuple[str, ...],
    rows: Bars,
    shades: int = 1,
    is_log: bool = False,
    label: int = LABEL,
    width: int = 640,
) -> str:
    most = max((value for _, values in rows for value, _ in values if value is not None), default=1.0) or 1.0
    room, step = width - label - 80, len(series) * (BAR + 2) + 10
    out = []
    if len(series) > 1:
        x = float(label)
        for number, name in enumerate(series):
            out.append(f'<rect class="s{number}" x="{x}" y="34" width="10" height="10" rx="2"/>')
            out.append(_text(x + 14, 43, name, "soft"))
            x += 24 + 7 * len(name)
    for row, (name, values) in enumerate(rows):  # with one series, each of `shades` rows has its own colour
        top = 54 + row * step
        out.append(_text(8, top + BAR - 2, name, "name"))
        for number, (value, text) in enumerate(values):
            y = top + number * (BAR + 2)
            long = 0.0 if value is None else room * _share(value, most, is_log)
            shade = number + row % shades
            out.append(
                f'<rect class="s{shade}" x="{label}" y="{y}" width="{max(1.5, long):.1f}" '
                f'height="{BAR}" rx="2"/>'
            )
            out.append(_text(label + max(1.5, long) + 5, y + BAR - 2, text, ""))
    return _document(title, width, 58 + len(rows) * step, out)


def _share(value: float, most: float, is_log: bool) -> float:
    return math.log1p(value) / math.log1p(most) if is_log else value / most


def _text(x: float, y: float, text: str, kind: str, size: int = 11) -> str:
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" font-size="{size}">{safe(text)}</text>'


def _document(title: str, width: float, height: float, out: list[str]) -> str:
    names: dict[str, Shade] = {name: PAGE[name] for name in ("bg", "ink", "soft", "line")}
    names |= {"good": GREEN, "half": ORANGE, "bad": RED, "grey": GREY}
    names |= {f"s{number}": shade for number, shade in enumerate(SERIES)}
    light, dark = (";".join(f"--{name}:{shade[i]}" for name, shade in names.items()) for i in (0, 1))
    rules = "".join(f".{name}{{fill:var(--{name})}}" for name in names if name not in ("bg", "ink", "line"))
    style = (
        f"svg{{{light}}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}text{{fill:var(--ink)}}{rules}"
        ".paper{fill:var(--bg)}.track{fill:var(--line)}.name{font-weight:600}.title{font-weight:600}"
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
            f'height="{height:g}" role="img" aria-label="{safe(title)}" font-family="{FONT}">',
            f"<title>{safe(title)}</title>",
            f"<style>{style}</style>",
            f'<rect class="paper" width="{width:g}" height="{height:g}"/>',
            _text(8, 20, title, "title", 14),
            *out,
            "</svg>",
            "",
        ]
    )
