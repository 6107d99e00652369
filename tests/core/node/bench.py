"""Nodes on a bench: real ``Node``s between disks, links and clients that a test holds in its hands.

Nothing happens by itself: ``settle`` gives every node turns until nobody has anything left to
do, ``wait`` lets time pass tick by tick. Disks do their jobs at once unless ``held``.
Frames arrive at once and in order unless their link is cut. Everything is deterministic.

A test talks like this (``Bench.talk``); below each line stands what it leads to::

    a> SET k 1 | GET k        client a sends two commands in one write (it connects to node 1)
    +OK
    "1"
    b@2> GET k                client b connects to node 2 first
    "1"
    * crash 1                 calls ``Bench.crash(1)``
    a: closed                 what other clients than the one that spoke last get to see
"""

import difflib
import shlex
from collections import deque
from collections.abc import Callable
from textwrap import dedent

from tests.core.node.bench_disk import Disk
from trivet.core.base.disk import Channel, Sync
from trivet.core.base.limits import Limits
from trivet.core.cluster.map import Member
from trivet.core.group.run import Run
from trivet.core.node.config import NodeConfig
from trivet.core.node.effects import Effects
from trivet.core.node.node import Node
from trivet.core.raft.state import Role
from trivet.core.steward.settings import StewardSettings
from trivet.core.wire.reply import OK, Error, Reply

CLUSTER = "c0ffee"
START_WALL_MS = 1_700_000_000_000
SMALL = Limits(segment_bytes=64 * 1024)


class _Nobody:
    def run_done(self) -> None:
        pass


class Client:
    """One connection, as its client sees it."""

    def __init__(self, name: str, node: int, conn: int) -> None:
        self.name = name
        self.node = node
        self.conn = conn
        self.received = b""
        self.open = True
        self.paused = False
        self.unread: list[bytes] = []
        """Sent while the node does not read."""


class Server:
    """One node with its disk; ``node`` is None while it is down."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.disk = Disk()
        self.node: Node | None = None
        self.lives = 0
        self.dirty = False
        self.wall_skew_ms = 0
        self.log: list[str] = []
        self.end = ""
        """Why it stopped: "fatal …" or "finished"."""


class Bench:
    """A cluster of ``nodes`` nodes; ``leader`` is elected first (0: nobody). Nothing is planned unless asked for."""

    def __init__(
        self, nodes: int = 1, *, leader: int = 1, seed: int = 1, limits: Limits = SMALL, **settings
    ) -> None:
        settings = {"steward": StewardSettings(plans=False, lead_ms=0), **settings}
        self.mono_ms = 1_000
        self.wall_ms = START_WALL_MS
        self.seed = seed
        members = [
            Member(id=n, host=f"10.0.0.{n}", client_port=7000 + n, peer_port=17000 + n)
            for n in range(1, nodes + 1)
        ]
        self.configs = {
            m.id: NodeConfig(node=m.id, cluster=CLUSTER, members=members, limits=limits, **settings)
            for m in members
        }
        self.servers = {n: Server(n) for n in self.configs}
        self.clients: dict[str, Client] = {}
        self.links: dict[tuple[int, int], int] = {}
        """(from, to) -> the number of the link at ``to``; present while the link is up."""
        self.frames: deque[tuple[int, int, int, bytes]] = deque()
        self.cuts: dict[tuple[int, int], None] = {}
        self.lost: list[tuple[int, int]] = []
        """Frames that a cut has swallowed."""
        self.events: list[tuple[str, str]] = []
        self.effects: list[tuple[int, Effects]] = []
        self.on_send: Callable[[int, int, bytes], None] = lambda sender, to, frame: None
        """Sees every frame as it leaves."""
        self._number = 0
        for number in self.servers:
            self.start(number)
        self.settle()
        if leader:
            self.elect(leader)

    # -- nodes

    def node(self, number: int) -> Node:
        node = self.servers[number].node
        assert node is not None
        return node

    def start(self, number: int) -> None:
        """Boot from what the disk holds, and connect with everyone who is up."""
        server = self.servers[number]
        server.lives += 1
        seed = self.seed * 100 + number * 10 + server.lives
        server.node = Node(
            self.configs[number], server.disk, seed, self.mono_ms, self.wall_ms + server.wall_skew_ms
        )
        server.dirty = True
        server.end = ""
        self.connect_all()

    def crash(self, number: int, power: bool = True) -> None:
        """kill -9, or (``power``) worse. Its peers and clients see their connections close."""
        server = self.servers[number]
        if server.node is not None:
            for group in server.node.groups.values():
                group.scripts.abandon()
        server.node = None
        server.disk.stop(power)
        for other in self.servers:
            for pair in ((number, other), (other, number)):
                if pair in self.links:
                    self.hang_up(*pair)
        for client in self.clients.values():
            if client.node == number and client.open:
                client.open = False
                self._say(client, "closed")

    def elect(self, number: int) -> None:
        """Let time pass for ``number`` alone until it leads, then a little for all."""
        node = self.node(number)
        for _ in range(1000):
            if node.group.raft.role is Role.LEADER and node.group.raft.commit == node.group.raft.last_index:
                break
            self.wait(20, [number])
        assert node.group.raft.role is Role.LEADER, "no election"
        self.wait(200)

    def found(self) -> None:
        """Wait until the cluster is founded and every node that is up has said who it is."""
        self.until(self._is_founded)

    def _is_founded(self) -> bool:
        nodes = [server.node for server in self.servers.values() if server.node is not None]
        maps = [node.system.machine.cluster for node in nodes]
        return all(
            cluster is not None and all(cluster.nodes[node.config.node].birth for node in nodes)
            for cluster in maps
        )

    def leader(self) -> int:
        """Whom the nodes that are up agree on; 0 if they don't."""
        views = [s.node.group.raft.leader for s in self.servers.values() if s.node is not None]
        return views[0] if len(dict.fromkeys(views)) == 1 else 0

    # -- links

    def dial(self, dialer: int, to: int) -> None:
        self._number += 1
        self.links[(dialer, to)] = self._number
        self.node(to).on_link_accepted(self._number, f"10.0.0.{dialer}:5")
        self.node(dialer).on_peer_dialed(to)
        self.servers[to].dirty = self.servers[dialer].dirty = True

    def connect_all(self) -> None:
        """Everybody dials everybody who is up and whom nothing cuts off."""
        up = [server.number for server in self.servers.values() if server.node is not None]
        for pair in [(dialer, to) for dialer in up for to in up if dialer != to]:
            if pair not in self.links and pair not in self.cuts and pair[::-1] not in self.cuts:
                self.dial(*pair)

    def hang_up(self, dialer: int, to: int) -> None:
        """The connection ends; both ends that are alive hear of it."""
        link = self.links.pop((dialer, to))
        self.frames = deque(frame for frame in self.frames if frame[2] != link)
        for end, hear in (
            (dialer, lambda node: node.on_peer_lost(to)),
            (to, lambda node: node.on_link_closed(link)),
        ):
            if (node := self.servers[end].node) is not None:
                hear(node)
                self.servers[end].dirty = True

    def cut(self, *numbers: int) -> None:
        """Nothing gets through between ``numbers`` and the others; the connections stay up."""
        for sender in self.servers:
            for to in self.servers:
                if (sender in numbers) is not (to in numbers):
                    self.cuts[(sender, to)] = None

    def heal(self) -> None:
        """New connections in place of those that lost something, as TCP would have it."""
        self.cuts.clear()
        for pair in dict.fromkeys(self.lost):
            if pair in self.links:
                self.hang_up(*pair)
        self.lost = []
        self.connect_all()
        self.settle()

    # -- clients

    def connect(self, name: str, number: int = 1) -> Client:
        self._number += 1
        client = self.clients[name] = Client(name, number, self._number)
        self.node(number).on_client_connected(client.conn, f"127.0.0.1:{40_000 + client.conn}")
        self.servers[number].dirty = True
        return client

    def send(self, name: str, data: bytes) -> None:
        """Bytes of a client; what a paused client sends waits in its socket."""
        client = self.clients[name]
        if client.paused:
            client.unread.append(data)
        else:
            self.node(client.node).on_client_bytes(client.conn, data)
            self.servers[client.node].dirty = True

    def hang_up_client(self, name: str) -> None:
        client = self.clients[name]
        client.open = False
        self.node(client.node).on_client_closed(client.conn)
        self.servers[client.node].dirty = True

    def backlog(self, name: str, size_bytes: int) -> None:
        """So many bytes of replies are stuck in the client's socket."""
        client = self.clients[name]
        self.node(client.node).on_client_backlog(client.conn, size_bytes)
        self.servers[client.node].dirty = True

    # -- time

    def wait(self, ms: int, numbers: list[int] | None = None) -> None:
        """Let time pass, for some nodes only if need be."""
        left_ms = ms
        while left_ms > 0:
            step_ms = min(20, left_ms)
            left_ms -= step_ms
            self.mono_ms += step_ms
            self.wall_ms += step_ms
            self.connect_all()
            for server in self.servers.values():
                if server.node is not None and (numbers is None or server.number in numbers):
                    server.node.on_tick(self.mono_ms, self.wall_ms + server.wall_skew_ms)
                    server.dirty = True
            self.settle()

    def until(self, condition, ms_max: int = 10_000) -> int:
        """Wait until ``condition()``; how long it took in ms."""
        started_ms = self.mono_ms
        while not condition():
            assert self.mono_ms - started_ms < ms_max, "it does not come true"
            self.wait(20)
        return self.mono_ms - started_ms

    def settle(self) -> None:
        """Turns, jobs and frames until nothing is left to do."""
        for _ in range(100_000):
            if not (self._turns() or self._jobs() or self._deliver()):
                return
        raise AssertionError("it does not settle")

    def step(self) -> bool:
        """The least that can happen: one turn, else one job of a disk, else one frame. False: nothing to do."""
        for server in self.servers.values():
            if server.dirty and server.node is not None:
                return self._turns(server.number)
        for server in self.servers.values():
            if server.node is not None and self._job(server):
                return True
        return bool(self.frames) and self._deliver_next()

    def _turns(self, only: int = 0) -> bool:
        acted = False
        for server in self.servers.values():
            if server.dirty and server.node is not None and only in (0, server.number):
                server.dirty = False
                acted = True
                self._perform(server, server.node.turn(self.mono_ms, self.wall_ms + server.wall_skew_ms))
                if server.node is not None:
                    server.node.check_invariants()
        return acted

    def _jobs(self) -> bool:
        acted = False
        for server in self.servers.values():
            while server.node is not None and self._job(server):
                acted = True
        return acted

    def _job(self, server: Server) -> bool:
        assert server.node is not None
        report = server.disk.next_report()
        if report is None:
            return False
        token, reads, fault = report
        if fault is None:
            server.node.on_disk_done(token, reads)
        else:
            server.node.on_disk_failed(token, fault, f"simulated {fault.name.lower()}")
        server.dirty = True
        return True

    def _deliver(self) -> bool:
        if not self.frames:
            return False
        for _ in range(len(self.frames)):
            self._deliver_next()
        return True

    def step_frame_of(self, sender: int) -> None:
        """The first frame arrives if it is of ``sender``, else it goes to the end."""
        if self.frames[0][0] == sender:
            self._deliver_next()
        else:
            self.frames.rotate(-1)

    def _deliver_next(self) -> bool:
        sender, to, link, data = self.frames.popleft()
        node = self.servers[to].node
        if self.links.get((sender, to)) == link and node is not None:
            node.on_link_bytes(link, data)
            self.servers[to].dirty = True
        return True

    # -- effects

    def _perform(self, server: Server, effects: Effects) -> None:
        self.effects.append((server.number, effects))
        server.log.extend(text for _, text in effects.log)
        if effects.fatal:
            server.end = f"fatal {effects.fatal}"
            self.crash(server.number)
            return
        for job in effects.disk:
            server.disk.lanes[job.channel].append(job)
        for peer, data in effects.sends:
            pair = (server.number, peer)
            self.on_send(*pair, data)
            if pair in self.cuts:
                self.lost.append(pair)
            elif pair in self.links:
                self.frames.append((*pair, self.links[pair], data))
        self._perform_clients(effects)
        for link in effects.link_closes:
            for pair in [pair for pair, number in self.links.items() if number == link]:
                del self.links[pair]
                if (dialer := self.servers[pair[0]].node) is not None:
                    dialer.on_peer_lost(pair[1])
                    self.servers[pair[0]].dirty = True
        server.dirty = server.dirty or effects.again
        if effects.finished:
            server.end = "finished"
            self.crash(server.number, power=False)

    def _perform_clients(self, effects: Effects) -> None:
        by_conn = {client.conn: client for client in self.clients.values()}
        for conn, data in effects.replies:
            client = by_conn[conn]
            client.received += data
            self._show(client)
        for conns, word in ((effects.closes, "closed"), (effects.kills, "cut off")):
            for conn in conns:
                by_conn[conn].open = False
                self._say(by_conn[conn], word)
        for conn in effects.pauses:
            by_conn[conn].paused = True
        for conn in effects.resumes:
            client = by_conn[conn]
            client.paused = False
            unread, client.unread = client.unread, []
            for data in unread:
                self.send(client.name, data)

    def _say(self, client: Client, text: str) -> None:
        self.events.append((client.name, text))

    def _show(self, client: Client) -> None:
        position = 0
        while (found := decode(client.received, position)) is not None:
            text, position = found
            self._say(client, text)
        client.received = client.received[position:]

    # -- conversations

    def talk(self, script: str) -> None:
        """Play ``script`` and compare (see the module)."""
        wanted = [
            line for line in dedent(script).strip().splitlines() if line.strip() and not line.startswith("#")
        ]
        given: list[str] = []
        for line in wanted:
            name, arrow, rest = line.partition("> ")
            if line.startswith("* "):
                given += [line, *self.act(line[2:])]
            elif arrow and name.replace("@", "").isalnum():
                given += [line, *self.say(name, rest)]
        if given != wanted:
            raise AssertionError("\n".join(difflib.ndiff(wanted, given)))

    def say(self, name: str, line: str) -> list[str]:
        """``line`` from client ``name`` (``name@node``), and what comes of it."""
        name, _, number = name.partition("@")
        self.settle()
        self.events = []
        if name not in self.clients:
            self.connect(name, int(number or 1))
        self.send(name, encode(line))
        return self._outcome(name)

    def ask(self, name: str, line: str) -> str:
        """As ``say``, in one string."""
        return "\n".join(self.say(name, line))

    def answer(self, name: str, line: str) -> str:
        """The one reply to ``line``, however long it takes."""
        found = self.say(name, line)
        self.until(lambda: found or found.extend(text for who, text in self.events if who == name) or found)
        return found[0]

    def act(self, line: str) -> list[str]:
        words = line.split()
        method = getattr(self, words[0])
        method(*[int(word) if word.isdigit() else word for word in words[1:]])
        return self._outcome("")

    def _outcome(self, speaker: str) -> list[str]:
        self.settle()
        events, self.events = self.events, []
        return [(text if name == speaker else f"{name}: {text}").rstrip() for name, text in events]

    # -- shorter words for scripts

    def hold(self, number: int) -> None:
        """The log's disk of this node hangs from here on."""
        self.servers[number].disk.held[Channel.LOG] = True

    def release(self, number: int) -> None:
        self.servers[number].disk.held = {}

    def unsynced(self, number: int) -> None:
        """The next sync of this node fails."""
        self.servers[number].disk.fails = Sync

    def change_map(self, number: int, line: str) -> Reply:
        """``line`` is what follows ``MAP``, said by node ``number``; the reply, when it has come.

        Of a change that groups are asked for first it is how that ended.
        """
        run = Run(_Nobody(), True, patient=True)
        run.add((0, [b"MAP", *line.encode().split()]), len(line) + 32)
        self.node(number).system.write(run, self.mono_ms)
        self.servers[number].dirty = True
        self.settle()
        self.until(lambda: run.replies is not None)
        assert run.replies is not None
        reply = run.replies[0]
        if not isinstance(reply, list) or reply[0] != b"CLAIM":
            return reply
        token = reply[1]
        assert isinstance(token, int)
        self.until(lambda: token in self.node(number).front.cluster.settled)
        text = self.node(number).front.cluster.settled[token]
        return Error(text) if text else OK

    def stop(self, number: int) -> None:
        self.node(number).stop()
        self.servers[number].dirty = True


def encode(line: str) -> bytes:
    r"""``SET k 1 | GET k`` as a client sends it. Words as in a shell, with ``\x00`` and the like."""
    data = b""
    command: list[bytes] = []
    for word in [*shlex.split(line), "|"]:
        if word == "|":
            data += b"*%d\r\n" % len(command) + b"".join(b"$%d\r\n%b\r\n" % (len(a), a) for a in command)
            command = []
        else:
            command.append(word.encode().decode("unicode_escape").encode("latin-1"))
    return data


def decode(data: bytes, at: int) -> tuple[str, int] | None:
    """One reply as text and where it ends; None when it is not all there."""
    end = data.find(b"\r\n", at)
    if end < 0:
        return None
    kind, head, after = data[at : at + 1], data[at + 1 : end].decode("latin-1"), end + 2
    if kind in b"+-:,#_":
        return {b":": head, b",": head, b"_": "nil3", b"#": head}.get(kind, kind.decode() + head), after
    size = int(head)
    if kind in b"$=":
        if size < 0:
            return "nil", after
        if len(data) < after + size + 2:
            return None
        text = data[after : after + size].decode("latin-1").replace("\r", "\\r").replace("\n", "\\n")
        return ("=" if kind == b"=" else "") + '"' + text + '"', after + size + 2
    if size < 0:
        return "nil*", after
    items: list[str] = []
    for _ in range(size * (2 if kind == b"%" else 1)):
        found = decode(data, after)
        if found is None:
            return None
        items.append(found[0])
        after = found[1]
    if kind == b"%":
        return "{" + ", ".join(f"{k}: {v}" for k, v in zip(items[::2], items[1::2], strict=True)) + "}", after
    return {b"*": "[", b"~": "~[", b">": ">["}[kind] + " ".join(items) + "]", after
