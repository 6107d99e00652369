"""The card as files: a page that needs nothing else, the same as Markdown, figures as JSON, pictures."""

from collections.abc import Callable
from html import escape
from pathlib import Path

from trivet.lab.cap.card import Card, to_json
from trivet.lab.cap.charts import charts
from trivet.lab.cap.modes import MODE_ROWS, Mode
from trivet.lab.cap.play import Square
from trivet.lab.cap.troubles import TROUBLES, Trouble
from trivet.lab.cap.words import COLUMNS, METHOD, not_kept, promise_rows, sentences, table
from trivet.lab.pictures.palette import PAGE

TITLE = "The CAP report card"
INTRODUCTION = (
    "What do I give up? The same clients, the same troubles, in every mode: who is still served, what is "
    "lost, what is stale, how long it takes, what it costs. Nothing here is drawn or written by "
    "hand: it is what the store's own code did in simulation, and the same seed gives the same card on "
    "every machine."
)

CHARTS = {
    "availability.svg": "Each bar is the share of the time in which the clients on one side were served.",
    "waiting.svg": "How long a client waited at most where it was best to be; the scale is logarithmic.",
    "latency.svg": "From asking to answering, on an ordinary day, forwarding from node to node included.",
    "cost.svg": "What all nodes together sent to each other and synced for one answer, on an ordinary day.",
}


def _modes(card: Card) -> list[Mode]:
    return [mode for mode in MODE_ROWS if mode.name in card.modes]


def _troubles(card: Card) -> list[Trouble]:
    return [t for t in TROUBLES if any(s.trouble == t.name for s in card.squares)]


def verdict_text(card: Card) -> str:
    """One sentence."""
    broken = not_kept(card)
    count = len(card.verdicts)
    if not broken:
        return f"Every promise is kept, in all {count} runs."
    return f"{sum(not v.is_kept for v in card.verdicts)} of {count} runs do not agree with what is promised."


# -- Markdown


def markdown(card: Card) -> str:
    """The card for documentation."""
    lines = [f"# {TITLE}", "", INTRODUCTION, "", METHOD, "", f"**{verdict_text(card)}**", ""]
    lines += [f"- NOT KEPT: {line}" for line in not_kept(card)] + ([""] if not_kept(card) else [])
    lines += _md_table(["mode", "corner", "promise", "in all runs"], promise_rows(card))
    lines += ["", "## Which mode to take", ""]
    rows = [[mode.name, mode.how, mode.take_for, mode.gives_up] for mode in _modes(card)]
    lines += _md_table(["mode", "how", "take it for", "you give up"], rows)
    lines += ["", "## At a glance", ""]
    for name in charts(card):
        lines += [f"![{CHARTS[name]}]({name})", "", CHARTS[name], ""]
    lines += ["## Trouble by trouble", ""]
    for trouble in _troubles(card):
        titles, cells = table(card, trouble)
        linked = [[f"[{row[0]}](runs/{row[0]}-{trouble.name}.svg)", *row[1:]] for row in cells]
        lines += [
            f"### {trouble.title.capitalize()}",
            "",
            trouble.sentence,
            "",
            *_md_table(titles, linked),
            "",
        ]
        for square in [card.square(mode, trouble.name) for mode in card.modes]:
            lines += [f"- **{square.mode}**: {sentences(square)}{_md_example(square)}"]
        lines += [""]
    lines += ["## What the figures mean", "", *(f"- **{name}**: {meaning}." for name, meaning in COLUMNS), ""]
    lines += [
        "The names of the modes lead to the space-time diagrams of the runs. Made by "
        f"`trivet lab cap --seed {card.seed}`; the same as [a page](index.html) and as [figures](card.json).",
        "",
    ]
    return "\n".join(lines)


def _md_table(titles: list[str], rows: list[list[str]]) -> list[str]:
    lines = [f"| {' | '.join(titles)} |", f"|{'---|' * len(titles)}"]
    return lines + [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]


def _md_example(square: Square) -> str:
    return f" [The counterexample]({square.picture})." if square.counterexample else ""


# -- HTML


def html(card: Card) -> str:
    """The card as one page; only the diagrams of the runs are files of their own, beside it in ``runs/``."""
    kind = "good" if card.is_kept else "bad"
    parts = [f"<h1>{TITLE}</h1><p>{escape(INTRODUCTION)}</p>"]
    parts.append(f'<p class="verdict {kind}">{escape(verdict_text(card))}</p>')
    if not card.is_kept:
        parts.append("<ul>" + "".join(f"<li>{escape(line)}</li>" for line in not_kept(card)) + "</ul>")
    parts.append(_html_table(["mode", "corner", "promise", "in all runs"], promise_rows(card)))
    rows = [[mode.name, mode.how, mode.take_for, mode.gives_up] for mode in _modes(card)]
    parts += ["<h2>Which mode to take</h2>", _html_table(["mode", "how", "take it for", "you give up"], rows)]
    parts.append("<h2>At a glance</h2>")
    for name, drawn in charts(card).items():
        parts.append(f"<figure>{drawn}<figcaption>{escape(CHARTS[name])}</figcaption></figure>")
    parts.append("<h2>Trouble by trouble</h2>")
    parts += [_section(card, trouble) for trouble in _troubles(card)]
    parts.append("<h2>What the figures mean</h2><dl>")
    parts += [f"<dt>{escape(name)}</dt><dd>{escape(meaning)}.</dd>" for name, meaning in COLUMNS]
    parts.append(f"</dl><h2>How it is measured</h2><p>{escape(METHOD)}</p>")
    parts.append(
        f"<p>Made by <code>trivet lab cap --seed {card.seed}</code>; the figures: "
        "<a href='card.json'>card.json</a>.</p>"
    )
    return _PAGE.replace("@STYLE@", _style()).replace("@BODY@", "\n".join(parts))


def _section(card: Card, trouble: Trouble) -> str:
    titles, rows = table(card, trouble)

    def first(cell: str) -> str:
        return f'<a href="runs/{escape(cell)}-{trouble.name}.svg">{escape(cell)}</a>'

    said = []
    for square in [card.square(mode, trouble.name) for mode in card.modes]:
        broken = card.verdict(square.mode, trouble.name).broken
        marks = "".join(f'<br><b class="bad">Not kept: {escape(sentence)}.</b>' for sentence in broken)
        said.append(
            f"<li><b>{square.mode}</b>: {escape(sentences(square))}{marks}{_html_example(square)}</li>"
        )
    return (
        f'<section id="{trouble.name}"><h3>{trouble.title.capitalize()}</h3><p>{escape(trouble.sentence)}</p>'
        f"<div class=figures>{_html_table(titles, rows, first)}</div><ul>{''.join(said)}</ul></section>"
    )


def _html_example(square: Square) -> str:
    if not square.counterexample:
        return ""
    lines = escape("\n".join(square.counterexample))
    return (
        f'<details><summary>The counterexample</summary><pre>{lines}</pre><a href="{square.picture}">as a '
        "space-time diagram</a></details>"
    )


def _html_table(titles: list[str], rows: list[list[str]], first: Callable[[str], str] = escape) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = ""
    for row in rows:
        cells = [f"<td>{first(row[0])}</td>"]
        cells += [f'<td class="{_class(cell)}">{escape(cell)}</td>' for cell in row[1:]]
        body += f"<tr>{''.join(cells)}</tr>"
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _class(cell: str) -> str:
    return "good" if cell == "kept" else "bad" if cell.startswith("BROKEN") else ""


def _style() -> str:
    light, dark = (";".join(f"--{name}:{shade[i]}" for name, shade in PAGE.items()) for i in (0, 1))
    night = f"@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"
    return f":root{{color-scheme:light dark;{light}}}{night}{_RULES}"


_RULES = """
body{margin:2rem auto;padding:0 1rem;max-width:1000px;font:15px/1.5 system-ui,sans-serif}
body{background:var(--bg);color:var(--ink)}
h1{font-size:1.7rem}h2{margin-top:2.2rem;border-bottom:1px solid var(--line)}a{color:var(--blue)}
table{border-collapse:collapse;font-size:13px}
th,td{padding:.3rem .6rem;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
.figures td{white-space:nowrap}th{color:var(--soft);font-weight:600}.wide{overflow-x:auto}
figure{margin:1rem 0;overflow-x:auto}figcaption{color:var(--soft)}
.verdict{padding:.6rem .9rem;border-left:4px solid var(--ok);background:var(--note);font-weight:600}
.verdict.bad{border-color:var(--red);background:var(--cry)}
b.bad,td.bad{color:var(--red);font-weight:600}td.good{color:var(--ok)}
pre{overflow-x:auto;font-size:12px;background:var(--note);padding:.6rem}
dt{font-weight:600}dd{margin:0 0 .4rem 1rem}
"""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>The CAP report card</title><style>@STYLE@</style></head>
<body>
@BODY@
</body></html>
"""


def files(card: Card, pictures: dict[str, str]) -> dict[str, str]:
    """File name -> text, of all of it."""
    made = {"index.html": html(card), "README.md": markdown(card), "card.json": to_json(card)}
    return made | charts(card) | pictures


def write(place: Path, card: Card, pictures: dict[str, str]) -> int:
    """Write all files; how many. Raises OSError."""
    made = files(card, pictures)
    (place / "runs").mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (place / name).write_text(text, encoding="utf-8")
    return len(made)
