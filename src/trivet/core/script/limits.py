"""What one run of a script may use. Part of the replicated state: every replica stops at the same place.

The numbers are settings of the cluster, so they come through the log: at the same entry all replicas have
the same ones. The machine writes them here whenever they change.
"""

from typing import Final

from trivet.core.command.settings_rows import SETTINGS

INSTRUCTIONS: Final = b"script-instructions-max"
MEMORY: Final = b"script-memory-max"


class ScriptLimits:
    """Those in force."""

    __slots__ = ("memory_bytes_max", "steps_max")

    def __init__(self) -> None:
        self.steps_max = 0
        """Instructions of Lua's machine, plus what long library functions and new memory are charged."""
        self.memory_bytes_max = 0
        """What one script may use, results of commands included."""
        self.reset()

    def reset(self) -> None:
        """Nothing was ever changed."""
        self.steps_max = int(SETTINGS[INSTRUCTIONS].default)
        self.memory_bytes_max = int(SETTINGS[MEMORY].default)

    def put(self, name: bytes, value: bytes) -> None:
        """A setting has changed; others than these two mean nothing here."""
        if name == INSTRUCTIONS:
            self.steps_max = int(value)
        elif name == MEMORY:
            self.memory_bytes_max = int(value)
