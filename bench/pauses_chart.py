"""The picture of `bench/pauses.py`: latency over time around the death of a node, a panel for each system.

SVG by hand, in the colours of the lab's pictures, for light pages and dark ones.
"""

import math
import statistics
from dataclasses import dataclass
from html import escape

from trivet.lab.pictures.palette import BLUE, GREEN, ORANGE, RED

Sample = tuple[float, float, bool]
"""A call: when it was sent, in seconds from the kill; how many ms it took; whether it succeeded."""

WIDTH, LEFT, RIGHT, TOP, HEIGHT, SPACE = 860, 62, 16, 56, 118, 34
BIN_S = 0.05
LEAST_MS, MOST_MS = 0.3, 10_000.0
MARKS = ((1.0, "1 ms"), (10.0, "10 ms"), (100.0, "100 ms"), (1_000.0, "1 s"), (10_000.0, "10 s"))
COLOURS = (GREEN, BLUE, ORANGE)


@dataclass
class Panel:
    """One system."""

    title: str
    note: str
    """What became of it, in a few words."""
    samples: list[Sample]


def bins(samples: list[Sample], begin_s: float, end_s: float) -> list[tuple[float, float, float, int]]:
    """Per piece of time that has calls: its begin, their median and their longest in ms, how many failed."""
    found: dict[int, list[Sample]] = {}
    for sample in samples:
        if begin_s <= sample[0] < end_s:
            found.setdefault(math.floor((sample[0] - begin_s) / BIN_S + 1e-9), []).append(sample)
    rows = []
    for number in sorted(found):
        took = [sample[1] for sample in found[number]]
        failed = len([sample for sample in found[number] if not sample[2]])
        rows.append((begin_s + number * BIN_S, statistics.median(took), max(took), failed))
    return rows


def height_of(ms: float) -> float:
    """How far below the top of its panel a latency stands."""
    inside = min(max(ms, LEAST_MS), MOST_MS)
    return HEIGHT * (1 - math.log(inside / LEAST_MS) / math.log(MOST_MS / LEAST_MS))


def _style(count: int) -> str:
    names = {"bg": ("#ffffff", "#14181d"), "ink": ("#1d2329", "#e8ecf0"), "soft": ("#5b6672", "#a3afbb")}
    names |= {"line": ("#d5dbe1", "#333c45"), "red": RED}
    names |= {f"c{number}": COLOURS[number % len(COLOURS)] for number in range(count)}
    light, dark = (";".join(f"--{name}:{shade[i]}" for name, shade in names.items()) for i in (0, 1))
    rules = f"svg{{{light}}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}"
    rules += ".paper{fill:var(--bg)}text{fill:var(--ink)}.soft{fill:var(--soft)}.name{font-weight:600}"
    rules += ".rule{stroke:var(--line)}.kill{stroke:var(--red);stroke-width:1.5;stroke-dasharray:4 3}"
    rules += ".killed,.failed{fill:var(--red)}.failed{font-weight:700}path{fill:none;stroke-linejoin:round}"
    for number in range(count):
        rules += f".m{number}{{stroke:var(--c{number});stroke-width:2}}"
        rules += f".x{number}{{fill:var(--c{number});opacity:.25}}"
    return f"<style>{rules}</style>"


def draw(panels: list[Panel], title: str, begin_s: float, end_s: float) -> str:
    """The whole picture; all panels have the same axes."""
    whole = TOP + len(panels) * (HEIGHT + SPACE) + 22
    wide = WIDTH - LEFT - RIGHT

    def x(second: float) -> float:
        return LEFT + wide * (second - begin_s) / (end_s - begin_s)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {whole}" width="{WIDTH}" '
        f'height="{whole}" role="img" aria-label="{escape(title)}" font-family="system-ui,-apple-system,\'Segoe UI\','
        'Roboto,\'Helvetica Neue\',Arial,sans-serif" font-size="11">',
        f"<title>{escape(title)}</title>",
        _style(len(panels)),
        f'<rect class="paper" width="{WIDTH}" height="{whole}"/>',
        f'<text x="{LEFT}" y="20" font-size="14" class="name">{escape(title)}</text>',
        f'<text x="{LEFT}" y="36" class="soft">Line: median of calls sent within 50 ms; area: up to the '
        "longest of them; ×: some failed. Clients of the nodes that live.</text>",
    ]
    for number, panel in enumerate(panels):
        out += _panel(panel, number, TOP + SPACE / 2 + number * (HEIGHT + SPACE), x, begin_s, end_s)
    bottom = TOP + SPACE / 2 + len(panels) * (HEIGHT + SPACE) - SPACE + 15
    out += [
        f'<text x="{x(second):.0f}" y="{bottom:.0f}" class="soft" text-anchor="middle">{second:+d} s</text>'
        if second
        else f'<text x="{x(0):.0f}" y="{bottom:.0f}" class="killed" text-anchor="middle">the node dies</text>'
        for second in range(math.ceil(begin_s), math.floor(end_s) + 1)
    ]
    return "\n".join([*out, "</svg>", ""])


def _panel(panel: Panel, number: int, top: float, x, begin_s: float, end_s: float) -> list[str]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    rows = bins(panel.samples, begin_s, end_s)
    out = [f'<text x="{LEFT}" y="{top - 6:.0f}"><tspan class="name">{escape(panel.title)}</tspan>']
    out[-1] += f'<tspan class="soft"> {escape(panel.note)}</tspan></text>'
    for ms, text in MARKS:
        y = top + height_of(ms)
        out.append(f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        out.append(f'<text class="soft" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    middle = [(x(second + BIN_S / 2), top + height_of(median)) for second, median, _, _ in rows]
    upper = [(x(second + BIN_S / 2), top + height_of(longest)) for second, _, longest, _ in rows]
    if rows:
        area = "L".join(f"{at:.1f} {y:.1f}" for at, y in [*upper, *reversed(middle)])
        out.append(f'<path class="x{number}" style="fill:var(--c{number})" d="M{area}Z"/>')
        out.append(f'<path class="m{number}" d="M{"L".join(f"{at:.1f} {y:.1f}" for at, y in middle)}"/>')
    out += [
        f'<text class="failed" x="{at:.1f}" y="{y - 2:.1f}" text-anchor="middle">×</text>'
        for (at, y), row in zip(upper, rows, strict=True)
        if row[3]
    ]
    out.append(f'<line class="kill" x1="{x(0):.1f}" x2="{x(0):.1f}" y1="{top:.1f}" y2="{top + HEIGHT:.1f}"/>')
    return out
