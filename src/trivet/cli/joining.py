"""How a node becomes one of a cluster's: its directory, its number, its ``node.toml``.

DIR/data/birth   made first: the same directory asks for, and gets, the same number however often
CLUSTER JOIN     -> number, cluster, where the other nodes are
DIR/node.toml    written last; from then on the directory is that node's
"""

import contextlib
import json
import os
import socket
from pathlib import Path
from typing import NamedTuple

from trivet.cli.asking import Asker
from trivet.cli.layout import PEER_PORT_OFFSET, member_lines, replace_file, split_settings
from trivet.cli.probe import ProbeError, Refused, Reply

CONFIG_FILE = "node.toml"
DATA = "data"


class JoinError(Exception):
    """The node cannot join; the text says what to do."""


class Here(NamedTuple):
    """The new node, as all others and its clients shall reach it."""

    host: str
    client_port: int
    peer_port: int
    zone: str = ""
    labels: dict[str, str] = {}  # noqa: RUF012 (never changed)


class Joined(NamedTuple):
    """What the cluster answered."""

    node: int
    cluster: str
    others: list[tuple[int, str, int, int]]


def check_directory(directory: Path) -> None:
    """Raise ``JoinError`` unless a node may be made in ``directory``."""
    if directory.exists() and not directory.is_dir():
        raise JoinError(f"{directory} is a file: name another directory with --data")
    with contextlib.suppress(FileNotFoundError):
        strange = sorted(set(os.listdir(directory)) - {DATA, "node.log"})
        if strange:
            raise JoinError(
                f"{directory} holds other things ({', '.join(strange[:3])}): name an empty directory "
                "with --data"
            )
    data = directory / DATA
    if any(data.glob("wal-*.log")):
        raise JoinError(
            f"{data} is a node's, but {CONFIG_FILE} is missing beside it: bring that back and run "
            f"`trivet node --config {directory / CONFIG_FILE}`, or name an empty directory with --data"
        )


def check_ports(here: Here) -> None:
    """Raise ``JoinError`` when the node could not listen: better now than when it has joined."""
    if here.client_port == here.peer_port:
        raise JoinError(f"port {here.client_port} cannot be for clients and for nodes: choose --peer-port")
    for port, option in ((here.client_port, "--port"), (here.peer_port, "--peer-port")):
        family = socket.AF_INET6 if ":" in here.host else socket.AF_INET
        with contextlib.closing(socket.socket(family)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((here.host, port))
            except OSError as error:
                raise JoinError(
                    f"cannot listen on {here.host}:{port} ({error.strerror or error}): stop what "
                    "listens there, "
                    f"or choose another {option}; --host must be an address of this machine"
                ) from error


def host_towards(asker: Asker) -> str:
    """This machine's address as the cluster's nodes see it. Raises ``ProbeError`` when none is there."""
    for host, port, *_ in asker.addresses:
        try:
            with socket.create_connection((host, port), 3.0) as connection:
                return str(connection.getsockname()[0])
        except OSError:
            continue
    tried = ", ".join(f"{host}:{port}" for host, port, *_ in asker.addresses)
    raise ProbeError(f"nobody listens at {tried}: name a node that runs with --seed host:port")


def peer_port_for(client_port: int) -> int:
    """The usual peer port beside a client port."""
    return client_port + PEER_PORT_OFFSET if client_port + PEER_PORT_OFFSET <= 65535 else client_port + 1


def join(asker: Asker, directory: Path, here: Here, replaces: int = 0) -> Joined:
    """Ask for a number for the node in ``directory``; it may be asked for again.

    Raises ``JoinError``, ``ProbeError``, ``StartError``.
    """
    from trivet.runtime.birth import birth_of

    birth = birth_of(directory / DATA)
    words = [
        here.host,
        str(here.client_port),
        str(here.peer_port),
        here.zone,
        json.dumps(here.labels),
        str(birth),
    ]
    try:
        return _joined(asker.call("CLUSTER", "JOIN", *words, *([str(replaces)] if replaces else [])))
    except Refused as error:
        if not replaces or "wrong number of arguments" not in error.text:
            raise
    joined = _joined(asker.call("CLUSTER", "JOIN", *words))
    asker.call("CLUSTER", "REPLACE", str(replaces), str(joined.node))
    return joined


def _joined(reply: Reply) -> Joined:
    try:
        assert isinstance(reply, list)
        node, cluster, nodes = reply
        assert isinstance(node, int) and isinstance(cluster, bytes) and isinstance(nodes, list)
        others: list[tuple[int, str, int, int]] = []
        for row in nodes:
            assert isinstance(row, list)
            number, host, client_port, peer_port = row
            assert isinstance(number, int) and isinstance(host, bytes)
            assert isinstance(client_port, int) and isinstance(peer_port, int)
            if number != node:
                others.append((number, host.decode(), client_port, peer_port))
    except (AssertionError, ValueError) as error:
        raise ProbeError(
            "CLUSTER JOIN was answered with something else than a number for the node"
        ) from error
    return Joined(node, cluster.decode("ascii", "replace"), others)


def write_config(directory: Path, joined: Joined, here: Here, settings: str = "", password: str = "") -> None:
    """The node's configuration; whoever reads it may know the password."""
    lines = [
        "# Written by `trivet join`. Settings may be added; `trivet node --config` and `trivet join` "
        "start the node.",
        f"node = {joined.node}",
        f"cluster = {json.dumps(joined.cluster)}",
        f"data = {json.dumps(DATA)}",
        f"host = {json.dumps(here.host)}",
        f"client_port = {here.client_port}",
        f"peer_port = {here.peer_port}",
    ]
    if here.zone:
        lines.append(f"zone = {json.dumps(here.zone)}")
    if here.labels:
        pairs = ", ".join(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in here.labels.items())
        lines.append(f"labels = {{ {pairs} }}")
    if password:
        lines.append(f"password = {json.dumps(password)}")
    top, tables = split_settings(settings)
    lines += top
    for number, host, client_port, peer_port in joined.others:
        lines += member_lines("known", number, host, client_port, peer_port)
    path = directory / CONFIG_FILE
    directory.chmod(0o700)
    replace_file(path, "\n".join([*lines, "", *tables]).rstrip() + "\n")
    path.chmod(0o600)


def new_labels(words: tuple[str, ...]) -> dict[str, str]:
    """``name=value`` words as labels. Raises ``JoinError``."""
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not name or not equals:
            raise JoinError(f"--label {word}: write it as name=value")
        found[name] = value
    return found
