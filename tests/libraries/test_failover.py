"""Job queues under kill -9: every job whose sending was acknowledged runs, and none runs twice by the broker's doing.

How it is judged, from a file that no broker has a part in (programs/executions.py):

- A job is *sent* when its sending was acknowledged. One whose sending failed (the producer's own node died) may or may not
  be in the queue; it is not sent again, and may run once or not at all.
- A job that a library hands out again on purpose says so in its message: Celery's transport marks what it restores after a lost
  connection as `redelivered`. Those runs are the library's. RQ and huey repeat nothing here. All other runs are first
  deliveries, and of those a job may have one.
- A worker takes a job with a command that removes it (BRPOP). If the node that the worker is connected to is killed after
  the removal is committed and before the answer has left, nobody has the job: no broker can know what a dead socket
  delivered, and Redis cannot either. It can be one job for each connection that takes jobs at the killed node, and only one
  whose turn was at that moment: so many may be missing, and no other. Workers at other nodes lose nothing.
  RQ moves a job to a second list instead (BLMOVE) and so has it still: it is counted as kept, and must run when requeued.
- huey asks the server whether a task was revoked between taking it and running it. When that question fails, it drops the task
  and says so in its log, by the task's id: that is no loss of the broker's, which had delivered it.
- A worker that ends because its node is away (RQ's does) is started again, as whoever runs it in earnest would do.
"""

import json
import re
import time
from collections import Counter

import pytest
import redis

from tests.cluster.harness import wait_until
from tests.libraries.running import Service, environment, python, tool
from tests.libraries.targets import RedisTarget, open_target, urls

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("libraries"), pytest.mark.timeout(600)]

IDLE_S = 3.0
RESTART_S = 1.0
TURN_S = 0.5
"""How far from a kill a job's turn can have been: pauses of an election are longer, but then nobody takes."""


class Celery:
    """One worker process: one connection that waits for jobs, and children that run them."""

    takers = 1
    waits_s = 200.0  # the transport looks for what was not acknowledged every 100 s
    program = "failover_celery.py"
    drops = ""
    ready = "ready."

    def worker(self, number, _url):
        words = [
            "-A",
            "failover_celery",
            "worker",
            "--loglevel=INFO",
            "--concurrency=2",
            f"--hostname=w{number}@localhost",
        ]
        return [*tool("celery"), *words]

    def held(self, client):
        """Jobs that the broker still has: waiting, and delivered but not acknowledged."""
        return client.llen("celery") + client.hlen("unacked")

    def requeue(self, _client, _missing):
        """The transport does that by itself."""


class Rq:
    """One worker process, and a child for each job."""

    takers = 0  # it keeps what it takes in a second list
    waits_s = 60.0
    program = "failover_rq.py"
    drops = ""
    ready = "Listening on"

    def worker(self, _number, url):
        return [*tool("rq"), "worker", "--url", url]

    def held(self, client):
        return client.llen("rq:queue:default")

    def requeue(self, client, missing):
        """What RQ's maintenance and `rq requeue` do with jobs whose worker lost its connection, minutes later."""
        for job in missing:
            name = f"job-{job}"
            assert client.exists(f"rq:job:{name}"), f"job {job} is nowhere"
            client.lrem("rq:queue:default:intermediate", 0, name)
            client.rpush("rq:queue:default", name)


class Huey:
    """One consumer of two threads, each with a connection."""

    takers = 2
    waits_s = 60.0
    program = "failover_huey.py"
    drops = r"Unhandled error during execution of task (\S+?)\.\s"
    ready = "The following commands are available"

    def worker(self, _number, _url):
        return [*tool("huey_consumer"), "failover_huey.huey", "--workers", "2"]

    def held(self, client):
        return client.llen("huey.redis.failover")

    def requeue(self, _client, _missing):
        """Nothing is left to put back."""


LIBRARIES = {"celery": Celery(), "rq": Rq(), "huey": Huey()}


class Run:
    """Workers at some nodes, a producer at another, and what they wrote down."""

    def __init__(self, library, directory, target):
        self.library, self.directory, self.target = library, directory, target
        self.file = directory / "executions.jsonl"
        self.services = []
        self.workers = []
        self.restarts = 0
        self.kills = []

    def start(self, words, node):
        """Start a program that is connected to one node."""
        url = urls(self.target)[node - 1]
        log = self.directory / f"service-{len(self.services)}.log"
        self.services.append(Service(words, environment(url, url, EXECUTIONS=str(self.file)), log))
        return self.services[-1]

    def start_worker(self, number, node):
        """Start a worker; it is started again when it ends."""
        words = self.library.worker(number, urls(self.target)[node - 1])
        self.workers.append([words, node, self.start(words, node).wait_for(self.library.ready), 0.0])

    def wait(self, condition, what, seconds):
        """Wait, and tend the workers meanwhile."""

        def tend():
            now_s = time.monotonic()
            for row in self.workers:
                words, node, service, started_s = row
                if service.process.poll() is not None and now_s > started_s + RESTART_S:
                    row[2:] = self.start(words, node), now_s
                    self.restarts += 1
            return condition()

        return wait_until(tend, what, seconds)

    def lines(self, what):
        """The lines of one kind."""
        if not self.file.exists():
            return []
        return [line for line in map(json.loads, self.file.read_text().splitlines()) if line["what"] == what]

    def jobs(self, what):
        """The jobs that have a line of this kind."""
        return {line["job"] for line in self.lines(what)}

    def missing(self):
        """Sent, and neither run nor dropped by the library."""
        return self.jobs("sent") - self.jobs("ran") - self.dropped()

    def dropped(self):
        """Jobs that the library says it was given and gave up on, without running them."""
        if not self.library.drops:
            return set()
        said = "".join(service.log.read_text(errors="replace") for service in self.services)
        identities = set(re.findall(self.library.drops, said))
        return {line["job"] for line in self.lines("sent") if line["id"] in identities} - self.jobs("ran")

    def client(self):
        """A client of some living node."""
        return redis.Redis(port=self.target.ports[-1], retry=None)

    def settle(self):
        """Wait until everything has run, or nothing is left in the broker and nothing has happened for a while."""
        seen = [-1, 0.0]

        def settled():
            if not self.missing():
                return True
            count, now_s = len(self.lines("ran")), time.monotonic()
            with self.client() as client:
                if count != seen[0] or self.library.held(client):
                    seen[:] = count, now_s
            return now_s - seen[1] > IDLE_S

        self.wait(settled, "the jobs run", self.library.waits_s)

    def stop(self):
        for service in reversed(self.services):
            service.stop()


def play(library, directory, target, jobs, workers_at, producer_at, kills):
    """Send jobs, kill the nodes ``kills`` in turn while they run, judge; returns what is to be reported."""
    run = Run(library, directory, target)
    try:
        for number, node in enumerate(workers_at):
            run.start_worker(number, node)
        producer = run.start([*python(), library.program, str(jobs)], producer_at)
        for turn, node in enumerate(kills, 1):
            due = jobs * turn // (len(kills) + 1)
            run.wait(lambda due=due: len(run.jobs("ran")) >= due, f"{due} jobs have run", 180)
            run.kills.append((node, time.time()))
            target.wait_back(node, target.kill(node))
        run.wait(lambda: producer.process.poll() is not None, "the producer is done", 180)
        run.settle()
        kept = run.missing()
        if kept:
            with run.client() as client:
                library.requeue(client, kept)
            run.settle()
    finally:
        run.stop()
    return judge(run, jobs, {node: library.takers * workers_at.count(node) for node in kills})


def judge(run, jobs, takers_at):
    sent, unsure, runs = run.jobs("sent"), run.jobs("unsure"), run.lines("ran")
    assert sent | unsure == set(range(jobs))
    assert run.jobs("ran") <= sent | unsure
    first = Counter(line["job"] for line in runs if not line["again"])
    twice = {job: count for job, count in first.items() if count > 1}
    assert not twice, f"delivered twice: {twice}"
    missing = run.missing()
    excused = judge_missing(missing, runs, run.kills, takers_at)
    assert excused == missing, f"lost: {sorted(missing - excused)}; kills: {run.kills}"
    return {
        "sent": len(sent),
        "unsure": len(unsure),
        "ran": len(run.jobs("ran")),
        "again": sum(line["again"] for line in runs),
        "restarts": run.restarts,
        "gone": len(missing),
        "dropped": len(run.dropped()),
    }


def judge_missing(missing, runs, kills, takers_at):
    """Those of the missing jobs that can have been on their way to a taker of a killed node at the moment of the kill."""
    at_s = {line["job"]: line["at_s"] for line in runs}
    excused = set()
    for node, kill_s in kills:
        near = (job for job in sorted(missing - excused) if turn_of(job, at_s, kill_s))
        excused.update(job for job, _ in zip(near, range(takers_at[node]), strict=False))
    return excused


def turn_of(job, at_s, kill_s):
    """Whether its turn was when a node was killed: a job before it ran before that, and one after it not long before."""
    before = [at_s[other] for other in sorted(at_s) if other < job][-5:]
    after = [at_s[other] for other in sorted(at_s) if other > job][:5]
    return bool(before and after) and min(before) < kill_s + TURN_S and max(after) > kill_s - TURN_S


@pytest.fixture
def own_target(tmp_path):
    target = open_target(tmp_path)
    yield target
    target.stop()


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_leader_is_killed(own_target, tmp_path, name):
    """Workers and producer at the nodes that live on see nothing of it: everything runs once."""
    if isinstance(own_target, RedisTarget):
        pytest.skip("a single server has no other nodes")
    leader = own_target.cluster.wait_leader()
    one, other = (node for node in own_target.cluster.nodes if node != leader)
    report = play(LIBRARIES[name], tmp_path, own_target, 60, [one, other], one, [leader])
    assert report == {"sent": 60, "unsure": 0, "ran": 60, "again": 0, "restarts": 0, "gone": 0, "dropped": 0}


@pytest.mark.soak
@pytest.mark.parametrize("where", ["one", "spread"])
@pytest.mark.parametrize("name", LIBRARIES)
def test_every_node_is_killed_in_turn(own_target, tmp_path, record_property, name, where):
    """500 jobs; workers and producer all at one node, or workers at every node and the producer at the last."""
    nodes = list(range(1, len(own_target.ports) + 1))
    workers_at = nodes if where == "spread" else [1, 1]
    report = play(
        LIBRARIES[name], tmp_path, own_target, 500, workers_at, nodes[-1 if where == "spread" else 0], nodes
    )
    print(f"{name}, {where}: {report}")
    record_property("report", report)
