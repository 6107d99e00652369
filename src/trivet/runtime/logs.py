"""Log lines for people (text) or for machines (JSON), on standard error."""

import logging
import sys
import time

import msgspec


class TextFormatter(logging.Formatter):
    """``2026-11-23 00:00:00.123Z node 1 WARNING text``."""

    def __init__(self, node: int) -> None:
        super().__init__(
            f"%(asctime)s.%(msecs)03dZ node {node} %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"
        )

    converter = staticmethod(time.gmtime)


class JsonFormatter(logging.Formatter):
    """One object per line: ``time_ms, node, level, logger, text`` and, for a defect, ``trace``."""

    def __init__(self, node: int) -> None:
        super().__init__()
        self._node = node

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "time_ms": int(record.created * 1000),
            "node": self._node,
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


def set_up(node: int, level: str, form: str) -> None:
    """Send what the process's ``trivet`` loggers say to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(node) if form == "json" else TextFormatter(node))
    logger = logging.getLogger("trivet")
    logger.handlers = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
