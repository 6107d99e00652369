"""Scripts that run long on real nodes: others are served or told, the script is killed or stopped."""

import threading
from typing import Any

import pytest
import redis

from trivet.testing.real_cluster import RealCluster

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(300)]


class Caller:
    """A client in a thread of its own, in a call that takes long."""

    def __init__(self, client: redis.Redis, *words: Any) -> None:
        self.reply: Any = None
        self._client, self._words = client, words
        self._thread = threading.Thread(target=self._call)
        self._thread.start()

    def _call(self) -> None:
        try:
            self.reply = self._client.execute_command(*self._words)
        except redis.ResponseError as error:
            self.reply = str(error)

    def join(self) -> Any:
        """What it was told."""
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.reply


def told(client: redis.Redis, *words: Any) -> Any:
    """The reply or the text of the error."""
    try:
        return client.execute_command(*words)
    except redis.ResponseError as error:
        return str(error)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with RealCluster(tmp_path_factory.mktemp("scripts")) as started:
        first = started.client(started.leader())
        started.wait_until(lambda: first.set("k", 1), what="the first write")
        first.config_set("busy-reply-threshold", 200)
        yield started


def clients(cluster: RealCluster) -> tuple[redis.Redis, redis.Redis, redis.Redis]:
    """One at the leader, one at a follower, and another at the leader."""
    leader = cluster.leader()
    follower = cluster.others(leader)[0]
    return tuple(cluster.client(node, socket_timeout=60) for node in (leader, follower, leader))  # type: ignore[return-value]


def test_a_script_of_several_seconds_comes_to_its_end(cluster):
    at_leader, at_follower, _ = clients(cluster)
    script = "local s = 0 for i = 1, 60000000 do s = s + 1 end return redis.call('INCRBY', KEYS[1], s)"
    assert at_leader.eval(script, 1, "n") == 60_000_000
    cluster.wait_until(lambda: told(at_follower, "GET", "n") == b"60000000", what="the follower's copy")


@pytest.mark.parametrize("killer_leads", [True, False])
def test_others_are_told_and_it_is_killed_from_any_node(cluster, killer_leads):
    at_leader, at_follower, another = clients(cluster)
    killer = another if killer_leads else at_follower
    caller = Caller(at_follower if killer_leads else at_leader, "EVAL", "while true do end", 1, "k")
    cluster.wait_until(lambda: str(told(killer, "GET", "k")).startswith("BUSY"), what="BUSY")
    assert told(killer, "SET", "k", 2).startswith("BUSY")
    assert killer.ping()
    assert killer.execute_command("SCRIPT", "KILL") in (True, b"OK", "OK")
    assert caller.join() == "Script killed by user with SCRIPT KILL."
    cluster.wait_until(lambda: told(killer, "GET", "k") == b"1", what="a key that nobody has changed")
    assert told(killer, "SCRIPT", "KILL").startswith("NOTBUSY")


def test_one_that_has_written_is_stopped_by_time_and_all_replicas_agree_also_after_a_restart(cluster):
    at_leader, at_follower, _ = clients(cluster)
    at_leader.config_set("script-time-max", 700)
    caller = Caller(at_follower, "EVAL", "redis.call('SET', KEYS[1], 'half') while true do end", 1, "w")
    cluster.wait_until(lambda: str(told(at_leader, "GET", "w")).startswith("BUSY"), what="BUSY")
    assert told(at_leader, "SCRIPT", "KILL").startswith("UNKILLABLE")
    assert "ran for longer than 700 ms" in caller.join()
    for node in (1, 2, 3):
        cluster.kill(node)
    for node in (1, 2, 3):
        cluster.start(node)
    for node in (1, 2, 3):
        client = cluster.client(node, socket_timeout=60)
        cluster.wait_until(
            lambda client=client: told(client, "GET", "w") == b"half", 60, what="the log run again"
        )
    assert [node for node in (1, 2, 3) if "differs" in cluster.log(node)] == []


def test_a_function_that_runs_is_shown(cluster):
    at_leader, at_follower, _ = clients(cluster)
    at_leader.config_set("script-time-max", 30_000)
    code = "#!lua name=lib\nredis.register_function('loop', function() while true do end end)"
    at_leader.execute_command("FUNCTION", "LOAD", "REPLACE", code)
    caller = Caller(at_leader, "FCALL", "loop", 1, "k")

    def running() -> Any:
        stats = told(at_follower, "FUNCTION", "STATS")
        return stats if isinstance(stats, dict) and stats[b"running_script"] else None

    stats = cluster.wait_until(running, what="a function that runs")
    assert stats[b"running_script"][b"name"] == b"loop"
    at_follower.execute_command("FUNCTION", "KILL")
    assert "killed" in caller.join()
