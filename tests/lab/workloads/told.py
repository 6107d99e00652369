"""Histories told in a few characters: times in ms, commands as words, several of one transaction joined by ``;``."""

from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.resp import Value
from trivet.lab.workloads.copies import EMPTIES


class Told(list[Operation]):
    """A history, one operation after the other."""

    def ok(
        self, start: int, end: int, commands: str, *replies: Value, conn: int = 0, final: bool = False
    ) -> "Told":
        """An operation that was answered; every one has a connection of its own unless ``conn`` says which."""
        self._add(start, end * 1000, commands, Outcome.OK, replies, conn, final)
        return self

    def open(self, start: int, commands: str) -> "Told":
        """An indefinite one."""
        self._add(start, FOREVER_US, commands, Outcome.INFO, (), 0, False)
        return self

    def failed(self, start: int, end: int, commands: str) -> "Told":
        """One that had no effect for certain."""
        self._add(start, end * 1000, commands, Outcome.FAIL, (), 0, False)
        return self

    def _add(
        self, start: int, end_us: int, commands: str, outcome: Outcome, replies: tuple[Value, ...], conn: int,
        final: bool,
    ) -> None:  # fmt: skip
        words = tuple(tuple(word.encode() for word in part.split()) for part in commands.split(";"))
        keys = [command[1] if len(command) > 1 else EMPTIES for command in words]
        keys += [command[2] for command in words if command[0] == b"LMOVE"]
        self.append(
            Operation(
                number=len(self), client=1, conn=conn or 1000 + len(self), node=1, commands=words,
                keys=tuple(dict.fromkeys(keys)), invoke_us=start * 1000, return_us=end_us, outcome=outcome,
                replies=replies, final=final,
            )
        )  # fmt: skip


def items(*names: str) -> tuple[Value, ...]:
    """A list as a reply."""
    return tuple(name.encode() for name in names)
