"""CONFIG, CLIENT, SLOWLOG and their like against redis-server: the same words, the same reply."""

import shlex

import pytest

from tests.core.node.bench import Bench, encode
from tests.differential.harness import Args, Oracle, Tree, parse_reply

pytestmark = pytest.mark.skipif(not Oracle.is_there(), reason="redis-server 7.0 is not installed")

CONVERSATIONS = {
    "config, errors": """
        CONFIG SET foo 1
        CONFIG SET maxmemory abc
        CONFIG SET databases 3
        CONFIG SET daemonize yes
        CONFIG SET maxmemory 1 maxmemory 2
        CONFIG SET maxmemory-policy foo
        CONFIG SET maxmemory 1gb foo 2
        CONFIG SET timeout 10 maxmemory-policy foo foo 3
        CONFIG SET timeout -1
        CONFIG SET timeout abc
        CONFIG SET timeout 99999999999
        CONFIG SET maxmemory-samples 0
        CONFIG SET notify-keyspace-events Q
        CONFIG SET slowlog-max-len -1
        CONFIG SET slowlog-log-slower-than -2
        CONFIG SET client-output-buffer-limit "foo 0 0 0"
        CONFIG SET client-output-buffer-limit "normal 0 0"
        CONFIG SET proto-max-bulk-len 1000
        CONFIG SET maxmemory 10%
        CONFIG SET maxmemory -1
        CONFIG SET maxmemory 99kbb
        CONFIG SET maxclients 0
        CONFIG SET list-compress-depth -1
        CONFIG SET loglevel foo
        CONFIG SET lfu-log-factor -1
        CONFIG SET activedefrag maybe
        CONFIG SET
        CONFIG SET a
        CONFIG SET a b c
        CONFIG GET
        CONFIG FOO
        CONFIG RESETSTAT x
        CONFIG REWRITE x
    """,
    "config, values": """
        CONFIG SET maxmemory 100mb
        CONFIG GET maxmemory
        CONFIG SET maxmemory 1k
        CONFIG GET maxmemory
        CONFIG SET MAXMEMORY 2G
        CONFIG GET MAXMEMORY
        CONFIG SET maxmemory 9223372036854775808
        CONFIG GET maxmemory
        CONFIG SET maxmemory 0
        CONFIG SET notify-keyspace-events KEA
        CONFIG GET notify-keyspace-events
        CONFIG SET notify-keyspace-events Exg$
        CONFIG GET notify-keyspace-events
        CONFIG SET notify-keyspace-events ""
        CONFIG GET notify-keyspace-events
        CONFIG SET client-output-buffer-limit "normal 1mb 2mb 10 pubsub 1 2 3"
        CONFIG GET client-output-buffer-limit
        CONFIG SET lua-time-limit 3
        CONFIG GET busy-reply-threshold
        CONFIG SET hash-max-ziplist-entries 12
        CONFIG GET hash-max-listpack-entries
        CONFIG SET maxmemory-policy ALLKEYS-LRU maxmemory-samples 7
        CONFIG GET maxmemory-policy
        CONFIG GET maxmemory-samples
        CONFIG SET proto-max-bulk-len 2mb
        CONFIG GET proto-max-bulk-len
        CONFIG SET slowlog-log-slower-than -1
        CONFIG GET slowlog-log-slower-than
        CONFIG GET nosuch*
        CONFIG SET save ""
        CONFIG GET save
        CONFIG GET databases
        CONFIG RESETSTAT
    """,
    "client, errors": """
        CLIENT FOO
        CLIENT KILL
        CLIENT KILL ID x
        CLIENT KILL ID 0
        CLIENT KILL TYPE foo
        CLIENT KILL USER nosuch
        CLIENT KILL SKIPME maybe
        CLIENT KILL ID 1 x
        CLIENT KILL addr
        CLIENT KILL ID 99999
        CLIENT LIST TYPE foo
        CLIENT LIST ID
        CLIENT LIST ID x
        CLIENT LIST FOO
        CLIENT LIST TYPE replica
        CLIENT PAUSE x
        CLIENT PAUSE -1
        CLIENT PAUSE 10 foo
        CLIENT UNPAUSE x
        CLIENT UNPAUSE
        CLIENT UNBLOCK 99999
        CLIENT UNBLOCK x
        CLIENT UNBLOCK 1 foo
        CLIENT REPLY foo
        CLIENT REPLY ON
        CLIENT NO-EVICT foo
        CLIENT NO-EVICT ON
        CLIENT ID x
        CLIENT SETNAME
        CLIENT GETNAME
        CLIENT SETNAME "a b"
        CLIENT SETNAME me
        CLIENT GETNAME
    """,
    "client tracking": """
        CLIENT CACHING YES
        CLIENT CACHING FOO
        CLIENT GETREDIR
        CLIENT TRACKINGINFO
        CLIENT TRACKING foo
        CLIENT TRACKING on REDIRECT 99999
        CLIENT TRACKING on REDIRECT x
        CLIENT TRACKING on REDIRECT
        CLIENT TRACKING on OPTIN OPTOUT
        CLIENT TRACKING on PREFIX a
        CLIENT TRACKING on BCAST OPTIN
        CLIENT TRACKING on BCAST PREFIX foo PREFIX foobar
        CLIENT TRACKING on BCAST PREFIX a PREFIX a
        CLIENT TRACKING on
        CLIENT TRACKING on BCAST
        CLIENT CACHING yes
        CLIENT TRACKINGINFO
        CLIENT TRACKING off
        CLIENT TRACKING on OPTIN NOLOOP
        CLIENT CACHING no
        CLIENT CACHING yes
        CLIENT TRACKINGINFO
        CLIENT GETREDIR
        CLIENT TRACKING on OPTOUT
        CLIENT TRACKING off
        CLIENT TRACKING on OPTOUT
        CLIENT CACHING yes
        CLIENT CACHING no
        CLIENT TRACKINGINFO
        CLIENT TRACKING on BCAST PREFIX a
        CLIENT TRACKING off
        CLIENT TRACKING on BCAST PREFIX aa PREFIX b
        CLIENT TRACKING on BCAST PREFIX a
        CLIENT TRACKING on BCAST PREFIX c
        CLIENT TRACKING on
        CLIENT TRACKING off
        CLIENT TRACKING on BCAST
        CLIENT TRACKING on BCAST PREFIX a
        CLIENT TRACKING off
    """,
    "tools": """
        SLOWLOG
        SLOWLOG FOO
        SLOWLOG GET x
        SLOWLOG GET -2
        SLOWLOG RESET
        SLOWLOG RESET x
        LATENCY FOO
        LATENCY LATEST
        LATENCY LATEST x
        LATENCY HISTORY x
        LATENCY GRAPH x
        LATENCY RESET
        LATENCY RESET foo
        MEMORY FOO
        MEMORY USAGE nokey
        MEMORY USAGE a SAMPLES -1
        MEMORY USAGE a SAMPLES
        MEMORY USAGE a b
        MEMORY USAGE
        MEMORY PURGE
        BGSAVE foo
        MODULE LIST
        MODULE FOO
        MODULE LIST x
        REPLICAOF NO ONE
        SLAVEOF NO
        FAILOVER ABORT
        SHUTDOWN foo
        SHUTDOWN ABORT
        MONITOR x
        DEBUG
        WAIT 0 0
        OBJECT IDLETIME nokey
        OBJECT FREQ nokey
    """,
    "memory": """
        CONFIG SET maxmemory-policy noeviction
        SET a 1
        CONFIG SET maxmemory 1
        SET a 2
        GET a
        DEL nokey
        MULTI
        GET a
        SET a 3
        EXEC
        LPUSH l 1
        APPEND a x
        INCR n
        EXPIRE a 1000
        CONFIG SET maxmemory 0
        SET a 2
        CONFIG SET maxmemory 1 maxmemory-policy volatile-lru
        SET b 1
        CONFIG SET maxmemory 0 maxmemory-policy noeviction
        OBJECT FREQ b
    """,
}


def ours(bench: Bench, line: str) -> Tree:
    """The reply to one line; ticks pass until it is there."""
    bench.settle()
    bench.effects.clear()
    bench.send("a", encode(line))
    for _ in range(10):
        bench.settle()
        conn = bench.clients["a"].conn
        data = b"".join(data for _, effects in bench.effects for to, data in effects.replies if to == conn)
        if data:
            return parse_reply(data)
        bench.wait(20)
    raise AssertionError(line)


def request_of(line: str) -> Args:
    return [word.encode() for word in shlex.split(line)]


@pytest.mark.parametrize("name", list(CONVERSATIONS))
def test_the_same_words_the_same_reply(oracle: Oracle, name: str) -> None:
    bench = Bench()
    bench.connect("a")
    different = []
    for line in CONVERSATIONS[name].split("\n"):
        line = line.strip()
        if not line:
            continue
        mine = ours(bench, line)
        theirs = oracle.run_all(2, [request_of(line)])[0]
        if mine != theirs:
            different.append((line, mine, theirs))
    assert not different


@pytest.mark.parametrize("container", ["CONFIG", "CLIENT", "SLOWLOG", "LATENCY", "MEMORY", "MODULE"])
def test_help_names_what_redis_helps_with(oracle: Oracle, container: str) -> None:
    bench = Bench()
    bench.connect("a")
    theirs = [text.split()[0] for _, text in oracle.run_all(2, [[container.encode(), b"HELP"]])[0][1][1:]]
    mine = [text.split()[0] for _, text in ours(bench, f"{container} HELP")[1][1:]]
    missing = {word for word in theirs if word.isupper() and word.isalpha()} - set(mine)
    assert not {word for word in missing if word not in (b"LOAD", b"LOADEX", b"UNLOAD")}
