"""A recording as one interactive page: a single file of HTML that needs nothing else.

Strategy: Python describes the run and puts it into the page as JSON; the page's own scripts (``assets/``)
lay it out and draw what is in view on a canvas, so that a run of 20,000 messages stays smooth. The page
may load nothing from anywhere: its content policy forbids it.
"""

from html import escape
from importlib.resources import files
from typing import Final

import msgspec

from trivet.lab.history import FOREVER_US
from trivet.lab.pictures.cutting import is_complaint
from trivet.lab.pictures.describe import describe
from trivet.lab.pictures.palette import PAGE, Shade, role_shades, text_on
from trivet.lab.pictures.words import duration_text
from trivet.lab.recording import Fate, Recording

SCRIPTS: Final = ("model.js", "layout.js", "draw.js", "controls.js")
NEVER: Final = -1
"""Stands in the page for an answer that never came."""
_FATES: Final = {Fate.DELIVERED: 0, Fate.DROPPED: 1, Fate.BLOCKED: 2, Fate.LOST: 3, Fate.UNDER_WAY: 4}
"""The places of the fates in the page's own list."""

Cell = int | str | dict[str, str] | list[int] | list[tuple[int, int]] | bool
Row = list[Cell]


class Payload(msgspec.Struct):
    """What the page's scripts read."""

    ended: int
    colours: list[str]
    roles: list[str]
    lanes: list[dict[str, int | str]]
    kinds: list[str]
    messages: list[Row]
    states: list[Row]
    points: list[Row]
    walls: list[Row]
    operations: list[Row]
    sayings: list[Row]


def draw_page(
    recording: Recording,
    paragraphs: list[str] | tuple[str, ...] = (),
    verdict: str = "",
    title: str = "",
    good: bool | None = None,
) -> str:
    """The page of a recording.

    ``paragraphs`` tell the story (plain text, one string each); ``verdict`` is one sentence shown
    at the top. ``good``: whether the verdict is a happy one; None: it is, when no judge complained.
    """
    describe(recording)
    shades = role_shades(recording)
    title = title or recording.title or "A run"
    if good is None:
        good = not any(is_complaint(saying) for saying in recording.sayings)
    story = "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)
    parts = {
        "@TITLE@": escape(title),
        "@SUBTITLE@": escape(_subtitle(recording)),
        "@VERDICT@": escape(verdict),
        "@STORY@": f"<summary>The story</summary>{story}" if story else "",
        "@STYLE@": _colours(shades) + _asset("page.css"),
        "@SCRIPT@": "\n".join(_asset(name) for name in SCRIPTS),
    }
    page = _asset("page.html")
    if not good:
        page = page.replace('class="verdict"', 'class="verdict bad"')
    if not story:
        page = page.replace('<details class="story" id="story" open>@STORY@</details>', "")
    for mark, text in parts.items():
        if mark not in ("@SCRIPT@", "@STYLE@"):
            text = text.replace("@", "&#64;")  # no text of a run is taken for a mark
        page = page.replace(mark, text)
    return page.replace("@DATA@", _json(_payload(recording, list(shades))))


def _asset(name: str) -> str:
    return files("trivet.lab.pictures").joinpath("assets", name).read_text(encoding="utf-8")


def _subtitle(recording: Recording) -> str:
    nodes = sum(lane.kind == "node" for lane in recording.lanes)
    facts = [f"seed {recording.seed}"] if recording.seed else []
    facts += [f"{nodes} nodes", f"{len(recording.messages):,} messages"]
    facts += [f"{len(recording.operations):,} operations"] if recording.operations else []
    return " · ".join([*facts, f"{duration_text(recording.ended_us)} of virtual time"])


def _colours(shades: dict[str, Shade]) -> str:
    names = dict(PAGE)
    for place, (light, dark) in enumerate(shades.values()):
        names[f"r{place}"] = (light, dark)
        names[f"t{place}"] = (text_on(light), text_on(dark))
    by_day = "; ".join(f"--{name}: {light}" for name, (light, _) in names.items())
    by_night = "; ".join(f"--{name}: {dark}" for name, (_, dark) in names.items())
    return (
        f":root {{ color-scheme: light dark; {by_day} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {by_night} }} }}\n"
    )


def _json(payload: Payload) -> str:
    """JSON that cannot end the script element it stands in."""
    text = msgspec.json.encode(payload).decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _payload(recording: Recording, roles: list[str]) -> Payload:
    kinds = list(dict.fromkeys(message.kind or "message" for message in recording.messages))
    place_of = {kind: place for place, kind in enumerate(kinds)}
    messages: list[Row] = [
        [
            m.source,
            m.target,
            m.sent_us,
            m.arrived_us,
            _FATES[m.fate],
            m.routine + 2 * m.duplicate + 4 * m.delayed,
            place_of[m.kind or "message"],
            m.label,
            m.fields,
        ]
        for m in recording.messages
    ]
    return Payload(
        ended=recording.ended_us,
        colours=list(PAGE),
        roles=roles,
        lanes=[{"number": lane.number, "name": lane.name, "kind": lane.kind} for lane in recording.lanes],
        kinds=kinds,
        messages=messages,
        states=[
            [s.at_us, s.lane, s.role, s.term, s.note] for s in sorted(recording.states, key=lambda s: s.at_us)
        ],
        points=[[p.at_us, p.lane, p.kind, p.text] for p in recording.points],
        walls=[[w.begun_us, w.ended_us, w.pairs, w.text] for w in recording.walls],
        operations=_operations(recording),
        sayings=[
            [s.at_us, s.who, s.text, s.operations, is_complaint(s)]
            for s in sorted(recording.sayings, key=lambda s: s.at_us)
        ],
    )


def _operations(recording: Recording) -> list[Row]:
    return [
        [
            o.number,
            o.client,
            o.node,
            o.invoke_us,
            NEVER if o.return_us >= FOREVER_US else o.return_us,
            o.text,
            o.outcome,
            o.reply,
            o.verdict,
        ]
        for o in sorted(recording.operations, key=lambda o: (o.invoke_us, o.number))
    ]
