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

LEFT, RIGHT, TOP, WIDE, HEIGHT, SPACE = 52, 30, 86, 400, 110, 30
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
    rules += ".killed,.failed{fill:var(--red)}.failed{font-weight:700}path{stroke-linejoin:round}"
    for number in range(count):
        rules += f".m{number}{{fill:none;stroke:var(--c{number});stroke-width:2}}"
        rules += f".x{number}{{fill:var(--c{number});opacity:.25}}"
    return f"<style>{rules}</style>"


class Axis:
    """Where the seconds of one column stand."""

    def __init__(self, left: float, begin_s: float, end_s: float) -> None:
        self.left = left
        self.begin_s = begin_s
        self.end_s = end_s

    def x(self, second: float) -> float:
        """A moment, in seconds from the kill."""
        return self.left + WIDE * (second - self.begin_s) / (self.end_s - self.begin_s)


def draw(columns: list[tuple[str, list[Panel]]], title: str, begin_s: float, end_s: float) -> str:
    """The whole picture: columns with a heading each; all panels have the same axes."""
    count = max((len(panels) for _, panels in columns), default=0)
    width = LEFT + len(columns) * (WIDE + RIGHT)
    whole = TOP + count * (HEIGHT + SPACE) + 20
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {whole}" width="{width}" '
        f'height="{whole}" role="img" aria-label="{escape(title)}" font-size="11" '
        "font-family=\"system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif\">",
        f"<title>{escape(title)}</title>",
        _style(count),
        f'<rect class="paper" width="{width}" height="{whole}"/>',
        f'<text x="{LEFT}" y="20" font-size="14" class="name">{escape(title)}</text>',
        f'<text x="{LEFT}" y="36" class="soft">Line: median of calls sent within 50 ms; shade: up to the '
        "longest of them; ×: some failed.</text>",
    ]
    for number, (heading, panels) in enumerate(columns):
        axis = Axis(LEFT + number * (WIDE + RIGHT), begin_s, end_s)
        out.append(f'<text x="{axis.left}" y="60" font-size="12" class="killed">{escape(heading)}</text>')
        for row, panel in enumerate(panels):
            out += _panel(panel, row, TOP + row * (HEIGHT + SPACE), axis, number == 0)
        bottom = TOP + count * (HEIGHT + SPACE) - SPACE + 15
        for second in range(math.ceil(begin_s), math.ceil(end_s)):
            told = f"{second:+d} s" if second else "it dies"
            name = "soft" if second else "killed"
            place = f'x="{axis.x(second):.0f}" y="{bottom}"'
            out.append(f'<text {place} class="{name}" text-anchor="middle">{told}</text>')
    return "\n".join([*out, "</svg>", ""])


def _panel(panel: Panel, number: int, top: float, axis: Axis, marked: bool) -> list[str]:
    rows = bins(panel.samples, axis.begin_s, axis.end_s)
    right = axis.left + WIDE
    out = [f'<text x="{axis.left}" y="{top - 6}"><tspan class="name">{escape(panel.title)}</tspan>']
    out[-1] += f'<tspan class="soft"> {escape(panel.note)}</tspan></text>'
    for ms, text in MARKS:
        y = top + height_of(ms)
        out.append(f'<line class="rule" x1="{axis.left}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        if marked:
            at = axis.left - 6
            out.append(f'<text class="soft" x="{at}" y="{y + 4:.1f}" text-anchor="end">{text}</text>')
    middle = [(axis.x(second + BIN_S / 2), top + height_of(median)) for second, median, _, _ in rows]
    upper = [(axis.x(second + BIN_S / 2), top + height_of(longest)) for second, _, longest, _ in rows]
    if rows:
        area = "L".join(f"{at:.1f} {y:.1f}" for at, y in [*upper, *reversed(middle)])
        out.append(f'<path class="x{number}" d="M{area}Z"/>')
        out.append(f'<path class="m{number}" d="M{"L".join(f"{at:.1f} {y:.1f}" for at, y in middle)}"/>')
    out += [
        f'<text class="failed" x="{at:.1f}" y="{y - 2:.1f}" text-anchor="middle">×</text>'
        for (at, y), row in zip(upper, rows, strict=True)
        if row[3]
    ]
    at = axis.x(0)
    out.append(f'<line class="kill" x1="{at:.1f}" x2="{at:.1f}" y1="{top}" y2="{top + HEIGHT}"/>')
    return out
