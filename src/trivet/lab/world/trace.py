"""The trace of a run: a digest of every event, and its last lines for a complaint.

Equal seeds must give equal digests, in any process and under any hash seed.
"""

import hashlib
from collections import deque

LINES_MAX = 400


class Trace:
    """Folds every event into one digest; keeps readable lines of what mattered."""

    def __init__(self, keep_everything: bool = False) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self._update = self._hash.update
        self.lines: deque[str] = deque(maxlen=None if keep_everything else LINES_MAX)
        self._verbose = keep_everything

    def event(self, time_us: int, node: int, kind: str, data: bytes = b"") -> None:
        """One thing that happened at ``node`` (0: at none)."""
        self._update(b"%d %d %s %d %b" % (time_us, node, kind.encode(), len(data), data))
        if self._verbose:
            self.lines.append(f"{time_us / 1000:12.3f} ms  node {node}  {kind} {data[:160]!r}")

    def say(self, time_us: int, node: int, text: str) -> None:
        """A line for people: a fault, a node's log line. Part of the digest too."""
        self._update(b"%d %d %b" % (time_us, node, text.encode()))
        self.lines.append(f"{time_us / 1000:12.3f} ms  node {node}  {text}")

    def digest(self) -> str:
        """The digest so far, in hexadecimal."""
        return self._hash.hexdigest()
