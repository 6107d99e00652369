"""Carrying out `trivet scale` inside `trivet up`: nodes join one by one, and leave one by one.

Runs in the thread of the order. What is the supervisor's (processes, ``cluster.json``) it has done by it.
"""

import time
from pathlib import Path
from typing import Protocol

from trivet.cli import joining
from trivet.cli.asking import Asker, advice
from trivet.cli.layout import (
    HOST,
    JOINING,
    ClusterRow,
    LayoutError,
    NodeRow,
    next_ports,
    next_zone,
    node_row,
    node_toml,
    replace_file,
)
from trivet.cli.leaving import POLL_S, empty_and_leave
from trivet.cli.orders import Client, HungUp, Order, OrderError
from trivet.cli.probe import ProbeError

START_MAX_S = 60.0
NODES_MAX = 100


class Crew(Protocol):
    """What the supervisor does for us."""

    ready: bool

    def rows(self) -> list[NodeRow]:
        """The nodes that it keeps running, in the order in which they came."""
        ...

    def adopt(self, row: NodeRow) -> None:
        """Run one more node; returns when it is started."""
        ...

    def release(self, node: int) -> None:
        """Stop a node that has left, and forget it; returns when it has ended."""
        ...


class Scaler:
    """Brings the cluster to a number of nodes."""

    def __init__(self, data: Path, cluster: ClusterRow, settings: str, password: str, crew: Crew) -> None:
        self._data = data
        self._cluster = cluster
        self._settings = settings
        self._password = password
        self._crew = crew

    def carry_out(self, order: Order, client: Client) -> None:
        """An order from ``orders``. Raises ``OrderError``, ``HungUp``."""
        count = order.get("nodes")
        if not isinstance(count, int) or not 1 <= count <= NODES_MAX:
            raise OrderError(f"a cluster on one machine has 1 to {NODES_MAX} nodes")
        if not self._crew.ready:
            raise OrderError("the cluster is not ready yet: say it again when it is")
        had = len(self._crew.rows())
        if count == had:
            client.say(f"there are {count} nodes already")
        try:
            while len(self._crew.rows()) < count:
                self._waits(client)
                self._grow(client)
            while len(self._crew.rows()) > count:
                self._waits(client)
                self._shrink(client)
        except (ProbeError, joining.JoinError, LayoutError) as error:
            raise OrderError(advice(error) if isinstance(error, ProbeError) else str(error)) from error
        except OSError as error:
            raise OrderError(f"{self._data}: {error.strerror}") from error
        if count > had:
            client.say("replicas and slots move to the new nodes by and by: `trivet rebalance` shows how")

    def asker(self) -> Asker:
        """Asks any of the nodes that run."""
        return Asker(
            (HOST, row["client_port"], self._password, "") for row in self._crew.rows() if row["pid"]
        )

    def _waits(self, client: Client) -> None:
        if not client.waits():
            raise HungUp

    def _grow(self, client: Client) -> None:
        """A directory without a number, a number, a directory with it: a crash in between loses nothing."""
        rows = self._crew.rows()
        row = self._orphan(rows)
        if row is None:
            row = self._join(rows)
        replace_file(Path(row["directory"]) / "node.toml", node_toml(row, self._cluster, self._settings))
        self._crew.adopt(row)
        client.say(f"node {row['id']} has joined: redis://{HOST}:{row['client_port']}")
        self._until_up(row, client)

    def _join(self, rows: list[NodeRow]) -> NodeRow:
        client_port, peer_port = next_ports(rows)
        zone = next_zone(rows)
        beside = self._data / JOINING
        joined = joining.join(self.asker(), beside, joining.Here(HOST, client_port, peer_port, zone))
        row = node_row(self._data, joined.node, client_port, peer_port)
        if zone:
            row["zone"] = zone
        beside.rename(row["directory"])
        return row

    def _orphan(self, rows: list[NodeRow]) -> NodeRow | None:
        """A node that has joined and has its directory here, but does not run: the last start broke off."""
        ours = [row["id"] for row in rows]
        for node in self.asker().view().nodes:
            directory = self._data / f"node-{node.id}"
            if node.id not in ours and node.host == HOST and (directory / joining.DATA / "birth").exists():
                row = node_row(self._data, node.id, node.client_port, node.peer_port)
                if node.zone:
                    row["zone"] = node.zone
                return row
        return None

    def _until_up(self, row: NodeRow, client: Client) -> None:
        """Until the cluster counts it as up, and it answers a read that a majority confirms."""
        asker = Asker([(HOST, row["client_port"], self._password, "")])
        deadline_s = time.monotonic() + START_MAX_S
        while True:
            try:
                found = self.asker().view().node(row["id"])
                if (
                    found is not None
                    and found.state == "up"
                    and isinstance(asker.call("EXISTS", "trivet:ready"), int)
                ):
                    return
            except ProbeError:
                pass
            self._waits(client)
            if time.monotonic() > deadline_s:
                raise OrderError(
                    f"node {row['id']} does not serve after {START_MAX_S:.0f} s: see "
                    f"{row['directory']}/node.log"
                )
            time.sleep(POLL_S)

    def _shrink(self, client: Client) -> None:
        row = max(self._crew.rows(), key=_number)
        node = row["id"]
        asker = self.asker()
        asker.avoid(HOST, row["client_port"])
        asker.call("CLUSTER", "DRAIN", str(node))
        client.say(f"node {node} is being drained")
        try:
            empty_and_leave(asker, node, client.say, client.waits)
        except (ProbeError, HungUp):
            self._keep(asker, node)
            raise
        self._crew.release(node)
        client.say(f"node {node} has ended; its directory is kept: {row['directory']}")

    def _keep(self, asker: Asker, node: int) -> None:
        """It was not to be: the node stays."""
        try:
            asker.call("CLUSTER", "UNDRAIN", str(node))
        except ProbeError:
            return


def _number(row: NodeRow) -> int:
    return row["id"]
