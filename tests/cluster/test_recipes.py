"""The programs of docs/paxos.md, as they stand there, upon the nodes of a cluster."""

import re
import threading
import time
from pathlib import Path

import pytest
import redis

from tests.cluster.harness import HOST, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]
PAGE = Path(__file__).parents[2] / "docs" / "paxos.md"
DB = 7


def programs():
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def page():
    """What the page defines; its first program opens a connection, and is run apart."""
    names = {"redis": redis}
    for program in programs()[1:]:
        exec(compile(program, PAGE.name, "exec"), names)
    return names


@pytest.fixture(scope="module")
def cluster(shared):
    with redis.Redis(HOST, shared.port(1)) as client:
        client.execute_command("KEYSPACE", "CREATE", DB, "MODE", "paxos", "REPLICAS", 3)
    return shared


@pytest.fixture
def clients(cluster):
    """One per node."""
    made = [redis.Redis(HOST, cluster.port(node), DB, socket_timeout=20.0) for node in cluster.nodes]
    made[0].flushdb()
    yield made
    for client in made:
        client.close()


def together(jobs):
    """Run all of them at once, and give what they returned."""
    found = [None] * len(jobs)

    def run(place, job):
        found[place] = job()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60.0)
    assert not any(thread.is_alive() for thread in threads)
    return found


def test_the_lock_of_redis_py(cluster, clients):
    program = programs()[0].replace("port=7001", f"port={cluster.port(2)}")
    exec(compile(program, PAGE.name, "exec"), {})
    assert not clients[0].exists("nightly-report")
    inside, most = [], []

    def work(client):
        for _ in range(8):
            with client.lock("shared", timeout=30, sleep=0.005, blocking_timeout=30):
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    together([lambda client=client: work(client) for client in clients])
    assert max(most) == 1
    assert len(most) == 8 * len(clients)


def test_fencing_tokens_rise_with_every_owner(page, clients):
    tokens = []

    def own(client, me):
        for _ in range(6):
            wait_until(lambda: take(client, me), "the lock", 30.0)
            assert page["unlock"](client, "fenced", me)

    def take(client, me):
        token = page["lock_with_fence"](client, "fenced", me, 30_000)
        if token is not None:
            tokens.append(token)
        return token is not None

    together([lambda client=client, me=f"w{n}": own(client, me) for n, client in enumerate(clients)])
    assert len(tokens) == 6 * len(clients)
    assert tokens == sorted(set(tokens))
    assert not page["unlock"](clients[0], "fenced", "nobody")


def test_one_candidate_leads_and_another_after_it(page, clients):
    candidates = [
        page["Candidate"](client, "leader", f"c{number}", 600) for number, client in enumerate(clients)
    ]
    wait_until(lambda: any(one.turn() for one in candidates), "somebody leads")
    for _ in range(10):
        assert sum(one.turn() for one in candidates) == 1
    first = next(one for one in candidates if one.turn())
    others = [one for one in candidates if one is not first]
    wait_until(lambda: any([one.turn() for one in others]), "another one leads", 10.0)
    assert time.monotonic() >= first.leads_until


def test_a_limit_is_exact_over_all_nodes(page, clients):
    def ask(client):
        return sum(page["allowed"](client, "alice", 20, 60_000) for _ in range(15))

    assert sum(together([lambda client=client: ask(client) for client in clients])) == 20


def test_fields_are_added_up_to_the_limit(page, clients):
    def add(client, me):
        return sum(page["add_to_config"](client, "config", f"{me}:{n}", n, most=12) for n in range(8))

    found = together([lambda client=client, me=n: add(client, me) for n, client in enumerate(clients)])
    assert sum(found) == 12
    assert clients[0].hlen("config") == 12
