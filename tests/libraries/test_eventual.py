"""Libraries on a database of mode ``eventual``: what docs/eventual.md says of them.

Celery keeps its queues in database 0, of mode ``raft``, and its results in the other. Where a program uses a second
node and looks there at once for what it has just written, both are the same node here; what is read elsewhere
is read with a deadline.
"""

import json
import urllib.request

import pytest

from bench.peers import free_ports
from tests.cluster.harness import HOST, wait_until
from tests.libraries.running import environment, node, play, python, tool
from tests.libraries.targets import database, results_elsewhere, urls

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("libraries")]

DB = 8
MODE = "eventual"


@pytest.fixture(scope="module")
def target(target):
    """The target, with such a database."""
    with database(target, DB, MODE):
        yield target


@pytest.fixture(scope="module")
def environ(target):
    """Of programs at one node."""
    first, *_ = urls(target, DB)
    return environment(first, first, TARGET_MODE=MODE)


@pytest.fixture(scope="module")
def worker(service, target):
    """Celery's, at the last node: all that a chord counts is counted there."""
    words = ["-A", "celery_app", "worker", "--loglevel=INFO", "--concurrency=2", "--hostname=one@localhost"]
    return service([*tool("celery"), *words], "ready.", **results_elsewhere(target, 3, DB))


@pytest.mark.parametrize(
    "part", ["results", "canvas", pytest.param("ignored_results", marks=pytest.mark.soak)]
)
@pytest.mark.parametrize("at", [1, pytest.param(3, marks=pytest.mark.soak)])
def test_celery_keeps_its_results_there(worker, target, at, part):
    """The client is at another node than the worker, and hears of results there; or at the same."""
    play([*python(), "celery_client.py", part], results_elsewhere(target, at, DB), f"fine {part}")


@pytest.mark.parametrize(
    ("backend", "part"),
    [
        ("django", "cache"),
        ("django", "sessions"),
        ("django_redis", "cache"),
        ("django_redis", "sessions"),
        ("django_redis", "extras"),
        ("django_redis", "refused"),
        *(pytest.param(b, "cache_async", marks=pytest.mark.soak) for b in ("django", "django_redis")),
    ],
)
def test_django(environ, backend, part):
    play([*python(), "django_site.py", part], {**environ, "DJANGO_CACHE": backend}, f"fine {part}")


@pytest.mark.parametrize("part", ["async", pytest.param("threads", marks=pytest.mark.soak)])
def test_socketio(target, part):
    """Two servers at two nodes."""
    first, _, last = urls(target, DB)
    play([*python(), "socketio_servers.py", part], environment(first, last), f"fine {part}")


@pytest.mark.soak
@pytest.mark.parametrize("part", ["pipelines", "pubsub", "types", "pipelines_async", "pubsub_async"])
def test_redis_py(environ, part):
    play([*python(own=True), "redis_py.py", part, "2", "3"], environ, f"fine {part}")


@pytest.mark.soak
@pytest.mark.parametrize("part", ["basics", "pipelines", "pubsub"])
def test_ioredis(environ, part):
    play([*node(), "js/ioredis.js", part], environ, f"fine {part}")


class Site:
    """A Django site at one node, and a browser that asks it on behalf of one session."""

    def __init__(self, service, url):
        (self.port,) = free_ports(1)
        self.service = service(
            [*python(), "django_site.py", "serve"],
            "serving",
            TARGET_URL=url,
            TARGET_LAST_URL=url,
            DJANGO_CACHE="django",
            SITE_PORT=str(self.port),
        )

    def ask(self, page, session=""):
        """How many visits the session has had, and its name if it is new."""
        request = urllib.request.Request(f"http://{HOST}:{self.port}/{page}")
        if session:
            request.add_header("Cookie", f"sessionid={session}")
        with urllib.request.urlopen(request, timeout=30) as answer:
            cookie = answer.headers.get("Set-Cookie") or ""
            return json.load(answer)["visits"], cookie.partition("sessionid=")[2].partition(";")[0]

    def sees(self, session):
        """How many visits there are, as this site knows."""
        return self.ask("look", session)[0]


def test_a_session_of_one_node_is_served_by_all_and_while_one_is_killed(service, target):
    sites = [Site(service, url) for url in urls(target, DB)]
    visits, session = sites[0].ask("visit")
    assert visits == 1 and session
    for site in sites:
        wait_until(lambda site=site: site.sees(session) == 1, "the session is seen at every node", 10.0)
    killed = 3
    before = target.kill(killed)
    living = sites[: killed - 1]
    served = 0

    def is_back():
        """Until another process serves, each living node answers whoever asks, and what one writes the other sees."""
        nonlocal served
        served += 1
        assert living[0].ask("visit", session)[0] == served + 1
        wait_until(lambda: living[1].sees(session) == served + 1, "the other living node sees it", 10.0)
        return target.cluster.pid(killed) not in (0, before) and target.cluster.info(killed)

    wait_until(is_back, "a new process")
    for site in sites:
        wait_until(lambda site=site: site.sees(session) == served + 1, "all see the same", 10.0)


EXTRA_WORKERS = {
    "jobs": (("arq", "should_not.WorkerSettings"), "Starting worker"),
    "chords": (
        ("celery", "-A", "celery_app", "worker", "--loglevel=INFO", "-c2", "--hostname=NODE@localhost"),
        "ready.",
    ),
}
"""What a part of `should_not.py` needs at each node, and what it prints when it is ready."""


def environ_at(target, at, db, part, **more):
    """Of what that part needs at a node; Celery has its queues in database 0 all the same."""
    if part == "chords":
        return results_elsewhere(target, at, db) | more
    nodes = urls(target, db)
    return environment(nodes[at - 1], nodes[-1], **more)


@pytest.mark.soak
@pytest.mark.parametrize("db", [DB, 0])
@pytest.mark.parametrize("part", ["locks", "limiter", "count", "jobs", "chords"])
def test_what_should_not_be_there(service, target, tmp_path, record_property, part, db):
    """Asked at two nodes at a time it goes wrong, and never in database 0, of mode ``raft``."""
    more = {"DJANGO_CACHE": "django_redis", "EXECUTIONS": str(tmp_path / "executions.jsonl")}
    workers = []
    try:
        for at in range(1, len(target.ports) + 1) if part in EXTRA_WORKERS else ():
            (name, *words), ready = EXTRA_WORKERS[part]
            words = [word.replace("NODE", f"node{at}") for word in words]
            workers.append(service([*tool(name), *words], ready, **environ_at(target, at, db, part, **more)))
        *_, said = play(
            [*python(), "should_not.py", part], environ_at(target, 1, db, part, **more), f"fine {part}"
        )
    finally:
        for worker in workers:
            worker.stop()
    print(f"{part}, database {db}: {said}")
    record_property("wrong", said)
    assert (int(said.split()[0]) > 0) == (db == DB)
