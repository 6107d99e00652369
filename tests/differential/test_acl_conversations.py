"""Clients with rights and without, in conversation with a node and with redis-server: the same replies."""

import shlex
import socket
from collections.abc import Iterator

import pytest

from tests.core.node.bench import Bench, decode, encode
from tests.differential.harness import Oracle

pytestmark = pytest.mark.skipif(not Oracle.is_there(), reason="redis-server 7.0 is not installed")

CONVERSATIONS = {
    "rights": """
        root> ACL SETUSER bob on >pw ~k* %R~r %W~w +@all -@dangerous -select +select|0
        bob> AUTH bob pw | ACL WHOAMI | GET k1 | GET x | SET r 1 | GET r | SET w 1 | GET w | SET w 1 GET | APPEND w 1
        bob> KEYS * | SELECT 1 | SELECT 0 | CONFIG GET a | CLIENT KILL TYPE normal | CONFIG NOSUCH | CONFIG | NOSUCH
        bob> MGET k1 r x | COPY r w | COPY w r | RENAME k1 x | EXISTS w | EXISTS x | OBJECT ENCODING x | WATCH x
        bob> BLPOP x 1 | LMOVE k1 w LEFT LEFT | LMOVE w k1 LEFT LEFT | ZUNIONSTORE w 1 r | ZUNIONSTORE w 2 r x
    """,
    "transactions": """
        root> ACL SETUSER bob on nopass ~k +get +set +multi +exec +discard +watch
        bob> AUTH bob x | MULTI | SET k 1 | GET x | EXEC | GET k
        bob> MULTI | SET k 1 | DEL k | DISCARD | MULTI | SET k 2 | GET k
        root> ACL SETUSER bob -set
        bob> EXEC | GET k | MULTI | GET k
        root> ACL SETUSER bob resetkeys
        bob> EXEC | MULTI
        root> ACL SETUSER bob -exec ~k
        bob> GET k | EXEC | GET k | MULTI
        root> ACL SETUSER bob -@all
        bob> GET k | DISCARD | PING
    """,
    "logins": """
        a> AUTH x | AUTH default x | AUTH nosuch x | AUTH a b c | AUTH | HELLO 2 AUTH nosuch x | ACL WHOAMI
        a> ACL SETUSER bob on >one >two | ACL SETUSER off >one
        a> AUTH bob three | AUTH bob one | PING
        b> AUTH off one | AUTH bob two | RESET | PING
        b> ACL SETUSER default >secret
        b> PING | AUTH secret | AUTH default secret
        c> PING | GET k | AUTH bad | AUTH secret | PING
        d> HELLO 2 | HELLO 2 AUTH default bad | AUTH bob one | PING
        c> ACL SETUSER default nopass
        e> PING
        c> ACL SETUSER default off
        e> PING
        f> PING
        g> AUTH bob one | AUTH default x
    """,
    "names": """
        a> ACL SETUSER | ACL SETUSER u | ACL GETUSER u | ACL GETUSER nosuch | ACL USERS | ACL NOSUCH | ACL
        a> ACL SETUSER u on on off ~a ~a &b allkeys | ACL SETUSER u ~x | ACL SETUSER u +get|a +nosuch | ACL GETUSER u
        a> ACL DELUSER | ACL DELUSER default | ACL DELUSER u default | ACL DELUSER u u nosuch | ACL USERS
        a> ACL LOAD | ACL CAT nosuch | ACL GENPASS 0 | ACL GENPASS x | ACL LOG x | ACL LOG RESET | ACL LOG
        a> ACL DRYRUN nosuch get | ACL DRYRUN default get | ACL DRYRUN default nosuch | ACL DRYRUN default get k
        a> ACL CAT | ACL WHOAMI x | ACL USERS x | CLIENT KILL USER nosuch
    """,
    "closing": """
        root> ACL SETUSER bob on nopass +@all ~*
        bob> AUTH bob x | PING
        root> ACL SETUSER bob off
        bob> PING | ACL WHOAMI
        root> ACL DELUSER bob
    """,
}


class Remote:
    """Clients of redis-server, by name."""

    def __init__(self, oracle: Oracle) -> None:
        self._path = str(oracle.folder / "redis.sock")
        self._sockets: dict[str, socket.socket] = {}

    def say(self, name: str, line: str) -> list[str]:
        if name not in self._sockets:
            self._sockets[name] = socket.socket(socket.AF_UNIX)
            self._sockets[name].connect(self._path)
            self._sockets[name].settimeout(20)
        self._sockets[name].sendall(encode(line))
        count = shlex.split(line).count("|") + 1
        data, found = b"", []
        while len(found) < count:
            piece = self._sockets[name].recv(65536)
            assert piece, f"{name} was cut off"
            data += piece
            while (one := decode(data, 0)) is not None:
                found.append(one[0])
                data = data[one[1] :]
        return found

    def close(self) -> None:
        for one in self._sockets.values():
            one.close()


@pytest.fixture
def oracle() -> Iterator[Oracle]:
    server = Oracle()
    yield server
    server.close()


def sorted_words(reply: str) -> object:
    """Single commands of a description come in any order there."""
    return sorted(reply.replace('"', " ").split()) if "-@all" in reply else reply.rstrip()


@pytest.mark.parametrize("title", CONVERSATIONS)
@pytest.mark.parametrize("nodes", [1, 3])
def test_the_same_replies(oracle: Oracle, title: str, nodes: int) -> None:
    bench, remote = Bench(nodes), Remote(oracle)
    for number, line in enumerate(text.strip() for text in CONVERSATIONS[title].strip().splitlines()):
        name, _, request = line.partition("> ")
        if name not in bench.clients:
            bench.connect(name, 1 + number % nodes)
        ours = [reply for reply in bench.say(name, request) if ": " not in reply[:12] or reply[0] in '-"[']
        theirs = remote.say(name, request)
        assert [sorted_words(reply) for reply in ours] == [sorted_words(reply) for reply in theirs], line
    remote.close()
