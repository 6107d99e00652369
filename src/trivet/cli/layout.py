"""A cluster's files on this machine: ``cluster.json``, a directory and ``node.toml`` per node; its ports.

trivet-data/
  cluster.json      who runs where; read by tools and tests, replaced atomically
  supervisor.lock   held while `trivet up` runs
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
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

HOST = "127.0.0.1"
PEER_PORT_OFFSET = 10_000
CLUSTER_FILE = "cluster.json"
LOCK_FILE = "supervisor.lock"


class LayoutError(Exception):
    """The directory or the ports cannot be used; the text says what to do."""


class NodeRow(TypedDict):
    """One node, as ``cluster.json`` has it. ``pid`` is 0 while its process is not running."""

    id: int
    pid: int
    client_port: int
    peer_port: int
    directory: str


class ClusterRow(TypedDict):
    """The whole of ``cluster.json``."""

    cluster: str
    supervisor: int
    nodes: list[NodeRow]


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
        assert row["cluster"] and row["nodes"][0]["id"] == 1
    except (ValueError, KeyError, IndexError, TypeError, AssertionError) as error:
        raise LayoutError(f"{path} is damaged: restore it, or start over with --fresh") from error
    return row


def open_directory(data: Path, fresh: bool) -> int:
    """Make or check the data directory and lock it; returns the lock's file descriptor, held until exit."""
    if data.exists() and not data.is_dir():
        raise LayoutError(f"{data} is a file: name another directory with --data")
    ours = not data.exists() or (data / CLUSTER_FILE).exists() or set(os.listdir(data)) <= {LOCK_FILE}
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
        if path.is_dir() and path.name[5:].isdigit():
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
    ports = list(range(first, first + nodes))
    if ports[-1] > 65535:
        raise LayoutError(f"{nodes} ports from {first} upwards go beyond 65535: choose a lower --port")
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


def plan(data: Path, nodes: int | None, first_port: int) -> ClusterRow:
    """The cluster to start: the one that lives in ``data``, at these ports, or a new one."""
    known = read_cluster(data)
    if known is not None and nodes is not None and nodes != len(known["nodes"]):
        raise LayoutError(
            f"{data} holds a cluster of {len(known['nodes'])} nodes: leave --nodes away, "
            "name another --data, or start over with --fresh"
        )
    count = len(known["nodes"]) if known else nodes or 3
    clients = client_ports(first_port, count)
    peers = peer_ports(clients)
    rows: list[NodeRow] = [
        {
            "id": i + 1,
            "pid": 0,
            "client_port": clients[i],
            "peer_port": peers[i],
            "directory": str((data / f"node-{i + 1}").resolve()),
        }
        for i in range(count)
    ]
    return {
        "cluster": known["cluster"] if known else secrets.token_hex(16),
        "supervisor": os.getpid(),
        "nodes": rows,
    }


def node_toml(row: NodeRow, cluster: ClusterRow, settings: str) -> str:
    """The text of one node's configuration file; ``settings`` is TOML that every node shares."""
    lines = [
        "# Written by `trivet up` at each start. For your own deployment, copy it and run `trivet node`.",
        f"node = {row['id']}",
        f'cluster = "{cluster["cluster"]}"',
        f"data = {json.dumps(row['directory'] + '/data')}",
    ]
    top, tables = split_settings(settings)
    lines += top
    for member in cluster["nodes"]:
        lines += [
            "",
            "[[members]]",
            f"id = {member['id']}",
            f'host = "{HOST}"',
            f"client_port = {member['client_port']}",
            f"peer_port = {member['peer_port']}",
        ]
    return "\n".join([*lines, "", *tables]).rstrip() + "\n"


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
