"""The commands that rules speak of, as bits of one integer.

A set of commands is an integer with one bit per command and one, ``FUTURE``, for all that is
unknown here. Numbers are those of this process: what is kept or told uses names.
"""

from typing import Final

import msgspec

import trivet.core.command.all_rows  # noqa: F401 (fills ROWS)
from trivet.core.access.catalogue import CATALOGUE, CATEGORIES
from trivet.core.command.introspection import categories
from trivet.core.command.table import ROWS, SUBROWS, Flag, Row

READ: Final = 1
WRITE: Final = 2
BOTH: Final = READ | WRITE
"""What a pattern of keys allows, and what a command needs."""

_NEEDS: Final = {"r": READ, "w": WRITE, "rw": BOTH, "-": 0}


class Command(msgspec.Struct, frozen=True):
    """One command or subcommand."""

    name: str
    """As rules say it: ``get``, ``config|set``."""
    bit: int
    mask: int
    """Its bit, and those of its subcommands."""
    has_subcommands: bool
    is_subcommand: bool
    keys: tuple[int, ...]
    """What it needs for its keys, in order; the last stands for all further ones. Empty: it has none."""


def _lines() -> list[tuple[str, list[str], tuple[int, ...]]]:
    """Name, categories and needs: of the catalogue, then of rows that Redis 7.0 does not have."""
    found: list[tuple[str, list[str], tuple[int, ...]]] = []
    for line in CATALOGUE.strip().splitlines():
        name, _, rest = line.partition(": ")
        words, _, needs = rest.partition(" / ")
        found.append((name, words.split(), tuple(_NEEDS[need] for need in needs.split())))
    return found


def _own_lines(known: dict[str, None]) -> list[tuple[str, list[str], tuple[int, ...]]]:
    rows = [*ROWS.values(), *(row for subrows in SUBROWS.values() for row in subrows.values())]
    return [(row.name, categories(row), _needs_of(row)) for row in rows if row.name not in known]


def _needs_of(row: Row) -> tuple[int, ...]:
    """Of a command that Redis does not have: both, or reading if it writes nothing."""
    if row.first_key == 0 and row.key_finder is None:
        return ()
    return (BOTH,) if Flag.WRITE in row.flags else (READ,)


_LINES: Final = _lines()
_OWN: Final = _own_lines(dict.fromkeys(name for name, _, _ in _LINES))


def _commands() -> dict[str, Command]:
    lines = sorted(_LINES + _OWN, key=lambda line: line[0].split("|"))
    bits = {name: 1 << number for number, (name, _, _) in enumerate(lines)}
    masks = dict(bits)
    containers: dict[str, None] = {}
    for name, bit in bits.items():
        container, stroke, _ = name.partition("|")
        if stroke:
            masks[container] |= bit
            containers[container] = None
    return {
        name: Command(name, bits[name], masks[name], name in containers, "|" in name, needs)
        for name, _, needs in lines
    }


COMMANDS: Final[dict[str, Command]] = _commands()
"""By name; containers before their subcommands."""

FUTURE: Final = 1 << len(COMMANDS)
"""All commands that are not known here."""
EVERYTHING: Final = (FUTURE << 1) - 1

OF_REDIS: Final = sum(COMMANDS[name].bit for name, _, _ in _LINES)
"""Those of the catalogue: descriptions weigh categories by them, as redis-server does."""

CATEGORY_MASKS: Final[dict[str, int]] = {
    category: sum(COMMANDS[name].bit for name, words, _ in _LINES + _OWN if category in words)
    for category in CATEGORIES
}


def command_named(name: bytes) -> Command | None:
    """The command that a rule names, in any case."""
    return COMMANDS.get(name.decode("latin-1").lower())
