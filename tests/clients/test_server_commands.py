"""Client-side caching, settings, monitoring and memory with unmodified redis-py and redis-cli."""

import subprocess
import threading

import pytest
import redis
from redis.cache import CacheConfig
from redis.connection import CacheProxyConnection

from tests.cluster.harness import HOST, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]


def connect(cluster, node, **options):
    return redis.Redis(host=HOST, port=cluster.port(node), decode_responses=True, **options)


@pytest.fixture
def settings(cluster):
    """A client at node 1; what it has set is set back."""
    client = connect(cluster, 1)
    names = ("maxmemory", "maxmemory-policy", "slowlog-log-slower-than", "latency-monitor-threshold")
    before = {name: client.config_get(name)[name] for name in names}
    yield client
    for name, value in before.items():
        client.config_set(name, value)
    client.flushall()


def test_client_side_caching(cluster, monkeypatch):
    # redis-py asks for a server that calls itself 7.4; what it needs of one has been there since 6.0.
    monkeypatch.setattr(CacheProxyConnection, "MIN_ALLOWED_VERSION", "7.0.0")
    cached = connect(cluster, 2, protocol=3, cache_config=CacheConfig())
    writer = connect(cluster, 3)
    writer.set("cached", "1")
    wait_until(lambda: cached.get("cached") == "1", "the first value")
    cached.get("cached")
    assert cached.get_cache().size > 0
    tracking = connect(cluster, 2).info("stats")["tracking_total_keys"]
    assert tracking >= 1
    for number in range(2, 30):
        writer.set("cached", str(number))
        wait_until(lambda number=number: cached.get("cached") == str(number), "the change")
    writer.flushall()
    wait_until(lambda: cached.get("cached") is None, "the flush")
    writer.set("brief", "x", px=300)
    wait_until(lambda: cached.get("brief") == "x", "the brief value")
    wait_until(lambda: cached.get("brief") is None, "its end")


def test_a_setting_is_on_all_nodes(cluster, settings):
    settings.config_set("latency-monitor-threshold", 77)
    for node in (2, 3):
        client = connect(cluster, node)
        wait_until(
            lambda client=client: client.config_get("latency-*")["latency-monitor-threshold"] == "77",
            "the setting",
        )
    with pytest.raises(redis.ResponseError, match="can't set immutable config"):
        settings.config_set("databases", 3)
    assert settings.config_rewrite()
    assert settings.config_resetstat()


def test_memory_is_kept_to(cluster, settings):
    settings.config_set("maxmemory", "2mb")
    wait_until(lambda: refused(settings), "the limit")
    settings.config_set("maxmemory-policy", "allkeys-lru")
    wait_until(lambda: not refused(settings), "eviction")
    pipe = settings.pipeline(transaction=False)
    for number in range(5000):
        pipe.set(f"k{number}", "x" * 500)
    pipe.execute()

    def is_within():
        return settings.info("memory")["used_memory_dataset"] <= 2 << 20

    wait_until(is_within, "room")
    assert settings.info("stats")["evicted_keys"] > 1000

    def sizes():
        return [connect(cluster, node).dbsize() for node in (1, 2, 3)]

    # One node may count less than the leader, which goes on evicting: in the end all hold the same.
    wait_until(lambda: len(set(sizes())) == 1, "equal sizes")
    settings.set("newest", "x" * 500)
    assert settings.memory_usage("newest") > 500


def refused(client):
    """Whether the store is full: fill it a little more."""
    try:
        client.set(client.incr("counter"), "x" * 10_000)
    except redis.OutOfMemoryError:
        return True
    return False


def test_monitor(cluster):
    watched = connect(cluster, 1)
    seen = []
    with watched.monitor() as monitor:
        thread = threading.Thread(target=lambda: read_until(monitor, "set monitored", seen))
        thread.start()
        watched.set("monitored", "a b")
        thread.join(20)
    assert seen
    assert seen[-1]["command"] == "set monitored a b"
    assert seen[-1]["client_address"] == HOST


def read_until(monitor, start, seen):
    """Note what the monitor shows, up to a command that begins so."""
    while not seen or not seen[-1]["command"].startswith(start):
        seen.append(monitor.next_command())


def test_slow_commands(cluster, settings):
    settings.config_set("slowlog-log-slower-than", 0)
    wait_until(lambda: settings.set("slow", "1") and settings.slowlog_len() > 0, "an entry")
    entry = settings.slowlog_get(1)[0]
    assert entry["duration"] >= 0
    assert settings.slowlog_reset()


def test_clients(cluster):
    one = connect(cluster, 1, client_name="someone")
    other = connect(cluster, 1)
    one.ping()
    found = [entry for entry in other.client_list() if entry["name"] == "someone"]
    assert found
    assert found[0]["laddr"] == f"{HOST}:{cluster.port(1)}"
    assert found[0]["lib-name"].startswith("redis-py")
    assert other.client_kill_filter(_id=found[0]["id"]) == 1
    assert other.client_info()["user"] == "default"
    assert other.client_pause(50, all=False)
    assert other.set("paused", "1")
    assert other.client_unpause()


def test_info_as_libraries_read_it(cluster):
    told = connect(cluster, 2).info("everything")
    assert told["role"] == "master"
    assert told["maxmemory_policy"] == "noeviction"
    assert told["cmdstat_info"]["calls"] >= 1
    assert told["used_memory"] > 1 << 20
    memory = connect(cluster, 2).memory_stats()
    assert memory["total.allocated"] > 0


def test_redis_cli_memkeys(cluster, tool):
    connect(cluster, 1).set("some", "value")
    done = subprocess.run(
        [tool("redis-cli"), "-p", str(cluster.port(1)), "--memkeys"],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    assert "Biggest string found" in done.stdout
