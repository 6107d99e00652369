"""Settings of the whole cluster: what ``CONFIG SET`` changes on every node, through the log.

A setting is a name and a value, both bytes, checked before it is proposed. What the machine
itself acts by is parsed here once.
"""

from typing import Final

from trivet.core.command.events import KEYEVENT, KEYSPACE, classes_of
from trivet.core.command.settings_rows import SETTINGS
from trivet.core.script.limits import ScriptLimits

NOTIFY: Final = b"notify-keyspace-events"
MAXMEMORY: Final = b"maxmemory"
OVER: Final = b"over-maxmemory"
"""Not a client's setting: what the leader has last said about memory (``yes``: no more growth)."""
ACCOUNTED: Final = (MAXMEMORY, b"maxmemory-policy", b"lfu-log-factor", b"lfu-decay-time")
"""What the account of memory depends on."""


class Settings:
    """Those that were ever changed; the others have their defaults."""

    def __init__(self) -> None:
        self.values: dict[bytes, bytes] = {}
        self.version = 0
        """Rises with every change: who acts by settings looks at this."""
        self.notifies = 0
        """Classes of keyspace events to tell of; 0 also when neither channel is asked for."""
        self.maxmemory_bytes = 0
        """0: no limit."""
        self.refuses_growth = False
        """Commands that need memory are refused (Rule E2)."""
        self.script_limits = ScriptLimits()
        """What one run of a script may use."""

    def put(self, name: bytes, value: bytes) -> None:
        """Change one."""
        self.values[name] = value
        self.version += 1
        if name == NOTIFY:
            classes = classes_of(value) or 0
            self.notifies = classes if classes & (KEYSPACE | KEYEVENT) else 0
        elif name == MAXMEMORY:
            self.maxmemory_bytes = int(value)
            if not self.maxmemory_bytes:
                self.values.pop(OVER, None)
                self.refuses_growth = False
        elif name == OVER:
            self.refuses_growth = value == b"yes"
        else:
            self.script_limits.put(name, value)

    def replace(self, values: list[tuple[bytes, bytes]]) -> None:
        """All of them, but for what the leader has said about memory."""
        over = self.values.get(OVER)
        self.values = {}
        self.notifies = self.maxmemory_bytes = 0
        self.refuses_growth = False
        self.script_limits.reset()
        self.version += 1
        for name, value in values:
            self.put(name, value)
        if over is not None and self.maxmemory_bytes:
            self.put(OVER, over)

    def get(self, name: bytes) -> bytes:
        """The value in force of a setting that ``CONFIG`` knows."""
        value = self.values.get(name)
        return SETTINGS[name].default if value is None else value

    def number(self, name: bytes) -> int:
        """The value in force of a numeric one."""
        return int(self.get(name))
