"""A cluster's files on this machine: ``cluster.json``, a directory and ``node.toml`` per node; its ports.

trivet-data/
  cluster.json      who runs where; read by tools and tests, replaced atomically
  supervisor.lock   held while `trivet up` runs
  supervisor.sock   where `trivet scale` talks to it
  node-1/node.toml  the node's configuration, written anew at each start
  node-1/node.log   what it printed
  node-1/data/      its log and snapshots
"""

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

HOST = "127.0.0.1"
DEFAULT_PORT = 7001
PEER_PORT_OFFSET = 10_000
CLUSTER_FILE = "cluster.json"
LOCK_FILE = "supervisor.lock"
SOCKET_FILE = "supervisor.sock"
JOINING = "node-joining"
"""The directory of a node that is being added, until it has a number."""


class LayoutError(Exception):
    """The directory or the ports cannot be used; the text says what to do."""


class FounderRow(TypedDict):
    """One of the nodes with which the cluster began, and where it was last."""

    id: int
    client_port: int
    peer_port: int


class NodeRow(FounderRow):
    """One node, as ``cluster.json`` has it. ``pid`` is 0 while its process is not running."""

    pid: int
    directory: str
    zone: NotRequired[str]


class ClusterRow(TypedDict):
    """The whole of ``cluster.json``. Without ``founders``: all nodes are."""

    cluster: str
    supervisor: int
    nodes: list[NodeRow]
    founders: NotRequired[list[FounderRow]]


def replace_file(path: Path, text: str) -> None:
    """Write ``path`` so that a reader sees the old text or the new one, never a part."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text)
    os.replace(beside, path)


def write_cluster(data: Path, row: ClusterRow) -> None:
    """Replace ``cluster.json``."""
    replace_file(data / CLUSTER_FILE, json.dumps(row, indent=2) + "\n")


def read_cluster(data: Path) -> ClusterRow | None:
    """``cluster.json``, or None when there is none."""
    path = data / CLUSTER_FILE
    if not path.exists():
        return None
    try:
        row: ClusterRow = json.loads(path.read_text())
        assert row["cluster"] and row["nodes"][0]["id"] >= 1
    except (ValueError, KeyError, IndexError, TypeError, AssertionError) as error:
        raise LayoutError(f"{path} is damaged: restore it, or start over with --fresh") from error
    return row


def open_directory(data: Path, fresh: bool) -> int:
    """Make or check the data directory and lock it; returns the lock's file descriptor, held until exit."""
    if data.exists() and not data.is_dir():
        raise LayoutError(f"{data} is a file: name another directory with --data")
    ours = (
        not data.exists()
        or (data / CLUSTER_FILE).exists()
        or set(os.listdir(data)) <= {LOCK_FILE, SOCKET_FILE}
    )
    if not ours:
        raise LayoutError(
            f"{data} holds other things and no {CLUSTER_FILE}: name another directory with --data"
        )
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise LayoutError(
            f"cannot use {data}: {error.strerror}: name another directory with --data"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise LayoutError(
            f"another `trivet up` is running on {data}: stop it, or name another --data"
        ) from error
    if fresh:
        wipe(data)
    return lock


def wipe(data: Path) -> None:
    """Remove what a cluster left in ``data``, and nothing else."""
    for path in sorted(data.glob("node-*")):
        if path.is_dir() and (path.name[5:].isdigit() or path.name == JOINING):
            shutil.rmtree(path)
    (data / CLUSTER_FILE).unlink(missing_ok=True)


def port_is_free(port: int) -> bool:
    """True when a listener could be opened on the loopback port now."""
    with contextlib.closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def client_ports(first: int, nodes: int) -> list[int]:
    """The client ports from ``first`` upwards; a taken one is an error that names it."""
    return free(list(range(first, first + nodes)))


def kept_ports(known: ClusterRow, first: int | None) -> list[int]:
    """The client ports that the nodes had, or as far from ``first`` as they were from node 1's."""
    rows = known["nodes"]
    had = [row.get("client_port", DEFAULT_PORT + i) for i, row in enumerate(rows)]
    return free([port + (first - had[0] if first else 0) for port in had])


def free(ports: list[int]) -> list[int]:
    """The same ports, if all can be listened on."""
    if not 1 <= min(ports) <= max(ports) <= 65535:
        raise LayoutError(
            f"{len(ports)} ports from {ports[0]} upwards go beyond 65535: choose a lower --port"
        )
    for port in ports:
        if not port_is_free(port):
            raise LayoutError(f"port {port} is taken: stop what listens there, or choose another --port")
    return ports


def peer_ports(clients: list[int]) -> list[int]:
    """A peer port beside each client port: 10,000 above it, or else the next free one after them."""
    wanted = [port + PEER_PORT_OFFSET for port in clients]
    if wanted[-1] <= 65535 and all(port_is_free(port) for port in wanted):
        return wanted
    free = (port for port in range(clients[-1] + 1, 65536) if port_is_free(port))
    found = [port for port, _ in zip(free, clients, strict=False)]
    if len(found) < len(clients):
        raise LayoutError("no free ports for the nodes to talk to each other: choose a lower --port")
    return found


def plan(data: Path, nodes: int | None, first_port: int | None, zones: Sequence[str] = ()) -> ClusterRow:
    """The cluster to start: the one that lives in ``data``, at these ports, or a new one.

    ``first_port``: None: the ports that it had, or else 7001 and upwards.
    """
    known = read_cluster(data)
    if known is not None and nodes is not None and nodes != len(known["nodes"]):
        raise LayoutError(
            f"{data} holds a cluster of {len(known['nodes'])} nodes: leave --nodes away, "
            "name another --data, or start over with --fresh; `trivet scale` changes a running cluster"
        )
    ids = ids_of(known) if known else list(range(1, (nodes or 3) + 1))
    clients = kept_ports(known, first_port) if known else client_ports(first_port or DEFAULT_PORT, len(ids))
    peers = peer_ports(clients)
    rows = [node_row(data, node, clients[i], peers[i]) for i, node in enumerate(ids)]
    for i, row in enumerate(rows):
        zone = zones[i % len(zones)] if zones else known["nodes"][i].get("zone", "") if known else ""
        if zone:
            row["zone"] = zone
    cluster: ClusterRow = {
        "cluster": known["cluster"] if known else secrets.token_hex(16),
        "supervisor": os.getpid(),
        "nodes": rows,
    }
    now = {row["id"]: row for row in rows}
    founders = known.get("founders", rows) if known else rows
    cluster["founders"] = [founder_row(now.get(row["id"], row)) for row in founders]
    return cluster


def ids_of(known: ClusterRow) -> list[int]:
    """The nodes' ids; a row that was written before its node had one is numbered by its place."""
    return [row.get("id", i + 1) for i, row in enumerate(known["nodes"])]


def node_row(data: Path, node: int, client_port: int, peer_port: int) -> NodeRow:
    """A node that does not run yet."""
    return {
        "id": node,
        "pid": 0,
        "client_port": client_port,
        "peer_port": peer_port,
        "directory": str((data / f"node-{node}").resolve()),
    }


def founder_row(row: FounderRow) -> FounderRow:
    """What the others must know of a founding node."""
    return {"id": row["id"], "client_port": row["client_port"], "peer_port": row["peer_port"]}


def next_ports(rows: Sequence[NodeRow]) -> tuple[int, int]:
    """A client port and a peer port for one more node: the next free ones above the others'."""
    taken = {port for row in rows for port in (row["client_port"], row["peer_port"])}
    first = max(row["client_port"] for row in rows) + 1
    for port in range(first, 65536):
        if port not in taken and port_is_free(port):
            peer = port + PEER_PORT_OFFSET
            if peer > 65535 or peer in taken or not port_is_free(peer):
                peer = next(p for p in range(port + 1, 65536) if p not in taken and port_is_free(p))
            return port, peer
    raise LayoutError("no free ports above those of the other nodes")


def next_zone(rows: Sequence[NodeRow]) -> str:
    """The zone for one more node: that of the fewest, the first of them; empty when there are no zones."""
    counts: dict[str, int] = {}
    for row in rows:
        zone = row.get("zone", "")
        if zone:
            counts[zone] = counts.get(zone, 0) + 1
    return min(counts, key=lambda zone: counts[zone]) if counts else ""


def node_toml(row: NodeRow, cluster: ClusterRow, settings: str) -> str:
    """The text of one node's configuration file; ``settings`` is TOML that every node shares."""
    founders = cluster.get("founders", cluster["nodes"])
    founding = [founder["id"] for founder in founders]
    lines = [
        "# Written by `trivet up` at each start. For your own deployment, copy it and run `trivet node`.",
        f"node = {row['id']}",
        f'cluster = "{cluster["cluster"]}"',
        f"data = {json.dumps(row['directory'] + '/data')}",
    ]
    if row["id"] not in founding:
        lines += [
            f'host = "{HOST}"',
            f"client_port = {row['client_port']}",
            f"peer_port = {row['peer_port']}",
        ]
    if row.get("zone"):
        lines.append(f"zone = {json.dumps(row['zone'])}")
    top, tables = split_settings(settings)
    lines += top
    if row["id"] in founding:
        for founder in founders:
            lines += member_lines(
                "members", founder["id"], HOST, founder["client_port"], founder["peer_port"]
            )
    for other in cluster["nodes"]:
        known = other["id"] in founding if row["id"] in founding else other["id"] == row["id"]
        if not known:
            lines += member_lines("known", other["id"], HOST, other["client_port"], other["peer_port"])
    return "\n".join([*lines, "", *tables]).rstrip() + "\n"


def member_lines(table: str, node: int, host: str, client_port: int, peer_port: int) -> list[str]:
    """One node as a row of a table of nodes."""
    return [
        "",
        f"[[{table}]]",
        f"id = {node}",
        f"host = {json.dumps(host)}",
        f"client_port = {client_port}",
        f"peer_port = {peer_port}",
    ]


def split_settings(settings: str) -> tuple[list[str], list[str]]:
    """TOML text as (lines before its first table, the rest): TOML wants plain keys before tables."""
    lines = settings.splitlines()
    first = next((i for i, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    return lines[:first], lines[first:]


def write_nodes(cluster: ClusterRow, settings: str) -> None:
    """Make each node's directory and replace its ``node.toml``."""
    for row in cluster["nodes"]:
        directory = Path(row["directory"])
        directory.mkdir(mode=0o700, exist_ok=True)
        replace_file(directory / "node.toml", node_toml(row, cluster, settings))


def urls(rows: Iterable[NodeRow]) -> str:
    """The nodes' client addresses in one line."""
    return " ".join(f"redis://{HOST}:{row['client_port']}" for row in rows)
