"""Errands: what a node says about itself and the cluster to the system group, unasked.

- Rule E1: the leader of the system group founds the cluster: the first word of its log is the map that every
  founding node computes from its configuration.
- Rule E2: a node that finds another address, zone or labels, or no birth of its own in the map says what is
  so. When that is refused (the address is another node's) it says it again, seldom.
"""

from typing import Final

from msgspec import json

from trivet.core.base.ids import Instant
from trivet.core.cluster.map import ClusterMap
from trivet.core.group.run import Run
from trivet.core.node.config import NodeConfig
from trivet.core.node.front import Front
from trivet.core.raft.state import Role
from trivet.core.wire.reply import Error

RETRY_MS: Final = 1000
REFUSED_MS: Final = 10_000


class Errands:
    """See the module."""

    def __init__(self, config: NodeConfig, birth: int, founding: ClusterMap, front: Front) -> None:
        self._config = config
        self._birth = birth
        self._founding = founding
        self._front = front
        self._run: Run | None = None
        self._next_ms: Instant = 0

    def run_done(self) -> None:
        """What was said is in the map, or refused."""

    def tick(self, now_ms: Instant) -> None:
        """Look whether something is to be said; one thing at a time to the system group."""
        if self._front.transactor is not None:
            self._front.transactor.tick(now_ms)
        if now_ms < self._next_ms or (self._run is not None and self._run.replies is None):
            return
        if self._run is not None and self._run.replies is not None:
            refused = isinstance(self._run.replies[0], Error)
            self._run = None
            if refused:
                self._next_ms = now_ms + REFUSED_MS
                return
        call = self._due()
        if call is None:
            self._next_ms = now_ms + RETRY_MS
            return
        self._run = Run(self, True, patient=True)
        self._run.add((0, call), sum(map(len, call)))
        self._front.system.write(self._run, now_ms)
        self._next_ms = now_ms + 100

    def _due(self) -> list[bytes] | None:
        system = self._front.system
        cluster = system.machine.cluster
        if cluster is None:
            if system.raft.role is Role.LEADER and self._config.members:
                return [b"MAP", b"FOUND", self._founding.encode()]
            return None
        own = self._config.address()
        row = cluster.members.get(own.id)
        if row is None:
            return None
        if not row.birth and self._birth:
            return [b"MAP", b"BIRTH", b"%d" % own.id, b"%d" % self._birth]
        if (row.host, row.client_port, row.peer_port) != (own.host, own.client_port, own.peer_port):
            return [
                b"MAP", b"ADDRESS", b"%d" % own.id, own.host.encode(), b"%d" % own.client_port,
                b"%d" % own.peer_port,
            ]  # fmt: skip
        config = self._config
        if config.zone and row.zone != config.zone:
            return [b"MAP", b"ZONE", b"%d" % own.id, config.zone.encode()]
        if config.labels and row.labels != config.labels:
            return [b"MAP", b"LABEL", b"%d" % own.id, json.encode(config.labels)]
        return None
