"""redis-py in virtual time: the real client over a socket that is simulated.

Only the socket is ours: what redis-py sends and how it reads replies is its own code. A call lets
virtual time pass until its reply is there, or until ``socket_timeout`` virtual seconds have passed. Two
things differ from redis-py's defaults, so that a run depends on its seed only: nothing is retried unless
``retry`` is given (a retry may apply a command twice), and locks count their tokens and wait in virtual time.
"""

# ruff: noqa: D102, ANN401 (a socket's and a lock's methods are what their names say; types as redis-py has them)

import inspect
from typing import Any, Protocol

import redis
from redis._parsers import _RESP2Parser
from redis.connection import AbstractConnection, Connection, ConnectionPool
from redis.exceptions import LockNotOwnedError, WatchError
from redis.lock import Lock

from trivet.core.base.ids import NodeId
from trivet.core.base.prng import Prng
from trivet.lab.stage.conversation import Conversation
from trivet.lab.stage.tasks import Tasks

TIMEOUT_S = 5.0
"""Virtual seconds that a call waits for its reply, unless ``socket_timeout`` says otherwise."""

_FOREVER_US = 1 << 60


class Scene(Protocol):
    """What a client needs of its stage."""

    tasks: Tasks

    @property
    def now_ms(self) -> float: ...
    @property
    def nodes(self) -> list[NodeId]: ...
    def sleep(self, seconds: float) -> None: ...
    def conversation(self, client: int) -> Conversation: ...


class VirtualSocket:
    """The part of a socket that redis-py uses, over one simulated connection."""

    def __init__(self, stage: Scene, conversation: Conversation) -> None:
        self._stage = stage
        self._conversation = conversation
        self._arrived = b""
        self._timeout_s: float | None = None
        conversation.hear = self._hear

    def _hear(self, data: bytes) -> None:
        self._arrived += data

    def settimeout(self, seconds: float | None) -> None:
        self._timeout_s = seconds

    def sendall(self, data: bytes) -> None:
        if not self._conversation.open:
            raise BrokenPipeError("the node has closed the connection")
        self._conversation.write(bytes(data))

    def recv(self, size: int) -> bytes:
        conversation = self._conversation
        within_us = _FOREVER_US if self._timeout_s is None else int(self._timeout_s * 1e6)
        if within_us == 0 and not self._arrived and conversation.open:
            raise BlockingIOError(11, "nothing has arrived yet")
        if not self._stage.tasks.wait(lambda: self._arrived or not conversation.open, within_us):
            raise TimeoutError(f"no reply within {self._timeout_s} s of virtual time")
        data, self._arrived = self._arrived[:size], self._arrived[size:]
        return data

    def shutdown(self, how: int) -> None:
        self.close()

    def close(self) -> None:
        self._conversation.close()

    def getpeername(self) -> tuple[str, int]:
        return f"node-{self._conversation.node}", 7000 + self._conversation.node


class Port:
    """Where one client's connections lead: to one node, or to any, avoiding the one it had last."""

    def __init__(self, stage: Scene, node: NodeId | None, client: int, chance: Prng) -> None:
        self.stage = stage
        self.client = client
        self._only = node
        self._chance = chance
        self._last: NodeId = 0

    def open(self) -> VirtualSocket:
        """A new connection. Raises ConnectionRefusedError when nobody listens."""
        nodes = [self._only] if self._only is not None else self.stage.nodes
        self._chance.shuffle(nodes)
        conversation = self.stage.conversation(self.client)
        for node in sorted(nodes, key=lambda node: node == self._last):
            if conversation.connect(node):
                self._last = node
                return VirtualSocket(self.stage, conversation)
        raise ConnectionRefusedError(111, f"no process listens at {nodes}")

    def name(self) -> str:
        """For error messages."""
        return "any node" if self._only is None else f"node {self._only}"


class VirtualConnection(Connection):
    """redis-py's connection, with another way to get its socket."""

    def __init__(self, port: Port, **settings: Any) -> None:
        self._virtual_port = port
        super().__init__(host=port.name(), port=6379, **settings)  # type: ignore[no-untyped-call]

    def _connect(self) -> Any:
        sock = self._virtual_port.open()
        sock.settimeout(self.socket_timeout)
        return sock

    def repr_pieces(self) -> list[tuple[str, object]]:
        return [("virtual", self._virtual_port.name()), ("client", self._virtual_port.client)]


class VirtualLock(Lock):
    """redis-py's lock without its three differences from a simulated world: uuid, sleep and Lua.

    The scripts' work is done in ``WATCH … MULTI … EXEC``.
    """

    redis: "VirtualRedis"

    def register_scripts(self) -> None:
        pass

    def acquire(
        self,
        sleep: float | None = None,
        blocking: bool | None = None,
        blocking_timeout: float | None = None,
        token: Any = None,
    ) -> bool:
        stage = self.redis.stage
        token = self.redis.next_token() if token is None else self.redis.get_encoder().encode(token)
        blocking = self.blocking if blocking is None else blocking
        most_s = self.blocking_timeout if blocking_timeout is None else blocking_timeout
        pause_s = self.sleep if sleep is None else sleep
        stop_ms = float("inf") if most_s is None else stage.now_ms + most_s * 1000
        while not self.do_acquire(token):
            if not blocking or stage.now_ms + pause_s * 1000 > stop_ms:
                return False
            stage.sleep(pause_s)
        self.local.token = token
        return True

    def _if_owned(self, token: Any, *command: Any) -> None:
        """Run ``command`` in a transaction that only the holder of the lock gets through."""
        encoder = self.redis.get_encoder()
        with self.redis.pipeline() as pipe:
            pipe.watch(self.name)
            held = pipe.get(self.name)
            try:
                if held is None or encoder.encode(held) != encoder.encode(token):
                    raise WatchError
                pipe.multi()
                pipe.execute_command(*command)
                pipe.execute()
            except WatchError:
                raise LockNotOwnedError("the lock is no longer owned", lock_name=self.name) from None

    def do_release(self, expected_token: Any) -> None:
        self._if_owned(expected_token, "DEL", self.name)

    def do_extend(self, additional_time: float, replace_ttl: bool) -> Any:
        left_ms = 0 if replace_ttl else max(0, int(self.redis.pttl(self.name)))
        self._if_owned(self.local.token, "PEXPIRE", self.name, left_ms + int(additional_time * 1000))
        return True

    def do_reacquire(self) -> Any:
        assert self.timeout is not None
        self._if_owned(self.local.token, "PEXPIRE", self.name, int(self.timeout * 1000))
        return True


class VirtualRedis(redis.Redis):
    """``redis.Redis`` of one simulated client; ``number`` is its name in histories and pictures."""

    def __init__(self, pool: ConnectionPool, port: Port) -> None:
        super().__init__(connection_pool=pool)
        self.stage = port.stage
        self.number = port.client
        self._tokens = 0

    def next_token(self) -> bytes:
        """A lock token that no one else has."""
        self._tokens += 1
        return b"client-%d-lock-%d" % (self.number, self._tokens)

    def lock(self, name: Any, *arguments: Any, **settings: Any) -> Any:
        """redis-py's lock in virtual time."""
        settings.setdefault("lock_class", VirtualLock)
        return super().lock(name, *arguments, **settings)

    def pool(self) -> ConnectionPool:
        """Its connections."""
        pool: ConnectionPool = self.connection_pool
        return pool

    def close(self) -> None:
        """Close all connections."""
        self.pool().disconnect()


def make_client(
    stage: Scene, node: NodeId | None, number: int, chance: Prng, settings: dict[str, Any]
) -> VirtualRedis:
    """A client of ``node`` or, with None, of all nodes. ``settings`` are redis-py's for a connection."""
    port = Port(stage, node, number, chance)
    known = inspect.signature(AbstractConnection.__init__).parameters
    # What names redis-py's version would make digests depend on it.
    names = ("driver_info",) if "driver_info" in known else ("lib_name", "lib_version")
    silent: dict[str, Any] = dict.fromkeys(names)
    defaults: dict[str, Any] = {"socket_timeout": TIMEOUT_S, "protocol": 2, "parser_class": _RESP2Parser}
    pool = ConnectionPool(connection_class=VirtualConnection, port=port, **(defaults | silent | settings))
    return VirtualRedis(pool, port)
