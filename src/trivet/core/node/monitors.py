"""``MONITOR``: clients that see every command that this node takes from its clients.

A command is shown when it is taken, those of a transaction when they are queued. What only
an administrator does is not shown, nor are passwords.
"""

from typing import Final

from trivet.core.base.ids import ConnectionId, WallMs
from trivet.core.command.table import ROWS, SUBROWS, Flag
from trivet.core.node.routes import Route
from trivet.core.node.session import Session

SHOWN_BYTES_MAX: Final = 16 * 1024
"""Of one argument: whoever looks on must not slow the node down."""
_REDACTED: Final = b"(redacted)"
_ESCAPES: Final[dict[int, str]] = {
    0x5C: "\\\\", 0x22: '\\"', 0x0A: "\\n", 0x0D: "\\r", 0x09: "\\t", 0x07: "\\a", 0x08: "\\b",
}  # fmt: skip
_QUOTED: Final = [
    _ESCAPES.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}") for byte in range(256)
]


class Monitors:
    """The clients in ``MONITOR``."""

    def __init__(self) -> None:
        self.sessions: dict[ConnectionId, Session] = {}

    def show(self, wall_ms: WallMs, session: Session, route: Route, args: list[bytes]) -> None:
        """``session`` calls ``args``."""
        if _is_hidden(args) or session.monitors:
            return
        db = session.db if session.transaction is None else session.transaction.db
        words = " ".join([quoted(arg) for arg in redacted(route.name, args)])
        seconds, ms = divmod(wall_ms, 1000)
        line = f"+{seconds}.{ms:03d}000 [{db} {session.address}] {words}\r\n".encode("latin-1")
        for monitor in self.sessions.values():
            monitor.push(line)


def _is_hidden(args: list[bytes]) -> bool:
    row = ROWS[args[0]]
    subrows = SUBROWS.get(args[0])
    if subrows is not None and len(args) > 1:
        row = subrows.get(args[1].upper(), row)
    return bool(row.flags & Flag.ADMIN)


def quoted(data: bytes) -> str:
    """As redis-cli would read it back."""
    more = len(data) - SHOWN_BYTES_MAX
    if more > 0:
        return '"' + "".join([_QUOTED[byte] for byte in data[:SHOWN_BYTES_MAX]]) + f'... ({more} more bytes)"'
    return '"' + "".join([_QUOTED[byte] for byte in data]) + '"'


def redacted(name: bytes, args: list[bytes]) -> list[bytes]:
    """The arguments without the passwords among them; the name as clients usually write it."""
    shown = [name.lower(), *args[1:]]
    if name == b"AUTH":
        shown[1:] = [_REDACTED] * (len(shown) - 1)
    elif name == b"HELLO":
        for at, word in enumerate(args):
            if word.upper() == b"AUTH" and at > 0:
                shown[at + 1 : at + 3] = [_REDACTED] * len(shown[at + 1 : at + 3])
                break
    return shown
