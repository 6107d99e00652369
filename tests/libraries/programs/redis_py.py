"""redis-py as applications use it; runs under redis-py 5 and 8, RESP2 and RESP3: python redis_py.py PART PROTOCOL..."""

import threading
import time

import parts
import redis
import redis.asyncio as aioredis
from redis.exceptions import LockError, LockNotOwnedError, NoScriptError, WatchError


def connect(protocol, url=parts.URL):
    return redis.Redis.from_url(url, protocol=int(protocol), decode_responses=True)


def connect_async(protocol, url=parts.URL):
    return aioredis.Redis.from_url(url, protocol=int(protocol), decode_responses=True)


def later(work, seconds=0.1):
    timer = threading.Timer(seconds, work)
    timer.start()
    return timer


def part_lock(protocol):
    one, two = connect(protocol), connect(protocol, parts.LAST_URL)
    first = one.lock("lock:sync", timeout=30, thread_local=False)
    second = two.lock("lock:sync", timeout=30, blocking_timeout=60)
    assert first.acquire()
    assert not two.lock("lock:sync").acquire(blocking=False)
    assert first.extend(10)
    assert 30_000 < one.pttl("lock:sync") <= 40_000
    assert first.reacquire()
    assert one.pttl("lock:sync") <= 30_000
    later(first.release)
    assert second.acquire()
    assert second.owned()
    try:
        first.release()
        raise AssertionError("released what it does not hold")
    except LockError:
        pass
    one.set("lock:sync", "a thief")
    try:
        second.release()
        raise AssertionError("released what somebody else holds")
    except LockNotOwnedError:
        pass
    one.delete("lock:sync", "count")

    def count():
        mine = connect(protocol)
        for _ in range(10):
            with mine.lock("lock:count", timeout=10, sleep=0.002):
                mine.set("count", int(mine.get("count") or 0) + 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert two.get("count") == "40"


async def part_lock_async(protocol):
    one, two = connect_async(protocol), connect_async(protocol, parts.LAST_URL)
    async with one.lock("lock:async", timeout=10) as lock:
        assert await lock.owned()
        assert not await two.lock("lock:async").acquire(blocking=False)
        assert await lock.extend(5)
        assert await lock.reacquire()
    assert await two.exists("lock:async") == 0
    await one.aclose()
    await two.aclose()


def part_pipelines(protocol):
    one, two = connect(protocol), connect(protocol, parts.LAST_URL)
    one.delete("p:n", "p:list")
    with one.pipeline() as pipe:
        pipe.set("p:n", 1).incr("p:n").lpush("p:list", "a").execute_command("LPUSH", "p:n", "x")
        try:
            pipe.execute()
            raise AssertionError("no error")
        except redis.ResponseError as error:
            assert "WRONGTYPE" in str(error)
    assert two.get("p:n") == "2"
    with one.pipeline(transaction=False) as pipe:
        for _ in range(100):
            pipe.incr("p:n")
            pipe.get("p:n")
        assert pipe.execute()[-2:] == [102, "102"]
    with one.pipeline() as pipe:
        pipe.watch("p:n")
        two.incr("p:n")
        pipe.multi()
        pipe.set("p:n", "lost")
        try:
            pipe.execute()
            raise AssertionError("WATCH did not see the change")
        except WatchError:
            pass

    def add(client):
        def change(pipe):
            value = int(pipe.get("p:n"))
            pipe.multi()
            pipe.set("p:n", value + 1)

        for _ in range(20):
            client.transaction(change, "p:n")

    one.set("p:n", 0)
    threads = [threading.Thread(target=add, args=(client,)) for client in (one, two, one)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert one.get("p:n") == "60"


async def part_pipelines_async(protocol):
    one = connect_async(protocol)
    async with one.pipeline(transaction=True) as pipe:
        assert await pipe.set("pa", "1").incr("pa").get("pa").execute() == [True, 2, "2"]
    await one.aclose()


def next_message(pubsub, kinds=("message", "pmessage")):
    return parts.eventually(
        lambda: (m := pubsub.get_message(timeout=0.05)) and (m if m["type"] in kinds else None)
    )


def part_pubsub(protocol):
    one, two = connect(protocol), connect(protocol, parts.LAST_URL)
    listener = two.pubsub()
    listener.subscribe("news")
    listener.psubscribe("new?")
    assert next_message(listener, ("subscribe",))["channel"] == "news"
    assert next_message(listener, ("psubscribe",))["channel"] == "new?"
    one.publish("news", "hello")
    got = sorted((m["type"], m["data"]) for m in (next_message(listener), next_message(listener)))
    assert got == [("message", "hello"), ("pmessage", "hello")]
    assert two.pubsub_numsub("news") == [("news", 1)]
    assert "news" in two.pubsub_channels("n*")
    listener.unsubscribe("news")
    assert next_message(listener, ("unsubscribe",))["channel"] == "news"
    for number in range(200):
        one.publish("newt", number)
    assert [next_message(listener)["data"] for _ in range(200)] == [str(n) for n in range(200)]
    if protocol == "2":  # in RESP3 the answer is no message
        listener.ping("are you there")
        assert next_message(listener, ("pong",))["data"] == "are you there"
    listener.close()
    heard = []
    threaded = one.pubsub(ignore_subscribe_messages=True)
    threaded.subscribe(chat=lambda message: heard.append(message["data"]))
    thread = threaded.run_in_thread(sleep_time=0.01)
    parts.eventually(lambda: one.pubsub_numsub("chat") == [("chat", 1)])
    with two.pipeline() as pipe:
        pipe.incr("chatted").publish("chat", "in a transaction").execute()
    parts.eventually(lambda: heard == ["in a transaction"])
    thread.stop()
    thread.join(5)


async def part_pubsub_async(protocol):
    one, two = connect_async(protocol), connect_async(protocol, parts.LAST_URL)
    async with two.pubsub(ignore_subscribe_messages=True) as listener:
        await listener.subscribe("anews")
        await parts.eventually_async(lambda: numsub(two, "anews"))
        await one.publish("anews", "hi")

        async def message():
            return await listener.get_message(ignore_subscribe_messages=True, timeout=0.1)

        assert (await parts.eventually_async(message))["data"] == "hi"
    await one.aclose()
    await two.aclose()


async def numsub(client, channel):
    return (await client.pubsub_numsub(channel))[0][1]


def part_keyspace_events(protocol):
    one = connect(protocol)
    before = one.config_get("notify-keyspace-events")["notify-keyspace-events"]
    one.config_set("notify-keyspace-events", "KEA")
    listener = one.pubsub()
    listener.psubscribe("__keyevent@0__:*")
    assert next_message(listener, ("psubscribe",))
    one.set("event", "1", px=30)
    got = [(m["channel"].split(":")[1], m["data"]) for m in (next_message(listener) for _ in range(3))]
    assert got == [("set", "event"), ("expire", "event"), ("expired", "event")]
    listener.close()
    one.config_set("notify-keyspace-events", before)


def part_scripts(protocol):
    one, two = connect(protocol), connect(protocol, parts.LAST_URL)
    add = one.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])")
    one.delete("s:n")
    assert add(keys=["s:n"], args=[5]) == 5
    assert add(keys=["s:n"], args=[2], client=two) == 7
    with one.pipeline() as pipe:
        add(keys=["s:n"], args=[1], client=pipe)
        pipe.get("s:n")
        assert pipe.execute() == [8, "8"]
    assert two.script_exists(add.sha, "0" * 40) == [True, False]
    one.script_flush()
    try:
        two.evalsha(add.sha, 1, "s:n", 1)
        raise AssertionError("the script is still there")
    except NoScriptError:
        pass
    assert add(keys=["s:n"], args=[1]) == 9
    table = "return {1, 'two', {3, false}, redis.status_reply('FINE'), cjson.decode('[7]')[1]}"
    assert one.eval(table, 0) == [1, "two", [3, None], "FINE", 7]
    try:
        one.eval("return redis.call('LPUSH', KEYS[1], 'x')", 1, "s:n")
        raise AssertionError("no error")
    except redis.ResponseError as error:
        assert "WRONGTYPE" in str(error)
    assert one.eval("return redis.pcall('NOSUCH')['err'] ~= nil and 1 or 0", 0) == 1
    code = "#!lua name=mylib\nredis.register_function('twice', function(keys, args) return args[1] * 2 end)"
    assert one.function_load(code, replace=True) == "mylib"
    assert two.fcall("twice", 0, 21) == 42
    one.function_delete("mylib")


async def part_scripts_async(protocol):
    one = connect_async(protocol)
    await one.delete("sa")
    script = one.register_script("return redis.call('INCR', KEYS[1])")
    assert [await script(keys=["sa"]) for _ in range(3)] == [1, 2, 3]
    await one.aclose()


def part_streams(protocol):
    one, two = connect(protocol), connect(protocol, parts.LAST_URL)
    one.delete("st")
    first = one.xadd("st", {"n": "1"})
    one.xadd("st", {"n": "2"}, maxlen=100)
    assert [fields["n"] for _, fields in two.xrange("st")] == ["1", "2"]
    assert two.xlen("st") == 2
    assert two.xinfo_stream("st")["length"] == 2
    one.xgroup_create("st", "g", id="0")
    got = entries(two.xreadgroup("g", "alice", {"st": ">"}, count=1))
    assert got == [(first, {"n": "1"})]
    assert one.xpending("st", "g")["pending"] == 1
    assert one.xack("st", "g", first) == 1
    (second,) = entries(two.xreadgroup("g", "alice", {"st": ">"}))
    claimed = one.xautoclaim("st", "g", "bob", min_idle_time=0)
    assert claimed[1] == [second]
    assert one.xpending_range("st", "g", "-", "+", 10)[0]["consumer"] == "bob"
    later(lambda: connect(protocol).xadd("st", {"n": "3"}))
    (third,) = entries(two.xreadgroup("g", "alice", {"st": ">"}, block=10_000))
    assert third[1] == {"n": "3"}
    later(lambda: connect(protocol).xadd("st", {"n": "4"}))
    ((_, fields),) = entries(one.xread({"st": "$"}, block=10_000))
    assert fields == {"n": "4"}
    assert not one.xread({"st": "$"}, block=20)
    assert one.xtrim("st", maxlen=1, approximate=False) == 3
    assert {g["name"]: g["pending"] for g in one.xinfo_groups("st")} == {"g": 2}
    assert {c["name"] for c in one.xinfo_consumers("st", "g")} == {"alice", "bob"}


def entries(reply):
    """The entries of the only stream in a reply of XREAD: a list in RESP2, a dictionary in RESP3."""
    if isinstance(reply, dict):
        ((found,),) = reply.values()
    else:
        ((_, found),) = reply
    return [(identity, fields) for identity, fields in found]


async def part_streams_async(protocol):
    one = connect_async(protocol)
    await one.delete("sta")
    await one.xadd("sta", {"k": "v"})
    await one.xgroup_create("sta", "g", id="0")
    (entry,) = entries(await one.xreadgroup("g", "c", {"sta": ">"}, block=1000))
    assert entry[1] == {"k": "v"}
    assert await one.xack("sta", "g", entry[0]) == 1
    await one.aclose()


def part_blocking(protocol):
    one, two = connect(protocol), connect(protocol, parts.LAST_URL)
    one.delete("b:1", "b:2", "b:z")
    start_s = time.monotonic()
    assert one.blpop(["b:1", "b:2"], timeout=0.1) is None
    assert 0.09 < time.monotonic() - start_s < 20
    later(lambda: connect(protocol).rpush("b:2", "x"))
    assert list(two.blpop(["b:1", "b:2"], timeout=60)) == ["b:2", "x"]
    later(lambda: connect(protocol).rpush("b:1", "y"))
    assert two.blmove("b:1", "b:2", 60, "LEFT", "RIGHT") == "y"
    assert list(one.brpop("b:2", timeout=60)) == ["b:2", "y"]
    later(lambda: connect(protocol).zadd("b:z", {"m": 2.5}))
    assert list(two.bzpopmin("b:z", timeout=60)) == ["b:z", "m", 2.5]
    later(lambda: connect(protocol).lpush("b:1", "1", "2", "3"))
    assert list(two.blmpop(60, 2, "b:2", "b:1", direction="LEFT", count=2)) == ["b:1", ["3", "2"]]
    taken = []

    def take():
        mine = connect(protocol)
        while (got := mine.brpop("b:jobs", timeout=60))[1] != "stop":
            taken.append(got[1])

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(200):
        (one, two)[number % 2].lpush("b:jobs", number)
    one.lpush("b:jobs", *["stop"] * 4)
    for thread in threads:
        thread.join()
    assert sorted(taken, key=int) == [str(n) for n in range(200)]


async def part_blocking_async(protocol):
    one, two = connect_async(protocol), connect_async(protocol, parts.LAST_URL)
    await one.delete("ba")
    assert await one.blpop("ba", timeout=0.05) is None
    await two.rpush("ba", "v")
    assert list(await one.blpop("ba", timeout=60)) == ["ba", "v"]
    await one.aclose()
    await two.aclose()


def part_types(protocol):
    one, two = connect(protocol), connect(protocol, parts.LAST_URL)
    for key in one.scan_iter("t:*"):
        one.delete(key)
    one.setbit("t:bits", 7, 1)
    assert two.bitcount("t:bits") == 1
    assert one.bitfield("t:bits").incrby("u8", 0, 1).execute() == [2]
    one.pfadd("t:hll", *range(1000))
    assert abs(two.pfcount("t:hll") - 1000) < 30
    one.geoadd("t:geo", (13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"))
    assert two.geosearch("t:geo", longitude=15, latitude=37, radius=200, unit="km", sort="ASC") == [
        "Catania",
        "Palermo",
    ]
    assert abs(one.geodist("t:geo", "Palermo", "Catania", "km") - 166.27) < 0.1
    one.rpush("t:sort", 3, 1, 2)
    assert one.sort("t:sort", desc=True) == ["3", "2", "1"]
    data = redis.Redis.from_url(parts.URL).dump("t:sort")
    assert two.restore("t:copy", 0, data) in (True, "OK")
    assert two.lrange("t:copy", 0, -1) == ["3", "1", "2"]
    assert sorted(two.scan_iter("t:*", count=2)) == sorted(one.keys("t:*"))
    assert one.object("encoding", "t:sort")
    assert one.client_setname("tourist")
    assert one.client_getname() == "tourist"
    assert any(row["name"] == "tourist" for row in one.client_list())
    assert one.memory_usage("t:bits") > 0
    assert one.info("server")["redis_version"].startswith("7.0")


if __name__ == "__main__":
    parts.main(globals())
