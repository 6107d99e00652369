"""A keyspace of mode ``primary`` upon real processes: what a failover loses is what the returned node tells of."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import redis

from tests.cluster.harness import HOST, wait_until
from tests.cluster.load import Client, Load, connect
from trivet.core.group.set_aside import read_file

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(600)]

DB = 7
UNREPLICATED = 500
"""Writes that the primary acknowledges while the others sleep."""


class PrimaryClient(Client):
    """Its keys are in the keyspace."""

    db = DB


def create(cluster):
    with redis.Redis(HOST, cluster.port(1)) as client:
        assert client.execute_command("KEYSPACE", "CREATE", DB, "MODE", "primary") == b"OK"


def primary_of(cluster, node):
    """As a node has it; 0: nobody."""
    try:
        with connect(cluster.port(node), timeout_s=5.0) as client:
            told = client.execute_command("KEYSPACE", "INFO", DB)
    except redis.RedisError:
        return 0
    facts = told if isinstance(told, dict) else dict(zip(told[::2], told[1::2], strict=True))
    (group,) = facts[b"groups"]
    group = group if isinstance(group, dict) else dict(zip(group[::2], group[1::2], strict=True))
    return group[b"leader"]


def set_aside(cluster, node):
    """The commands in a node's files."""
    found = []
    for path in sorted(Path(cluster.row(node)["directory"]).rglob("set-aside-*.msgpack")):
        _, rows = read_file(path.read_bytes())
        found += [tuple(call[1]) for row in rows for batch in row.batches for call in batch.calls]
    return found


def program(cluster, node):
    """What the program of docs/primary.md prints of a node's file, but for its first line."""
    page = (Path(__file__).parents[2] / "docs" / "primary.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    (path,) = Path(cluster.row(node)["directory"]).rglob("set-aside-*.msgpack")
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    head, *lines = done.stdout.splitlines()
    assert head.endswith(f" lost {len(lines)} calls")
    return lines


def missing(cluster, node, keys):
    with connect(cluster.port(node), db=DB) as client:
        return [key for key, value in zip(keys, client.mget(keys), strict=True) if value is None]


def test_what_is_lost_is_what_the_returned_primary_has_set_aside(make):
    cluster = make(restart=False)
    create(cluster)
    old = wait_until(lambda: primary_of(cluster, 1), "a primary")
    others = [node for node in cluster.nodes if node != old]
    with connect(cluster.port(old), db=DB) as client:
        kept = [f"kept:{number}" for number in range(50)]
        for key in kept:
            assert client.set(key, "1")
        assert client.wait(2, 5_000) == 2
        for node in others:
            cluster.pause(node)
        lost = [f"lost:{number}" for number in range(UNREPLICATED)]
        for key in lost:
            assert client.set(key, "1"), "it needs nobody"
        assert client.wait(1, 100) == 0
        cluster.kill(old)
    for node in others:
        cluster.resume(node)
    begun_s = time.monotonic()
    new = wait_until(
        lambda: primary_of(cluster, others[0]) in others and primary_of(cluster, others[0]), "failover"
    )
    print(f"another primary after {time.monotonic() - begun_s:.1f} s")
    assert missing(cluster, new, kept) == []
    gone = missing(cluster, new, lost)
    # What had left the primary before it died has reached the buffers of those that slept.
    assert gone
    assert gone == lost[-len(gone) :]
    with connect(cluster.port(others[0]), db=DB) as client:
        for _ in range(100):
            client.incr("after")
    assert cluster.stop() == 0
    again = make(port=cluster.ports[0])
    wait_until(lambda: set_aside(again, old), "what the old primary has set aside")
    told = set_aside(again, old)
    assert told == [(b"SET", key.encode(), b"1") for key in gone]
    wait_until(
        lambda: again.info(old, "cluster").get("trivet_primary_set_aside_calls") == str(len(gone)), "counted"
    )
    assert program(again, old) == [f"{DB} SET {key} 1" for key in gone]
    assert all(not set_aside(again, node) for node in others)
    for node in again.nodes:
        wait_until(lambda node=node: primary_of(again, node), "a primary")
        assert missing(again, node, kept) == []
        assert missing(again, node, lost) == gone
        with connect(again.port(node), db=DB) as client:
            assert client.get("after") == b"100"


def test_a_primary_that_is_killed_and_comes_back_at_once_has_lost_nothing(make):
    cluster = make()
    create(cluster)
    old = wait_until(lambda: primary_of(cluster, 1), "a primary")
    load = Load({node: (HOST, cluster.port(node)) for node in cluster.nodes}, 6, PrimaryClient).start()
    try:
        wait_until(lambda: load.acknowledged() > 200, "load under way")
        at_s = time.monotonic()
        before = cluster.kill(old)
        wait_until(lambda: cluster.pid(old) not in (0, before), "a new process", 30.0)
        seen = load.acknowledged()
        wait_until(lambda: load.acknowledged() > seen + 200, "writes go on")
        load.note_down(old, at_s, time.monotonic())
    finally:
        load.stop()
    for node in cluster.nodes:
        with connect(cluster.port(node), db=DB) as client:
            assert load.judge(client.mget) == []


def test_a_frozen_primary_is_replaced_under_load_and_tells_what_is_lost(make):
    """The old one wakes up and serves on until it hears of the new one: all of that is in its file."""
    cluster = make()
    create(cluster)
    old = wait_until(lambda: primary_of(cluster, 1), "a primary")
    others = [node for node in cluster.nodes if node != old]
    load = Load({node: (HOST, cluster.port(node)) for node in cluster.nodes}, 6, PrimaryClient).start()
    try:
        wait_until(lambda: load.acknowledged() > 200, "load under way")
        cluster.pause(old)
        wait_until(lambda: primary_of(cluster, others[0]) in others, "failover")
        seen = load.acknowledged()
        wait_until(lambda: load.acknowledged() > seen + 200, "writes go on")
        cluster.resume(old)
        seen = load.acknowledged()
        wait_until(lambda: load.acknowledged() > seen + 200, "writes go on")
    finally:
        load.stop()
    told = {call[1] for call in set_aside(cluster, old) if call[0] == b"SET"}
    sets = [key for client in load.clients for key, _ in client.sets]
    for node in cluster.nodes:
        gone = {key.encode() for key in missing(cluster, node, sets)}
        assert gone <= told, "lost, and nowhere to be found"
