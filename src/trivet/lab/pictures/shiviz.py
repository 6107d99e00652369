"""A recording as a log for ShiViz, the visualizer of vector-clock logs (https://bestchai.bitbucket.io/shiviz/).

The first line is the regular expression with which ShiViz parses the rest, the second (how several
executions are told apart) is empty. Then two lines per event: host and clock, and what happened.
Strategy: one pass over all events in the order of virtual time; a send ticks its lane's clock and
takes a copy along, an arrival joins that copy (Fidge 1988, Mattern 1989). A message that never arrives is
a send only. A node that restarts goes on with its clock: it is the same line of the picture.
"""

import json
from typing import Final

import msgspec

from trivet.lab.history import FOREVER_US
from trivet.lab.pictures.describe import describe
from trivet.lab.pictures.palette import role_text
from trivet.lab.recording import Fate, Message, Recording

PARSER: Final = r"(?<host>\S+) (?<clock>\{.*\})\n\[(?<time>[^\]]*)\] (?<event>.*)"

ARRIVE, HAPPEN, SEND = 0, 1, 2
"""Events of one moment in this order: what arrives can cause what happens, and that what is sent."""

Clock = dict[str, int]


class Event(msgspec.Struct):
    """One line of the log."""

    at_us: int
    order: int
    host: str
    text: str
    message: Message | None = None
    clock: Clock = {}


def export(recording: Recording, fold_routine: bool = False) -> str:
    """The log. ``fold_routine`` leaves heartbeats and handshakes away, and what they would have ordered."""
    lines = [PARSER, ""]
    for event in timed_events(describe(recording), fold_routine):
        clock = json.dumps({event.host: event.clock[event.host], **event.clock})
        lines += [f"{event.host} {clock}", f"[{event.at_us / 1000:.3f} ms] {event.text}"]
    return "\n".join(lines) + "\n"


def timed_events(recording: Recording, fold_routine: bool) -> list[Event]:
    """All events in order, with their vector clocks."""
    hosts = {lane.number: "-".join(lane.name.split()) for lane in recording.lanes}
    events = _messages(recording, hosts, fold_routine) + _happenings(recording, hosts) + _asked(recording)
    events.sort(key=lambda event: (event.at_us, event.order))
    clocks: dict[str, Clock] = {}
    carried: dict[int, Clock] = {}
    for event in events:
        clock = clocks.setdefault(event.host, {})
        if event.message is not None and event.order == ARRIVE:
            for host, count in carried[event.message.number].items():
                clock[host] = max(clock.get(host, 0), count)
        clock[event.host] = clock.get(event.host, 0) + 1
        event.clock = dict(clock)
        if event.message is not None and event.order == SEND:
            carried[event.message.number] = event.clock
    return events


def _messages(recording: Recording, hosts: dict[int, str], fold_routine: bool) -> list[Event]:
    events = []
    for message in recording.messages:
        if (fold_routine and message.routine) or not {message.source, message.target} <= hosts.keys():
            continue
        source, target = hosts[message.source], hosts[message.target]
        fate = "" if message.fate is Fate.DELIVERED else f" ({message.fate.value})"
        what = _line(message.label or message.kind)
        events.append(Event(message.sent_us, SEND, source, f"to {target}: {what}{fate}", message))
        if message.fate is Fate.DELIVERED:
            # A message takes time; one that is told to take none still comes after its sending.
            arrived_us = max(message.arrived_us, message.sent_us + 1)
            events.append(Event(arrived_us, ARRIVE, target, f"from {source}: {what}", message))
    return events


def _happenings(recording: Recording, hosts: dict[int, str]) -> list[Event]:
    events = [
        Event(s.at_us, HAPPEN, hosts[s.lane], f"{role_text(s.role)}{f' in term {s.term}' if s.term else ''}")
        for s in recording.states
        if s.lane in hosts
    ]
    events += [
        Event(p.at_us, HAPPEN, hosts[p.lane], _line(p.text)) for p in recording.points if p.lane in hosts
    ]
    return events


def _asked(recording: Recording) -> list[Event]:
    """Clients are hosts of their own; how their connections order events is not recorded."""
    events = []
    for operation in recording.operations:
        host = f"client-{operation.client}"
        events.append(Event(operation.invoke_us, SEND, host, f"asks: {_line(operation.text)}"))
        if operation.return_us < FOREVER_US:
            answer = f"{_line(operation.text)}: {_line(operation.reply or operation.outcome)}"
            events.append(Event(operation.return_us, HAPPEN, host, f"has for {answer}"))
    return events


def _line(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split()) or "-"
