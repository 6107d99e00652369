"""Tokens: small integers that tie a report of the driver to what was asked."""


class Tokens:
    """Hands out 1, 2, 3, … and nothing twice in one life of a node."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        """The next token."""
        self._last += 1
        return self._last
