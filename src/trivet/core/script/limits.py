"""What one run of a script may use. Part of the replicated state: every replica stops at the same place.

(But for the time, which is the leader's matter: it says in the log when it is up.) The numbers are settings
of the cluster, so they come through the log: at the same entry all replicas have the same ones. The machine
writes them here whenever they change.
"""

from typing import Final

from trivet.core.command.settings_rows import SETTINGS

INSTRUCTIONS: Final = b"script-instructions-max"
MEMORY: Final = b"script-memory-max"
TIME: Final = b"script-time-max"
BUSY: Final = b"busy-reply-threshold"


class ScriptLimits:
    """Those in force."""

    __slots__ = ("busy_ms", "memory_bytes_max", "steps_max", "time_ms_max")

    def __init__(self) -> None:
        self.steps_max = 0
        """Instructions of Lua's machine, plus what long library functions and new memory are charged.

        After so many a script ends, or, where it may pause, waits to be told that it may do as many again.
        """
        self.memory_bytes_max = 0
        """What one script may use, results of commands included."""
        self.time_ms_max = 0
        """For so long the leader lets a script go on, in ms by its clock."""
        self.busy_ms = 0
        """After so long others are told ``BUSY``."""
        self.reset()

    def reset(self) -> None:
        """Nothing was ever changed."""
        self.steps_max = int(SETTINGS[INSTRUCTIONS].default)
        self.memory_bytes_max = int(SETTINGS[MEMORY].default)
        self.time_ms_max = int(SETTINGS[TIME].default)
        self.busy_ms = int(SETTINGS[BUSY].default)

    def put(self, name: bytes, value: bytes) -> None:
        """A setting has changed; others than these mean nothing here."""
        if name == INSTRUCTIONS:
            self.steps_max = int(value)
        elif name == MEMORY:
            self.memory_bytes_max = int(value)
        elif name == TIME:
            self.time_ms_max = int(value)
        elif name == BUSY:
            self.busy_ms = int(value)
