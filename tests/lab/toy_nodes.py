"""A toy cluster for the lab's own tests: one primary, to which the others forward. No consensus, no lies.

Node 1 holds the data, logs every executed request, and answers when its log is synced. The others
forward requests over the peer links and send them again until they are answered; the primary remembers
each forwarder's answers, in its log too. Each ``flaw`` breaks it in one way that a judge must notice.
"""

import zlib
from collections.abc import Callable

import msgspec

from trivet.core.base.buggify import Buggify
from trivet.core.base.disk import Channel, DiskFault, DiskJob, Storage, Sync, Write
from trivet.core.base.prng import Prng
from trivet.core.node.effects import Effects
from trivet.core.raft.membership import NOBODY, Membership
from trivet.lab.judges.models import MODELS, NOT_AN_INTEGER
from trivet.lab.resp import Status
from trivet.lab.seam import NOTHING_STANDS, Hearing, NodeLike, RegisterHeldLike, RegistersLike, Standing
from trivet.lab.world.options import RunOptions

LOG = "log"


class Looks(msgspec.Struct, frozen=True):
    term: int
    role: str
    leader: int
    commit: int
    applied: int
    first_index: int
    last_index: int
    matches: tuple[tuple[int, int], ...] = ()
    incomplete: bool = False
    last_term: int = 0
    membership_index: int = 0
    membership: Membership = NOBODY
    suspect: bool = False
    losses: tuple[tuple[int, int, int], ...] = ()


def encode(value: object) -> bytes:
    if value is None:
        return b"$-1\r\n"
    if isinstance(value, int):
        return b":%d\r\n" % value
    if isinstance(value, bytes):
        return b"$%d\r\n%s\r\n" % (len(value), value)
    if isinstance(value, tuple):
        return b"*%d\r\n" % len(value) + b"".join(encode(item) for item in value)
    if value == NOT_AN_INTEGER:
        return b"-ERR value is not an integer or out of range\r\n"
    assert isinstance(value, Status)
    return b"+%s\r\n" % value.text.encode()


def split(buffer: bytes) -> tuple[list[list[bytes]], bytes]:
    """Complete requests, and the rest."""
    requests = []
    while buffer.startswith(b"*"):
        at = buffer.find(b"\r\n")
        if at < 0:
            break
        count, at = int(buffer[1:at]), at + 2
        words: list[bytes] = []
        while len(words) < count:
            end = buffer.find(b"\r\n", at)
            if end < 0:
                return requests, buffer
            size = int(buffer[at + 1 : end])
            if len(buffer) < end + 4 + size:
                return requests, buffer
            words.append(buffer[end + 2 : end + 2 + size])
            at = end + 4 + size
        requests.append(words)
        buffer = buffer[at:]
    return requests, buffer


class ToyNode:
    def __init__(
        self, node: int, storage: Storage, seed: int, flaw: str, life: int, shared: dict[str, int]
    ) -> None:
        self.node = node
        self.flaw = flaw
        self.data: dict[bytes, object] = {}
        self.answers: dict[tuple[int, int, int], bytes] = {}
        self.effects = Effects()
        self.conns: dict[int, bytes] = {}
        self.multi: dict[int, list[list[bytes]] | None] = {}
        self.order: dict[int, list[int]] = {}
        self.ready: dict[int, bytes] = {}
        self.ticket = 0
        self.life = life
        self.offset = 0
        self.token = 0
        self.applied = 0
        self.logged: list[int] = []
        self.waiting: dict[int, list[Callable[[], None]]] = {}
        self.open: dict[int, tuple[int, list[list[bytes]]]] = {}
        self.links: dict[int, bytes] = {}
        self.linked = False
        self.prng = Prng(seed)
        self.ticks = 0
        self.synced: dict[int, int] = {}
        self.shared = shared
        if node == 1 and LOG in storage.names():
            self.recover(storage.read(LOG, 0, storage.size_bytes(LOG)))

    # -- primary

    def recover(self, log: bytes) -> None:
        at = 0
        while at + 8 <= len(log):
            size, crc = (
                int.from_bytes(log[at : at + 4], "little"),
                int.from_bytes(log[at + 4 : at + 8], "little"),
            )
            body = log[at + 8 : at + 8 + size]
            if not size or len(body) < size or zlib.crc32(body) != crc:
                break
            key, commands = msgspec.msgpack.decode(body, type=tuple[tuple[int, int, int], list[list[bytes]]])
            self.execute(key, commands)
            self.logged.append(crc)
            at += 8 + size
        self.offset = at
        self.token += 1
        self.synced[self.token] = self.applied
        self.effects.disk.append(DiskJob(self.token, Channel.LOG, [Write(LOG, 0, log[:at]), Sync(LOG)]))

    def execute(self, key: tuple[int, int, int], commands: list[list[bytes]]) -> bytes:
        self.applied += 1
        replies = []
        for words in commands:
            name = words[0].upper()
            if name == b"SPOP":
                held = self.data.get(words[1])
                assert held is None or isinstance(held, tuple)
                after = held[1:] or None if held else None
                reply: object = held[0] if held else None
            else:
                after, reply = MODELS[name](self.data.get(words[1]), tuple(words))  # type: ignore[arg-type]
            if name == b"LRANGE" or isinstance(reply, tuple):
                flat = reply if isinstance(reply, tuple) else ()
                pairs = name in (b"HGETALL", b"ZRANGE", b"ZPOPMIN")
                reply = tuple(x for pair in flat for x in pair) if pairs else flat  # type: ignore[union-attr]
            self.data[words[1]] = after
            if after is None:
                del self.data[words[1]]
            replies.append(encode(reply))
        answer = replies[0]
        if len(key) == 3 and len(commands) > 1:
            answer = b"*%d\r\n" % len(replies) + b"".join(replies)
        self.answers[key] = answer
        return answer

    def serve(
        self, key: tuple[int, int, int], commands: list[list[bytes]], done: Callable[[bytes], None]
    ) -> None:
        if key in self.answers and self.flaw != "no-dedupe":
            answer = self.answers[key]
            self.waiting.setdefault(self.token, []).append(lambda: done(answer))
            if self.token not in self.waiting or self.token_done >= self.token:
                self.release(self.token)
            return
        answer = self.execute(key, commands)
        body = msgspec.msgpack.encode((key, commands))
        crc = zlib.crc32(body)
        self.logged.append(crc)
        data = len(body).to_bytes(4, "little") + crc.to_bytes(4, "little") + body
        self.token += 1
        operations = [Write(LOG, self.offset, data), Sync(LOG)]
        self.offset += len(data)
        self.synced[self.token] = self.applied
        self.effects.disk.append(DiskJob(self.token, Channel.LOG, operations))  # type: ignore[arg-type]
        if self.flaw == "early-reply":
            done(answer)
        else:
            self.waiting.setdefault(self.token, []).append(lambda: done(answer))

    token_done = 0

    def release(self, token: int) -> None:
        self.token_done = max(self.token_done, token)
        for action in self.waiting.pop(token, []):
            action()

    # -- clients, on any node

    def on_client_connected(self, conn: int, address: str) -> None:
        self.conns[conn] = b""
        self.multi[conn] = None
        self.order[conn] = []

    def on_client_closed(self, conn: int) -> None:
        self.conns.pop(conn, None)
        self.order.pop(conn, None)

    def on_client_bytes(self, conn: int, data: bytes) -> None:
        requests, self.conns[conn] = split(self.conns[conn] + data)
        for words in requests:
            name = words[0].upper()
            queue = self.multi[conn]
            if name in (b"HELLO", b"WATCH", b"UNWATCH"):
                self.answer(conn, self.take(conn), b"+OK\r\n")
            elif name == b"MULTI":
                self.multi[conn] = []
                self.answer(conn, self.take(conn), b"+OK\r\n")
            elif name == b"EXEC" and queue is not None:
                self.multi[conn] = None
                self.ask(conn, queue)
            elif queue is not None:
                queue.append(words)
                self.answer(conn, self.take(conn), b"+QUEUED\r\n")
            else:
                self.ask(conn, [words])

    def take(self, conn: int) -> int:
        self.ticket += 1
        self.order[conn].append(self.ticket)
        return self.ticket

    def ask(self, conn: int, commands: list[list[bytes]]) -> None:
        ticket = self.take(conn)
        key = (self.node, self.life, ticket)
        if self.node == 1:
            self.serve(key, commands, lambda answer: self.answer(conn, ticket, answer))
        elif self.flaw == "stale-local" and commands[0][0] == b"GET":
            self.answer(conn, ticket, encode(self.data.get(commands[0][1])))
        else:
            self.open[ticket] = (conn, commands)
            self.forward(ticket)

    def answer(self, conn: int, ticket: int, reply: bytes) -> None:
        self.ready[ticket] = reply
        order = self.order.get(conn)
        while order and order[0] in self.ready:
            self.effects.replies.append((conn, self.ready.pop(order.pop(0))))

    # -- peers: frames of a length and a body

    def frame(self, peer: int, body: object) -> None:
        data = msgspec.msgpack.encode(body)
        self.effects.sends.append((peer, len(data).to_bytes(4, "little") + data))

    def forward(self, ticket: int) -> None:
        if self.linked:
            self.frame(1, ("ask", self.node, self.life, ticket, self.open[ticket][1]))

    def on_peer_dialed(self, peer: int) -> None:
        self.frame(peer, ("hello", self.node, 0, 0, []))
        if peer == 1:
            self.linked = True

    def on_peer_lost(self, peer: int) -> None:
        if peer == 1:
            self.linked = False

    def on_link_accepted(self, link: int, address: str) -> None:
        self.links[link] = b""

    def on_link_closed(self, link: int) -> None:
        self.links.pop(link, None)

    def on_link_bytes(self, link: int, data: bytes) -> None:
        buffer = self.links[link] + data
        while len(buffer) >= 4 and len(buffer) >= 4 + int.from_bytes(buffer[:4], "little"):
            end = 4 + int.from_bytes(buffer[:4], "little")
            self.on_frame(*msgspec.msgpack.decode(buffer[4:end]))
            buffer = buffer[end:]
        self.links[link] = buffer

    def on_frame(self, kind: str, node: int, life: int, ticket: int, rest: object) -> None:
        if kind == "ask":
            commands = msgspec.convert(rest, list[list[bytes]])
            self.serve(
                (node, life, ticket), commands, lambda a: self.frame(node, ("answer", 1, life, ticket, a))
            )
        elif kind == "answer" and life == self.life and ticket in self.open:
            assert isinstance(rest, bytes)
            conn, _ = self.open.pop(ticket)
            self.answer(conn, ticket, rest)

    # -- the driver's other calls

    def on_disk_done(self, token: int, reads: list[bytes]) -> None:
        self.release(token)

    def on_disk_failed(self, token: int, fault: DiskFault, text: str) -> None:
        self.effects.fatal = text

    def on_tick(self, mono_ms: int, wall_ms: int) -> None:
        self.ticks += 1
        if self.ticks % 10 == 0:
            for ticket in self.open:
                self.forward(ticket)
        if self.flaw == "hang" and self.ticks > 50:
            self.effects = Effects()
        if self.flaw == "crash" and self.ticks == 60:
            raise AssertionError("a flaw")

    def stop(self) -> None:
        self.effects.finished = True

    def turn(self, mono_ms: int, wall_ms: int) -> Effects:
        done, self.effects = self.effects, Effects()
        return Effects() if self.flaw == "hang" and self.ticks > 50 else done

    def check_invariants(self, whole: bool) -> None:
        pass

    def group_numbers(self) -> list[int]:
        return [1]

    def turned(self) -> list[int]:
        return [1]

    def observe(self, group: int) -> Looks:
        if self.node != 1:
            both = self.flaw == "two-leaders" and self.ticks > 30
            applied = self.shared["applied"]
            return Looks(
                self.shared["term"], "leader" if both else "follower", 1, applied, applied, 1, applied
            )
        applied = self.shared["applied"] = max(self.shared["applied"], self.synced.get(self.token_done, 0))
        self.shared["term"] = self.life
        return Looks(self.life, "leader", 1, applied, applied, 1, applied)

    def log_entry(self, index: int, group: int) -> tuple[int, int] | None:
        known = self.node == 1 and 1 <= index <= self.synced.get(self.token_done, 0)
        return (1, self.logged[index - 1]) if known else None

    def register_numbers(self) -> list[int]:
        return []

    def registers(self, group: int) -> RegistersLike:
        raise KeyError(group)


class ToyNodes:
    tick_ms = 20
    calm_tick_ms = 100

    def __init__(self, options: RunOptions, flaw: str = "") -> None:
        self.flaw = flaw
        self.boots = 0
        self.shared = {"applied": 0, "term": 1}

    def boot(
        self, node: int, storage: Storage, seed: int, mono_ms: int, wall_ms: int, buggify: Buggify | None
    ) -> ToyNode:
        self.boots += 1
        return ToyNode(node, storage, seed, self.flaw, self.boots, self.shared)

    def digest(self, node: NodeLike, group: int, whole: bool) -> object:
        return 0

    def join(self, node: int, birth: int, known: list[int]) -> None:
        raise NotImplementedError

    def ended(self, node) -> None:
        pass

    def wiped(self, node: int) -> None:
        raise NotImplementedError

    def cluster(self, node: NodeLike) -> None:
        return None

    def stand(self, node: NodeLike, group: int) -> object:
        return None

    def served(self, node: NodeLike, group: int) -> bytes:
        return b""

    def coming(self, node: NodeLike, group: int) -> dict[int, int]:
        return {}

    def taught(self, node: NodeLike, group: int) -> bytes:
        return b""

    def set_aside_calls(self, node: NodeLike) -> int:
        return 0

    def remains(self, node: NodeLike, group: int) -> str:
        return ""

    def moving(self, node: NodeLike) -> list[tuple[str, bool, str]]:
        return []

    def standing(self, node: NodeLike, group: int) -> Standing:
        return NOTHING_STANDS

    def transacting(self, node: NodeLike) -> list[str]:
        return []

    def transacted(self, node: NodeLike) -> dict[str, int]:
        return {}

    def registers_held(self, node: NodeLike, group: int) -> dict[bytes, RegisterHeldLike]:
        return {}

    def registered(self, node: NodeLike) -> dict[str, int]:
        return {}

    def hearing(self, node: NodeLike) -> Hearing | None:
        return None

    def is_dropped(self, node: NodeLike, group: int) -> bool:
        return False

    def rot_spot(self, storage: Storage, draw: Callable[[int], int], what: str) -> tuple[str, int] | None:
        return None
