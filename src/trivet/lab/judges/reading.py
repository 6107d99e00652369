"""Other people's histories: JSON lines, or the EDN in which Jepsen writes its own.

Each event says that a process began an operation (``invoke``) or how it ended: ``ok`` (it happened), ``fail``
(it did not, for certain) or ``info`` (nobody knows). The order of the events is the order in which they
happened. A process does one thing at a time. What never ended is taken as ``info``. Events of the nemesis are
skipped.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from trivet.lab.history import FOREVER_US, Outcome
from trivet.lab.judges.edn import EdnError, read_edn

Data = None | bool | int | float | str | list["Data"] | tuple["Data", ...] | dict[str, "Data"]
"""What JSON and EDN have in common, as far as histories need it."""

FILE_BYTES_MAX = 512 * 1024 * 1024
EVENTS_MAX = 2_000_000
LINE_CHARS_MAX = 16 * 1024 * 1024

TYPES = {"ok": Outcome.OK, "fail": Outcome.FAIL, "info": Outcome.INFO}


class HistoryError(Exception):
    """The history cannot be read or makes no sense; ``line`` counts from 1, 0 where no line is to blame."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(f"line {line}: {sentence}" if line else sentence)
        self.line = line
        self.sentence = sentence


class Invocation(msgspec.Struct):
    """One operation of one process. ``begun`` and ``ended`` count events: only their order means anything."""

    process: str
    f: str
    key: object
    """From the event's ``key``; None when it has none."""
    argument: object
    """The value it was invoked with."""
    begun: int
    line: int
    ended: int = FOREVER_US
    end_line: int = 0
    outcome: Outcome = Outcome.PENDING
    result: object = None
    """The value it ended with."""

    def where(self) -> str:
        """For people: the lines and the process."""
        end = f"–{self.end_line}" if self.end_line else "–…"
        return f"[lines {self.line}{end}] process {self.process}: "


class History(msgspec.Struct):
    """Operations by invocation."""

    operations: list[Invocation]
    events: int = 0
    skipped: int = 0
    """Events of the nemesis."""
    open: int = 0
    """Operations that never ended."""


def read_history(source: str | Path) -> History:
    """Read a history from a text, or from the file of a path.

    A text is what begins with ``{``, ``[``, ``#`` or ``;`` (after white space) or holds a line break.
    Raises ``HistoryError``, which names the line.
    """
    text = source if isinstance(source, str) and _is_text(source) else _load(Path(source))
    return pair(_events(text))


def _is_text(source: str) -> bool:
    return "\n" in source or source.lstrip()[:1] in tuple("{[#;")


def _load(path: Path) -> str:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise HistoryError(0, f"{path} is larger than {FILE_BYTES_MAX // 1024 // 1024} MiB")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise HistoryError(0, f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise HistoryError(0, f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error


def _events(text: str) -> Iterator[tuple[int, Mapping[str, object]]]:
    """Every event with its line."""
    start = "".join(text[:4096].split())
    if not start:
        raise HistoryError(0, "the history is empty")
    if start.startswith(('{"', "{}")):
        values = _json_lines(text)
    elif start.startswith(('[{"', "[]")):
        values = _json_array(text)
    else:
        values = _edn(text)
    for line, value in values:
        if not isinstance(value, dict):
            raise HistoryError(line, f"an event is a map, this is {str(value)[:60]!r}")
        yield line, {str(name).lstrip(":"): item for name, item in value.items()}


def _json_lines(text: str) -> Iterator[tuple[int, object]]:
    decoder = msgspec.json.Decoder()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        if len(line) > LINE_CHARS_MAX:
            raise HistoryError(number, f"longer than {LINE_CHARS_MAX} characters")
        try:
            yield number, decoder.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise HistoryError(number, f"not JSON: {error}") from error


def _json_array(text: str) -> Iterator[tuple[int, object]]:
    try:
        values = msgspec.json.decode(text, type=list[object])
    except (msgspec.DecodeError, RecursionError) as error:
        raise HistoryError(0, f"not a JSON array: {error} (or write one object per line)") from error
    yield from enumerate(values, 1)


def _edn(text: str) -> Iterator[tuple[int, object]]:
    try:
        yield from read_edn(text)
    except EdnError as error:
        raise HistoryError(error.line, f"neither JSON lines nor EDN: {error.sentence}") from error


def pair(events: Iterator[tuple[int, Mapping[str, object]]]) -> History:
    """Put invocations and their ends together. Raises ``HistoryError``."""
    history = History([])
    running: dict[str, Invocation] = {}
    for line, event in events:
        history.events += 1
        if history.events > EVENTS_MAX:
            raise HistoryError(line, f"more than {EVENTS_MAX} events")
        kind, process = _name(line, event, "type"), _process(line, event)
        if process == "nemesis":
            history.skipped += 1
        elif kind == "invoke":
            if process in running:
                begun = running[process].line
                raise HistoryError(
                    line, f"process {process} begins an operation, but has not ended the one of line {begun}"
                )
            running[process] = Invocation(
                process, _name(line, event, "f"), event.get("key"), event.get("value"), history.events, line
            )
            history.operations.append(running[process])
        elif kind in TYPES:
            _end(running, line, event, kind, process, history.events)
        else:
            raise HistoryError(line, f"type {kind!r} is none of invoke, ok, fail, info")
    for operation in history.operations:
        if operation.outcome is Outcome.PENDING:
            operation.outcome = Outcome.INFO
            history.open += 1
    return history


def _end(
    running: dict[str, Invocation],
    line: int,
    event: Mapping[str, object],
    kind: str,
    process: str,
    count: int,
) -> None:
    operation = running.pop(process, None)
    if operation is None:
        raise HistoryError(line, f"process {process} ends ({kind}) what it never began")
    f = _name(line, event, "f") if "f" in event else operation.f
    if f != operation.f:
        raise HistoryError(
            line, f"process {process} ends a {f!r}, but began a {operation.f!r} in line {operation.line}"
        )
    operation.outcome = TYPES[kind]
    operation.result = event.get("value")
    operation.end_line = line
    if operation.outcome is not Outcome.INFO:
        operation.ended = count


def _name(line: int, event: Mapping[str, object], field: str) -> str:
    value = event.get(field)
    if not isinstance(value, str):
        has = ", ".join(list(event)[:8]) or "nothing"
        raise HistoryError(line, f"an event needs a {field!r} that is a word; this one has {has}")
    return value.lstrip(":")


def _process(line: int, event: Mapping[str, object]) -> str:
    value = event.get("process")
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise HistoryError(line, "an event needs a 'process' that is a number or a word")
    return str(value).lstrip(":")
