"""A played scenario as text for a terminal: explanation, what happened in numbered lines, verdict.

Every line comes from the recording: sentences of the narrator, roles, crashes, walls, what clients did and
the messages that matter. Messages that say the same to several nodes at one moment share a line.
"""

import textwrap

from trivet.lab.history import FOREVER_US
from trivet.lab.recording import Fate, Message, Recording
from trivet.lab.scenarios.scenario import STORY, Scenario, Told

WIDTH = 100
INDENT = " " * 15
TOLD_POINTS = ("start", "crash", "pause", "resume", "disk", "fatal", "note")

Line = tuple[int, int, str]
"""(time in µs, rank among lines of one moment, text)."""


def story_text(scenario: Scenario, told: Told, seed: int, width: int = WIDTH) -> str:
    """The whole story."""
    title = f"{scenario.name}: {scenario.title}"
    lines = [title, "=" * len(title), ""]
    for paragraph in scenario.paragraphs:
        lines += [*textwrap.wrap(paragraph, width), ""]
    lines += [f"What happened (seed {seed}, virtual time)", ""]
    for number, (at_us, _, text) in enumerate(event_lines(told), 1):
        head = f"{number:4}. {at_us / 1000:7.1f}  "
        lines += textwrap.wrap(text, width, initial_indent=head, subsequent_indent=INDENT)
    lines += ["", "Checked on this run", ""]
    for fact in told.facts:
        lines += textwrap.wrap(fact, width, initial_indent="  + ", subsequent_indent="    ")
    for complaint in told.complaints:
        lines += ["  ! " + line for line in complaint.text().splitlines()]
    lines += ["", *textwrap.wrap("Verdict: " + told.verdict, width)]
    return "\n".join(lines) + "\n"


def event_lines(told: Told) -> list[Line]:
    """What happened, in order; times in ms are those of the pictures."""
    recording = told.recording
    names = {lane.number: lane.name for lane in recording.lanes}
    lines = _sayings(recording) + _states(recording, names) + _points(recording, names)
    lines += _walls(recording) + _operations(recording, names) + _messages(recording, names)
    first_us, last_us = told.window_us
    return sorted((line for line in lines if first_us <= line[0] <= last_us), key=lambda line: line[:2])


def _sayings(recording: Recording) -> list[Line]:
    return [
        (s.at_us, 9, f"— {s.text}" if s.who == STORY else f"{s.who}: {s.text}") for s in recording.sayings
    ]


def _states(recording: Recording, names: dict[int, str]) -> list[Line]:
    lines = []
    for state in recording.states:
        at_rest = state.at_us == 0 and state.term == 0
        if state.role not in ("down", "paused") and not at_rest:
            term = f" ({state.term})" if state.term else ""
            lines.append(
                (state.at_us, 3, f"{names[state.lane]} is now: {state.role.replace('_', '-')}{term}")
            )
    return lines


def _points(recording: Recording, names: dict[int, str]) -> list[Line]:
    told = [point for point in recording.points if point.kind in TOLD_POINTS and point.text != "start 1"]
    return [(p.at_us, 2, f"{names.get(p.lane, 'all')}: {p.text}") for p in told]


def _walls(recording: Recording) -> list[Line]:
    lines = []
    for wall in recording.walls:
        lines.append((wall.begun_us, 1, f"the network breaks: {wall.text}"))
        if wall.ended_us < recording.ended_us:
            lines.append((wall.ended_us, 1, f"the network is whole again: no more {wall.text}"))
    return lines


def _operations(recording: Recording, names: dict[int, str]) -> list[Line]:
    lines = []
    for operation in recording.operations:
        where = names[operation.node]
        lines.append((operation.invoke_us, 4, f"a client asks {where}: {operation.text}"))
        if operation.return_us < FOREVER_US:
            said = operation.reply if operation.outcome == "ok" else f"{operation.outcome} {operation.reply}"
            lines.append(
                (operation.return_us, 5, f"the client hears from {where}: {operation.text} → {said}")
            )
    return lines


def _messages(recording: Recording, names: dict[int, str]) -> list[Line]:
    """One line per moment, sender and content."""
    groups: dict[tuple[int, int, str], list[Message]] = {}
    for message in recording.messages:
        if not message.routine:
            groups.setdefault((message.sent_us, message.source, message.label), []).append(message)
    lines = []
    for (sent_us, source, label), copies in groups.items():
        targets = ", ".join(names[m.target] + _fate(m) for m in copies)
        lines.append((sent_us, 6, f"{names[source]} → {targets}: {label}"))
    return lines


def _fate(message: Message) -> str:
    if message.fate is Fate.DELIVERED:
        return " (a copy)" if message.duplicate else ""
    return f" ({message.fate.value})"
