"""Asking a cluster through any of its nodes, and the options by which people name one.

A node that does not answer is passed over for the next; what a node refuses is refused. The sentences
of the errors say what to do next.
"""

import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import click

from trivet.cli.probe import Probe, ProbeError, Refused, Reply
from trivet.cli.view import View, read_view

Address = tuple[str, int, str, str]
"""Host, port, password, user."""
CALL_MAX_S = 10.0
"""Longer than a node waits for a majority before it says that there is none."""
PATIENT_S = 5.0
"""How long a cluster may have no leader before that is an error: longer than an election."""
AGAIN_S = 0.2
_NOTHING = "nothing was done"
_ASK_THERE = "ask there"
_PASSING = ("CLUSTERDOWN ", "TRYAGAIN ", "LOADING ")
_Command = TypeVar("_Command", bound=Callable[..., None])


class Unanswered(ProbeError):
    """No node answered."""


class Leaderless(ProbeError):
    """No node leads the system group."""


class Asker:
    """Calls to one cluster, through one node at a time."""

    def __init__(self, addresses: Iterable[Address], timeout_s: float = CALL_MAX_S) -> None:
        self.addresses = list(addresses)
        self._timeout_s = timeout_s
        self._probe: Probe | None = None
        self._at = 0

    def call(self, *words: str) -> Reply:
        """The reply of the first node that gives one, beginning with the last that did.

        For calls that may be made twice: it is, for a while, when the cluster says that it cannot just now.
        Raises ``Refused`` or ``Unanswered``.
        """
        return _patiently(lambda: self._first(words), lambda text: text.startswith(_PASSING))

    def _first(self, words: tuple[str, ...]) -> Reply:
        tried: dict[str, list[str]] = {}
        for _ in range(len(self.addresses)):
            try:
                return self._here().call(*words)
            except Refused:
                raise
            except ProbeError as error:
                reason = str(error).removeprefix(f"{self.where}: ").lower()
                tried.setdefault(reason, []).append(self.where)
                self._next()
        reasons = "; ".join(f"{', '.join(where)}: {reason}" for reason, where in tried.items())
        raise Unanswered(f"no node answers ({reasons})")

    def call_once(self, *words: str) -> Reply:
        """A call that must not be done twice: only a node that has just answered gets it.

        It is made again only when the answer says that nothing was done.
        """
        self.call("PING")
        try:
            return _patiently(lambda: self._here().call(*words), lambda text: _NOTHING in text)
        except Refused:
            raise
        except ProbeError as error:
            raise ProbeError(
                f"{error}: it may have been done all the same; look with `trivet status` before you say "
                "it again"
            ) from error

    def view(self) -> View:
        """The cluster as the node sees it; its other nodes may be asked from now on."""
        try:
            view = read_view(self.call("CLUSTER", "STATE"))
        except ValueError as error:
            raise ProbeError(f"{self.where}: CLUSTER STATE was answered with {error}") from error
        self._learn(view)
        return view

    def full_view(self) -> View:
        """The cluster as the leader of the system group sees it, to whom all report; if it can be asked."""
        view = self.view()
        leader = view.system_leader()
        if leader is not None and leader.id == view.asked:
            return view
        try:
            return self.at_system_leader(view).view()
        except ProbeError:
            return view

    def plan(self) -> list[str]:
        """What the cluster is about to do and why, in sentences; the leader of the system group knows.

        While the leadership changes hands it is asked again for a while.
        """
        give_up_s = time.monotonic() + PATIENT_S
        while True:
            try:
                reply = self.at_system_leader(self.view()).call("CLUSTER", "PLAN")
                break
            except (Leaderless, Refused) as error:
                changes = isinstance(error, Leaderless) or error.text.endswith(_ASK_THERE)
                if not changes or time.monotonic() > give_up_s:
                    raise
            time.sleep(AGAIN_S)
        if isinstance(reply, bytes):
            return reply.decode("utf-8", "replace").splitlines()
        if not isinstance(reply, list):
            raise ProbeError(f"{self.where}: CLUSTER PLAN was not answered with sentences")
        return [line.decode("utf-8", "replace") for line in reply if isinstance(line, bytes)]

    def at_system_leader(self, view: View) -> "Asker":
        """Asks that node, with the same login. Raises ``ProbeError`` when there is no such node."""
        leader = view.system_leader()
        if leader is None:
            raise Leaderless(
                "no node leads the system group: a majority of its members must run and reach each other"
            )
        _, _, password, user = self.addresses[self._at]
        return Asker([(leader.host, leader.client_port, password, user)], self._timeout_s)

    @property
    def where(self) -> str:
        """The node that is asked now."""
        host, port, *_ = self.addresses[self._at]
        return f"{host}:{port}"

    def avoid(self, host: str, port: int) -> None:
        """Ask this node last from now on: it is about to go."""
        self.addresses.sort(key=lambda address: address[:2] == (host, port))
        self.close()
        self._at = 0

    def close(self) -> None:
        """Close the connection."""
        if self._probe is not None:
            self._probe.close()
        self._probe = None

    def _here(self) -> Probe:
        if self._probe is None:
            host, port, password, user = self.addresses[self._at]
            self._probe = Probe(host, port, password, user, self._timeout_s)
        return self._probe

    def _next(self) -> None:
        self.close()
        self._at = (self._at + 1) % len(self.addresses)

    def _learn(self, view: View) -> None:
        """Nodes whose addresses are new, with the login that has just served."""
        _, _, password, user = self.addresses[self._at]
        known = [address[:2] for address in self.addresses]
        for node in view.nodes:
            if node.alive and node.state != "gone" and (node.host, node.client_port) not in known:
                self.addresses.append((node.host, node.client_port, password, user))


def _patiently(ask: Callable[[], Reply], passes: Callable[[str], bool]) -> Reply:
    """Ask again for a while, as long as the refusal is one that passes by itself."""
    give_up_s = time.monotonic() + PATIENT_S
    while True:
        try:
            return ask()
        except Refused as error:
            if not passes(error.text) or time.monotonic() > give_up_s:
                raise
            time.sleep(AGAIN_S)


def address_of(url: str) -> Address:
    """``redis://[[user]:password@]host:port`` (or ``host:port``) as host, port, password, user."""
    parts = urlsplit(url if "://" in url else f"redis://{url}")
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme != "redis" or not parts.hostname or not port:
        raise click.UsageError(f"{url!r} is no address: write it as redis://127.0.0.1:7001")
    return parts.hostname, port, unquote(parts.password or ""), unquote(parts.username or "")


def addresses_in(data: Path) -> list[Address]:
    """The addresses of the cluster that `trivet up` runs in ``data``, if there is one."""
    from trivet.cli.layout import HOST, LayoutError, read_cluster

    try:
        cluster = read_cluster(data)
    except LayoutError as error:
        raise click.ClickException(str(error)) from error
    return [(HOST, row["client_port"], "", "") for row in cluster["nodes"]] if cluster else []


def password_in(path: Path | None) -> str:
    """The password in a file: its first line."""
    if path is None:
        return ""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"--password-file: cannot read {path}: {error}") from error
    if not lines or not lines[0]:
        raise click.UsageError(f"--password-file: {path} has no password in its first line")
    return lines[0]


def asker_for(urls: Iterable[str], data: Path, password_file: Path | None) -> Asker:
    """Who to ask: the nodes that were named, or those of ``data``, or the usual one on this machine."""
    password = password_in(password_file)
    found = [address_of(url) for url in urls] or addresses_in(data) or [("127.0.0.1", 7001, "", "")]
    return Asker((host, port, own or password, user) for host, port, own, user in found)


PASSWORD_FILE = click.option(
    "--password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with the password in its first line; it need not stand in a URL then.",
)


def cluster_options(function: _Command) -> _Command:
    """The options that say which cluster is meant: ``nodes``, ``data``, ``password_file``."""
    for decorator in (
        PASSWORD_FILE,
        click.option(
            "--data",
            type=click.Path(path_type=Path),
            default=Path("./trivet-data"),
            show_default=True,
            help="Where `trivet up` keeps the cluster, when no --node is given.",
        ),
        click.option(
            "--node",
            "--url",
            "nodes",
            multiple=True,
            metavar="URL",
            help="Any node of the cluster, as redis://[[user]:password@]host:port; give several, and "
            "the next "
            "is asked when one does not answer.  [default: the nodes in DATA, or 127.0.0.1:7001]",
        ),
    ):
        function = decorator(function)
    return function


def advice(error: ProbeError) -> str:
    """The error's sentence and what to do about it."""
    if isinstance(error, Unanswered):
        return f"{error}: start a node, or name one that runs with --node redis://host:port"
    if not isinstance(error, Refused):
        return str(error)
    text = error.text
    kind, _, rest = text.partition(" ")
    said = rest if kind == "ERR" else text
    if kind in ("NOAUTH", "WRONGPASS"):
        return f"{said}: give it with --password-file, or in the URL as redis://:password@host:port"
    if kind == "NOPERM":
        return f"{said}: ask as a user who may use CLUSTER and KEYSPACE, redis://user:password@host:port"
    if (
        "no such node" in said
        or "Unknown node" in said
        or "no such group" in said
        or "no such move" in said
        or "no such keyspace" in said
    ):
        return f"{said}: `trivet status` shows what there is"
    if "unknown subcommand" in said.lower() or "unknown command" in said.lower():
        return f"the node does not know this command ({said}): is it of an older version?"
    if kind in ("CLUSTERDOWN", "TIMEOUT"):
        return f"{said}: a majority of the system group's nodes must run and reach each other"
    said = said.replace("say FORCE", "say --force").replace("with FORCE only", "with --force only")
    return re.sub(r"CLUSTER DRAIN (\d+)", r"`trivet leave \1`", said)


def fail(error: ProbeError) -> click.ClickException:
    """The exception that ends the command with exit code 1."""
    return click.ClickException(advice(error))
