"""What random runs of moves speak of: a move, the map at a moment, a client."""

from trivet.core.paxos.config import GroupConfig
from trivet.core.paxos.slots import SEALED, SERVED
from trivet.lab.history import Operation


class Move:
    """One move, as the map has it."""

    def __init__(self, source: int, target: int, first: int, last: int) -> None:
        self.source = source
        self.target = target
        self.first = first
        self.last = last
        self.generation = 0
        self.sealed = False


class Version:
    """The map at one moment."""

    def __init__(self, configs: tuple[GroupConfig, GroupConfig], move: Move | None, over: int) -> None:
        self.configs = configs
        self.move = move
        self.generation = 0 if move is None else move.generation
        self.sealed = move is not None and move.sealed
        self.over = over

    def owner(self, key: bytes) -> int:
        """Which group serves the key, or will again."""
        for group, config in enumerate(self.configs):
            for span in config.spans or ():
                if span.first <= key[0] <= span.last and span.state in (SERVED, SEALED):
                    return group
        raise AssertionError(f"nobody has {key!r}")


class Client:
    """One origin: one operation at a time."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.origin = 1000 + number
        self.seq = 0
        self.history: Operation | None = None
        self.command: tuple[bytes, ...] = ()
        self.since = 0
        self.node = 0
        self.in_doubt = False
        """Some copy may have done it."""
        self.underway = 0
        """Copies that have not ended."""
        self.age = 0
        self.version = 0
        """The highest of the key that somebody had been told of when it began."""
