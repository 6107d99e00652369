"""What other people's operations mean: from the words of a history to what the judges read.

The models: ``register`` (read, write, cas), ``kv`` (that and more, and transactions of reads and writes) and
``list-append`` (transactions of appends and reads of whole lists). Values are compared by what they are, not
by how they are written: ``1`` is not ``"1"``; ``null`` is "no value", which is also what a key holds at
first.
"""

from collections.abc import Callable, Sequence

import msgspec

from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.models import ANY
from trivet.lab.judges.reading import History, HistoryError, Invocation
from trivet.lab.judges.transactions import Append, Read, Step, Transaction
from trivet.lab.resp import OK, Value

Command = tuple[bytes, ...]
INFINITY = float("inf")


class ToldOperation(Operation):
    """An operation that is shown in its history's own words."""

    told: str = ""

    def text(self) -> str:
        """One line for people."""
        return self.told


def plain(value: object) -> bytes:
    """One text for equal values. Integers are their digits, which counters need."""
    return msgspec.json.encode(_encodable(value), order="deterministic")


def _encodable(value: object) -> object:
    """The value with what JSON cannot say told in words: odd keys, odd numbers, odd characters."""
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {
            key if isinstance(key, str) else f"({plain(key).decode()})": _encodable(item)
            for key, item in value.items()
        }
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, float) and (value != value or value in (INFINITY, -INFINITY)):
        return {"float": str(value)}
    return value


def show(value: object) -> str:
    """A value for people."""
    text = plain(value).decode(errors="replace")
    return text if len(text) <= 100 else text[:97] + "…"


def hashable(value: object) -> Value:
    """A value of a list, or a key."""
    return value if isinstance(value, int) and not isinstance(value, bool) else plain(value)


# -- register and kv

NAMES = {
    "read": "read", "r": "read", "get": "read",
    "write": "write", "w": "write", "set": "write", "put": "write",
    "cas": "cas",
    "delete": "delete", "del": "delete", "remove": "delete",
    "incr": "incr", "increment": "incr", "inc": "incr",
    "append": "append", "setnx": "setnx", "getset": "getset", "swap": "getset",
    "txn": "txn",
}  # fmt: skip
"""What operations may be called, in any case of letters -> what they are."""
OF_MODEL = {
    "register": ("read", "write", "cas"),
    "kv": ("read", "write", "cas", "delete", "incr", "append", "setnx", "getset", "txn"),
}


def to_operations(history: History, model: str) -> list[Operation]:
    """A history of the model ``register`` or ``kv`` as operations. Raises ``HistoryError``."""
    keyed = _pairs_with_keys(history.operations)
    found: list[Operation] = []
    for number, told in enumerate(history.operations):
        name = NAMES.get(told.f.lower(), "")
        if name not in OF_MODEL[model]:
            known = ", ".join(OF_MODEL[model])
            raise HistoryError(told.line, f"the model {model!r} does not know {told.f!r}: only {known}")
        key, argument, result = told.key, told.argument, told.result
        if keyed:
            key, argument = _split(told, argument)
            result = _split(told, result)[1] if result is not None else None
        if name == "txn":
            commands, replies = _mops(told, argument, result)
        else:
            command, reply = _command(told, name, plain(key), argument, result)
            commands, replies = [command], [reply]
        if commands:
            found.append(_operation(number, told, key, commands, replies))
    return found


def _operation(
    number: int, told: Invocation, key: object, commands: list[Command], replies: list[Value]
) -> Operation:
    where = "" if key is None else f" {show(key)}"
    given = "" if told.argument is None else f" {show(told.argument)}"
    answer = f" -> {show(told.result)}" if told.outcome is Outcome.OK and told.result != told.argument else ""
    word = {Outcome.OK: "ok", Outcome.FAIL: "fail"}.get(told.outcome, "info: may have happened")
    return ToldOperation(
        number=number, client=0, conn=0, node=0, commands=tuple(commands),
        keys=tuple(dict.fromkeys(command[1] for command in commands)),
        invoke_us=told.begun, return_us=told.ended, outcome=told.outcome,
        replies=tuple(replies) if told.outcome is Outcome.OK else (),
        told=f"{told.where()}{told.f}{where}{given}{answer} ({word})",
    )  # fmt: skip


def _pairs_with_keys(operations: Sequence[Invocation]) -> bool:
    """Whether all values are pairs of an independent key and the value proper, as Jepsen writes them.

    A read is invoked with nothing, so with keys its value is ``[k nil]``: that tells it from a pair as a
    value.
    """
    reads = [o for o in operations if NAMES.get(o.f.lower()) == "read"]
    return bool(reads) and all(
        o.key is None and _is_list(o.argument, 2) and o.argument[1] is None  # type: ignore[index]
        for o in reads
    )


def _is_list(value: object, length: int = -1) -> bool:
    return isinstance(value, list | tuple) and length in (-1, len(value))


def _split(told: Invocation, value: object) -> tuple[object, object]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise HistoryError(told.line, f"the reads have [key value] pairs, but this value is {show(value)}")
    return value[0], value[1]


Made = tuple[Command, Value]


def _read(told: Invocation, key: bytes, argument: object, result: object) -> Made:
    return (b"GET", key), None if result is None else plain(result)


def _write(told: Invocation, key: bytes, argument: object, result: object) -> Made:
    if argument is None:
        raise HistoryError(told.line, "writes null, which means 'no value': call that a delete (model kv)")
    return (b"SET", key, plain(argument)), OK


def _cas(told: Invocation, key: bytes, argument: object, result: object) -> Made:
    if not isinstance(argument, list | tuple) or len(argument) != 2 or argument[1] is None:
        raise HistoryError(told.line, f"the value of a cas is [expected new], this is {show(argument)}")
    expected = (b"nil",) if argument[0] is None else (b"is", plain(argument[0]))
    return (b"CAS", key, plain(argument[1]), *expected), OK


def _delete(told: Invocation, key: bytes, argument: object, result: object) -> Made:
    return (b"DEL", key), int(result) if isinstance(result, int) else ANY


def _incr(told: Invocation, key: bytes, argument: object, result: object) -> Made:
    if argument not in (None, 1):
        raise HistoryError(told.line, f"an incr adds 1, this has the value {show(argument)}")
    known = isinstance(result, int) and (argument is None or result != argument)
    return (b"INCR", key), result if known and isinstance(result, int) else ANY


def _append(told: Invocation, key: bytes, argument: object, result: object) -> Made:
    if not isinstance(argument, str):
        raise HistoryError(told.line, f"the model kv appends texts, this is {show(argument)}")
    return (b"APPEND", key, argument.encode()), result if isinstance(result, int) else ANY


def _setnx(told: Invocation, key: bytes, argument: object, result: object) -> Made:
    reply: Value = (
        int(result) if isinstance(result, bool) or (result in (0, 1) and result != argument) else ANY
    )
    return (b"SETNX", key, plain(argument)), reply


def _getset(told: Invocation, key: bytes, argument: object, result: object) -> Made:
    return (b"GETSET", key, plain(argument)), None if result is None else plain(result)


_COMMANDS: dict[str, Callable[[Invocation, bytes, object, object], Made]] = {
    "read": _read, "write": _write, "cas": _cas, "delete": _delete, "incr": _incr, "append": _append,
    "setnx": _setnx, "getset": _getset,
}  # fmt: skip


def _command(told: Invocation, name: str, key: bytes, argument: object, result: object) -> Made:
    return _COMMANDS[name](told, key, argument, result)


def _mops(told: Invocation, argument: object, result: object) -> tuple[list[Command], list[Value]]:
    """A transaction of reads and writes that takes effect at once."""
    commands: list[Command] = []
    replies: list[Value] = []
    for name, key, value in _steps_of(told, argument, result):
        meant = NAMES.get(name.lower())
        if meant not in ("read", "write"):
            raise HistoryError(told.line, f"transactions of the model kv know r and w, not {name!r}")
        command, reply = _command(told, meant, plain(key), value, value)
        commands.append(command)
        replies.append(reply)
    return commands, replies


def _steps_of(told: Invocation, argument: object, result: object) -> list[tuple[str, object, object]]:
    """The steps of a transaction: as they ended when that is known, else as they began."""
    steps = result if told.outcome is Outcome.OK and result is not None else argument
    if not isinstance(steps, list | tuple):
        raise HistoryError(told.line, f"a transaction is a list of [f key value], this is {show(steps)}")
    if told.outcome is Outcome.OK and isinstance(argument, list | tuple) and len(argument) != len(steps):
        raise HistoryError(told.end_line, f"began with {len(argument)} steps, but ended with {len(steps)}")
    found: list[tuple[str, object, object]] = []
    for step in steps:
        if not isinstance(step, list | tuple) or len(step) != 3 or not isinstance(step[0], str):
            raise HistoryError(told.line, f"a step is [f key value], this is {show(step)}")
        found.append((step[0].lstrip(":"), step[1], step[2]))
    return found


# -- list-append


def to_transactions(history: History) -> list[Transaction]:
    """A history of the model ``list-append``. Raises ``HistoryError``."""
    processes: dict[str, int] = {}
    return [
        Transaction(
            number=number,
            process=processes.setdefault(told.process, len(processes)),
            steps=_list_steps(told),
            outcome=told.outcome,
            invoke_us=told.begun,
            return_us=told.ended,
            told=told.where(),
        )
        for number, told in enumerate(history.operations)
    ]


def _list_steps(told: Invocation) -> tuple[Step, ...]:
    f = told.f.lower()
    argument, result, outer = told.argument, told.result, None
    if f in ("append", "read", "r"):
        value = result if f != "append" and told.outcome is Outcome.OK else argument
        return (_list_step(told, f, told.key, value),)
    if f not in ("txn", "transaction"):
        raise HistoryError(
            told.line, f"the model 'list-append' does not know {told.f!r}: only txn, append, read"
        )
    if _with_key(argument):
        outer, argument = _split(told, argument)
        result = _split(told, result)[1] if result is not None else None
    steps = _steps_of(told, argument, result)
    return tuple(
        _list_step(told, f, key if outer is None else [outer, key], value) for f, key, value in steps
    )


def _with_key(argument: object) -> bool:
    """``[k [[:append …] …]]``: an independent key before the transaction."""
    return (
        isinstance(argument, list | tuple)
        and len(argument) == 2
        and not _is_list(argument[0])
        and _is_list(argument[1])
    )


def _list_step(told: Invocation, name: str, key: object, value: object) -> Step:
    if name.lower() == "append":
        return Append(hashable(key), hashable(value))
    if name.lower() not in ("r", "read"):
        raise HistoryError(told.line, f"a step of the model list-append is 'append' or 'r', not {name!r}")
    if value is None:
        # A list that nobody appended to is read as nil. What a read that did not succeed saw is not known.
        return Read(hashable(key), () if told.outcome is Outcome.OK else None)
    if not isinstance(value, list | tuple):
        raise HistoryError(told.line, f"a read gives a list, this is {show(value)}")
    return Read(hashable(key), tuple(hashable(item) for item in value))
