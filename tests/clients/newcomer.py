"""What a new user of redis-py tries first, in order. Run as a script under any version of redis-py:

python newcomer.py PORT[,PORT...] sync|async PROTOCOL

Prints ``fine`` and the version at the end. Written so that redis-py 5 and 8 both run it.
"""

import asyncio
import sys

import redis
import redis.asyncio


def sync_tour(ports, protocol):
    first = redis.Redis(port=ports[0], protocol=protocol, decode_responses=True)
    last = redis.Redis.from_url(f"redis://127.0.0.1:{ports[-1]}/0", protocol=protocol, decode_responses=True)
    first.flushall()
    assert first.ping()
    assert first.set("foo", "bar")
    assert last.get("foo") == "bar"
    assert first.incr("n") == 1
    assert last.incrby("n", 41) == 42
    assert first.set("lock", "me", nx=True, px=60000)
    assert last.set("lock", "you", nx=True) is None
    assert 0 < last.pttl("lock") <= 60000
    assert first.hset("user", mapping={"name": "Ada", "age": "36"}) == 2
    assert last.hgetall("user") == {"name": "Ada", "age": "36"}
    assert first.rpush("jobs", "a", "b", "c") == 3
    assert last.lpop("jobs") == "a"
    assert last.lrange("jobs", 0, -1) == ["b", "c"]
    assert first.sadd("tags", "x", "y", "x") == 2
    assert last.smembers("tags") == {"x", "y"}
    assert first.zadd("board", {"ann": 3.5, "bob": 1}) == 2
    assert [tuple(pair) for pair in last.zrange("board", 0, -1, withscores=True)] == [
        ("bob", 1),
        ("ann", 3.5),
    ]
    with first.pipeline() as pipe:
        pipe.multi()
        pipe.incr("n").expire("n", 100).get("foo")
        assert pipe.execute() == [43, True, "bar"]
    with last.pipeline(transaction=False) as pipe:
        for i in range(200):
            pipe.set(f"k{i}", i)
        assert pipe.execute() == [True] * 200
    assert sorted(first.scan_iter("k*", count=50)) == sorted(f"k{i}" for i in range(200))
    assert last.mget("k1", "nope", "k2") == ["1", None, "2"]
    watched(first, last)
    assert first.delete("foo", "nope") == 1
    assert first.type("user") == "hash"
    try:
        first.lpush("user", "x")
    except redis.ResponseError as error:
        assert "WRONGTYPE" in str(error)
    else:
        raise AssertionError("no WRONGTYPE")
    assert first.info()["redis_version"] == "7.0.15"
    assert first.dbsize() == last.dbsize() > 200
    assert first.client_id() > 0


def watched(first, last):
    with first.pipeline() as pipe:
        pipe.watch("n")
        last.incr("n")
        pipe.multi()
        pipe.set("n", 0)
        try:
            pipe.execute()
        except redis.WatchError:
            return
        raise AssertionError("no WatchError")


async def async_tour(ports, protocol):
    clients = [redis.asyncio.Redis(port=port, protocol=protocol, decode_responses=True) for port in ports]
    first, last = clients[0], clients[-1]
    await first.flushall()
    await asyncio.gather(*(clients[i % len(clients)].incr("n") for i in range(150)))
    assert await last.get("n") == "150"
    async with first.pipeline(transaction=True) as pipe:
        assert await pipe.set("a", "1").append("a", "2").get("a").execute() == [True, 2, "12"]
    assert await last.get("a") == "12"
    assert [key async for key in first.scan_iter("a*")] == ["a"]
    for client in clients:
        await client.aclose()


if __name__ == "__main__":
    ports, kind, protocol = [int(port) for port in sys.argv[1].split(",")], sys.argv[2], int(sys.argv[3])
    if kind == "sync":
        sync_tour(ports, protocol)
    else:
        asyncio.run(async_tour(ports, protocol))
    print("fine", redis.__version__)
