"""Settings of the whole cluster: what ``CONFIG SET`` changes on every node, through the log.

A setting is a name and a value, both bytes, checked before it is proposed. What the machine
itself acts by is parsed here once.
"""

from typing import Final

from trivet.core.command.events import KEYEVENT, KEYSPACE, classes_of

NOTIFY: Final = b"notify-keyspace-events"


class Settings:
    """Those that were ever changed; the others have their defaults."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self.notifies = 0
        """Classes of keyspace events to tell of; 0 also when neither channel is asked for."""

    def put(self, name: bytes, value: bytes) -> None:
        """Change one."""
        self.values[name] = value
        if name == NOTIFY:
            classes = classes_of(value) or 0
            self.notifies = classes if classes & (KEYSPACE | KEYEVENT) else 0
