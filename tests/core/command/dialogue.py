r"""Tests as conversations: ``> COMMAND`` lines, and below each the reply.

Arguments are split as a shell does; ``\x00`` and the like work in them. Replies are
shown so that their types are told apart:

    nil  nil*       None and the absent array
    "text"  42  1.5 bytes, integer, double
    +OK  -ERR ...   status, error
    [a b]  {a: b}   array, map
    ~[a b]          set
    [(a b) (c d)]   pairs
    {(a b) (c d)}   pairs that are a map in RESP3
    waits 5: a b    a call that is kept and tried again, with its timeout in ms

Time stands at 1,000,000 ms. The chance of a command is seeded by its number.
"""

import shlex
from textwrap import dedent

import trivet.core.command.all_rows  # noqa: F401
from trivet.core.base.prng import Prng
from trivet.core.command.lookup import find_row
from trivet.core.command.table import Context
from trivet.core.values.database import Database
from trivet.core.values.databases import Databases
from trivet.core.wire.reply import (
    Blocked,
    Decimal,
    Error,
    MapPairs,
    Members,
    NullArray,
    Pairs,
    Reply,
    Simple,
)


class Replica:
    """A machine without log or network, whose change hook notes which keys were announced."""

    def __init__(self) -> None:
        self.context = Context(Databases())
        self.context.now_ms = 1_000_000
        self.context.databases.set_now(1_000_000)
        self.context.databases.set_hook(self)
        self.touched: list[bytes] = []

    def before_change(self, database: Database, key: bytes) -> None:
        if key not in self.touched:
            self.touched.append(key)

    def before_flush(self, database: Database) -> None:
        self.touched.append(b"*")

    def run(self, line: str, seed: int = 0) -> Reply:
        """The reply to a command line."""
        return self.run_args(arguments(line), seed)

    def run_args(self, args: list[bytes], seed: int = 0) -> Reply:
        """The reply to a command."""
        row = find_row(args)
        if isinstance(row, Error):
            return row
        assert row.run is not None
        self.touched = []
        self.context.prng = Prng(seed)
        return row.run(self.context, args)


def arguments(line: str) -> list[bytes]:
    return [word.encode("latin-1").decode("unicode_escape").encode("latin-1") for word in shlex.split(line)]


def show(reply: Reply) -> str:
    """A reply in one line."""
    if reply is None:
        return "nil"
    if isinstance(reply, NullArray):
        return "nil*"
    if isinstance(reply, bytes):
        return '"' + reply.decode("latin-1").encode("unicode_escape").decode() + '"'
    if isinstance(reply, Simple):
        return "+" + reply.text
    if isinstance(reply, Error):
        return "-" + reply.text
    if isinstance(reply, Decimal):
        return reply.text.decode()
    if isinstance(reply, dict):
        return "{" + ", ".join(f"{show(key)}: {show(value)}" for key, value in reply.items()) + "}"
    if isinstance(reply, list):
        return "[" + " ".join(show(item) for item in reply) + "]"
    if isinstance(reply, Members):
        return "~[" + " ".join(show(item) for item in reply.items) + "]"
    if isinstance(reply, Pairs):
        return "[" + " ".join(f"({show(one)} {show(other)})" for one, other in reply.items) + "]"
    if isinstance(reply, MapPairs):
        return "{" + " ".join(f"({show(one)} {show(other)})" for one, other in reply.items) + "}"
    if isinstance(reply, Blocked):
        return f"waits {reply.timeout_ms}: " + b" ".join(reply.args).decode()
    return str(reply)


def transcript(script: str) -> str:
    """The commands of the script with the replies that they get."""
    replica = Replica()
    lines: list[str] = []
    number = 0
    for line in dedent(script).strip().splitlines():
        if line.startswith("> "):
            number += 1
            lines += [line, show(replica.run(line[2:], number))]
        elif not line.strip() or line.startswith("#"):
            lines.append(line)
    return "\n".join(lines)


def check(script: str) -> None:
    """The replies are as written."""
    assert transcript(script) == dedent(script).strip()


def touches(*lines: str) -> list[bytes]:
    """The keys that the last of the commands announced as about to change."""
    replica = Replica()
    for line in lines:
        replica.run(line)
    return replica.touched
