"""Errors that cross a room's door. Each has a side: ours or theirs.

Replies to clients are values (``core.wire.reply.Error``), not exceptions. Their first
word says how certain the outcome is: ``TIMEOUT`` means *indefinite* (the command may have
taken effect or still may), every other code is *definite* (it did not).
"""


class TrivetError(Exception):
    """The root of Trivet's own exceptions."""


class StartError(TrivetError):
    """A node cannot start: the text says why and what to do next."""


class CorruptionError(TrivetError):
    """Bytes that were synced are not what they were: never repaired by guessing."""
