"""What the cluster's settings mean to a node: read once per change, not once per command."""

from typing import Final

from trivet.core.command.settings_kinds import parse_buffer_limits
from trivet.core.command.settings_rows import BUFFER_LIMITS
from trivet.core.machine.settings import Settings

_NO_LIMIT: Final = 1 << 62


class Rules:
    """The settings in force, parsed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.version = settings.version
        number = settings.number
        self.timeout_ms = number(b"timeout") * 1000
        """Idle clients are closed after this; 0: never."""
        self.slow_us = number(b"slowlog-log-slower-than")
        self.slow_max = number(b"slowlog-max-len")
        self.latency_ms = number(b"latency-monitor-threshold")
        self.tracking_max = number(b"tracking-table-max-keys") or _NO_LIMIT
        hard, soft, seconds = parse_buffer_limits(settings.get(BUFFER_LIMITS))[0]
        self.output_bytes_max = hard or _NO_LIMIT
        """Unsent replies of one client beyond which it is cut off (beside the node's own limit)."""
        self.output_soft_bytes_max = soft or _NO_LIMIT
        self.output_soft_ms = seconds * 1000
        self.clients_max = number(b"maxclients") if b"maxclients" in settings.values else 0
        """0: the node's own limit."""
        self.bulk_bytes_max = number(b"proto-max-bulk-len") if b"proto-max-bulk-len" in settings.values else 0

    def is_of(self, settings: Settings) -> bool:
        """Whether these are the rules of ``settings`` as they are now."""
        return self.settings is settings and self.version == settings.version
