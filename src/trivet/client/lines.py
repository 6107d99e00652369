"""Bytes of a client become lines: sans-IO, bounded.

A line ends with LF; a CR before it belongs to the end. A line that is too long is told of once,
as soon as that is clear, and thrown away up to its end; the next one is a line again.
"""

from typing import Final

TOO_LONG: Final = None
"""Stands where a line was that is too long."""


class LineParser:
    """The receiving end of one client."""

    def __init__(self, line_bytes_max: int) -> None:
        self._line_bytes_max = line_bytes_max
        self._rest = bytearray()
        self._discarding = False

    def feed(self, data: bytes) -> list[bytes | None]:
        """Take a piece; the lines that it completes, ``TOO_LONG`` among them."""
        lines: list[bytes | None] = []
        pieces = data.split(b"\n")
        for piece in pieces[:-1]:
            if self._discarding:
                self._discarding = False
            else:
                self._rest += piece
                lines.append(self._take())
        if not self._discarding:
            self._rest += pieces[-1]
            if len(self._rest) > self._line_bytes_max + 1:
                self._discarding = True
                self._rest.clear()
                lines.append(TOO_LONG)
        return lines

    def end(self) -> list[bytes | None]:
        """The client sends no more: what is left is its last line."""
        return [self._take()] if self._rest else []

    def held_bytes(self) -> int:
        """Memory held for an unfinished line."""
        return len(self._rest)

    def _take(self) -> bytes | None:
        line = bytes(self._rest)
        self._rest.clear()
        if line.endswith(b"\r"):
            line = line[:-1]
        return line if len(line) <= self._line_bytes_max else TOO_LONG
