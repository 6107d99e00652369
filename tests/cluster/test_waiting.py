"""Consumers that wait (BLPOP), and nodes that die: no job goes to a consumer that is not there."""

import threading

import pytest
import redis

from tests.cluster.harness import HOST, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster"), pytest.mark.timeout(240)]


class Consumer:
    """Waits for jobs at one node, in a thread, until its connection breaks."""

    def __init__(self, port: int, key: str) -> None:
        self.jobs: list[bytes] = []
        self.broken = False
        self._client = redis.Redis(HOST, port, socket_timeout=60, retry=None)
        self._key = key
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            while True:
                found = self._client.blpop(self._key, timeout=0)
                if found[1] == b"stop":
                    return
                self.jobs.append(found[1])
        except redis.RedisError:
            self.broken = True


def waiting_at(cluster, node: int) -> int:
    """How many clients of the node wait."""
    return int(cluster.info(node).get("blocked_clients", 0))


@pytest.mark.parametrize("victim_leads", [False, True])
def test_a_node_dies_with_its_consumers(make, victim_leads):
    cluster = make()
    cluster.wait_whole()
    leader = cluster.wait_leader()
    followers = [node for node in cluster.nodes if node != leader]
    victim, survivor, producer = (leader, *followers) if victim_leads else (*followers, leader)
    doomed = [Consumer(cluster.port(victim), "jobs") for _ in range(3)]
    wait_until(lambda: waiting_at(cluster, victim) == 3, "consumers wait")
    living = Consumer(cluster.port(survivor), "jobs")
    wait_until(lambda: waiting_at(cluster, survivor) == 1, "one more waits")
    jobs = [b"job %d" % number for number in range(50)]
    with redis.Redis(HOST, cluster.port(producer), socket_timeout=60) as client:
        cluster.kill(victim)
        for job in jobs:
            client.rpush("jobs", job)
        wait_until(lambda: len(living.jobs) == len(jobs), "every job arrives")
        assert sorted(living.jobs) == sorted(jobs)  # what was meant for a dead one comes a little later
        client.rpush("jobs", "stop")
        living.thread.join(60)
    assert not living.broken
    wait_until(lambda: all(consumer.broken for consumer in doomed), "the others hear of it")
    assert [consumer.jobs for consumer in doomed] == [[], [], []]


def test_a_paused_node_keeps_no_jobs(make):
    """Its consumers' connections stay up: what they were to get goes to others, and later comes to them."""
    cluster = make()
    cluster.wait_whole()
    leader = cluster.wait_leader()
    paused, other = (node for node in cluster.nodes if node != leader)
    one = Consumer(cluster.port(paused), "jobs")
    wait_until(lambda: waiting_at(cluster, paused) == 1, "a consumer waits")
    two = Consumer(cluster.port(other), "jobs")
    wait_until(lambda: waiting_at(cluster, other) == 1, "another waits")
    with redis.Redis(HOST, cluster.port(leader), socket_timeout=60) as client:
        cluster.pause(paused)
        jobs = [b"job %d" % number for number in range(20)]
        for job in jobs:
            client.rpush("jobs", job)
        wait_until(lambda: sorted(two.jobs) == sorted(jobs), "every job arrives")
        wait_until(
            lambda: waiting_at(cluster, other) == 1, "the other waits again, before the paused one does"
        )
        cluster.resume(paused)
        client.rpush("jobs", "stop")
        two.thread.join(60)
        assert not two.thread.is_alive()
        wait_until(lambda: waiting_at(cluster, paused) == 1, "the other waits again")
        client.rpush("jobs", "later", "stop")
        one.thread.join(60)
    assert one.jobs == [b"later"] and not one.broken
