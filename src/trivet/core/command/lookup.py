"""From a request to its row: is it known, has it enough arguments, which keys does it name.

Step 2 of the way of a write. ``find_row`` answers the row or the error to reply;
the row of a subcommand where the command is a container.
"""

from typing import Final

from trivet.core.command.arguments import exact, unknown_subcommand, wrong_arity
from trivet.core.command.table import ROWS, SUBROWS, Row
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import Error

_NAME_SHOWN_MAX: Final = 128
_ARGUMENTS_SHOWN_MAX: Final = 128


def find_row(args: list[bytes]) -> Row | Error:
    """The row of a request (not empty), its arity checked, or the error that Redis would give."""
    name = args[0]
    row = ROWS.get(name)
    if row is None:
        row = ROWS.get(name.upper())
        if row is None:
            return unknown_command(args)
    if len(args) > 1 and (subrows := SUBROWS.get(name.upper())) is not None:
        subrow = subrows.get(args[1].upper())
        if subrow is None:
            return unknown_subcommand(name, args[1])
        row = subrow
    arity = row.arity
    if len(args) == arity or (arity < 0 and len(args) >= -arity):
        return row
    return wrong_arity(row.name)


def unknown_command(args: list[bytes]) -> Error:
    """Names the command and the beginning of its arguments, both cut short."""
    shown = b""
    for argument in args[1:]:
        left = _ARGUMENTS_SHOWN_MAX - len(shown)
        if left <= 0:
            break
        shown += b"'" + argument[:left].split(b"\0", 1)[0] + b"' "
    name = exact(args[0][:_NAME_SHOWN_MAX])
    return Error(f"ERR unknown command '{name}', with args beginning with: {exact(shown)}")


def keys_of(row: Row, args: list[bytes]) -> list[bytes]:
    """The keys that a request names, in their order, for routing and locking; its arity is checked."""
    if row.key_finder is not None:
        return [args[position] for position in row.key_finder(args)]
    first = row.first_key
    if first == 0:
        return []
    last = row.last_key
    if last == first:
        return [args[first]]
    return args[first : (last if last >= 0 else len(args) + last) + 1 : row.key_step]


def needs_subcommand(row: Row) -> bool:
    """Whether the row is a container's: it only says that there are subcommands."""
    return row.name.upper().encode() in SUBROWS


def other_databases(args: list[bytes]) -> list[int]:
    """The databases that a call names, beside the one in which it runs; what is no number is none."""
    name = args[0].upper()
    words: list[bytes] = []
    if name == b"MOVE":
        words = args[2:3]
    elif name == b"SWAPDB":
        words = args[1:3]
    elif name == b"COPY":
        words = [args[at + 1] for at in range(3, len(args) - 1) if args[at].upper() == b"DB"]
    numbers = [parse_int(word) for word in words]
    return [number for number in numbers if number is not None]
