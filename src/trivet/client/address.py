"""Where a node is, as a URL."""

from urllib.parse import unquote, urlsplit

import msgspec


class NodeAddress(msgspec.Struct, frozen=True):
    """One node's client port, and who we are there."""

    host: str
    port: int
    user: str = ""
    password: str = ""

    @classmethod
    def parse(cls, url: str) -> "NodeAddress":
        """From ``redis://[[user]:password@]host[:port]`` or ``host:port``; raises ``ValueError``."""
        parts = urlsplit(url if "://" in url else f"redis://{url}")
        try:
            port = parts.port or 7001
        except ValueError:
            port = 0
        if parts.scheme != "redis" or not parts.hostname or not port:
            raise ValueError(f"{url!r} is no address of a node: write it as redis://127.0.0.1:7001")
        return cls(parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
