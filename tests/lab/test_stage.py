"""A cluster directed by hand: faults at the moments that are named, clients in virtual time, a verdict."""

import threading
import time

import pytest
import redis

from trivet.lab.history import Outcome
from trivet.lab.recording import Recorder
from trivet.lab.resp import OK
from trivet.lab.stage.judging import judgeable
from trivet.lab.stage.stage import Stage, StageError, StageTimeout, stage_options


@pytest.fixture
def stage():
    with Stage(seed=7) as made:
        yield made


def written(stage, node, key, value):
    assert stage.ask(node, "SET", key, value) == OK


def test_the_majority_goes_on_without_a_leader_that_is_cut_off(stage):
    old = stage.leader()
    written(stage, old, "x", "1")
    stage.partition([old])
    lost = stage.send(old, "SET", "x", "2")
    new = stage.leader()
    assert new != old
    written(stage, new, "x", "3")
    assert stage.ask(new, "GET", "x") == b"3"
    stage.heal()
    stage.run_until(lambda: lost.done)
    stage.run_until(lambda: stage.seen(old).leader == new)
    assert stage.ask(old, "GET", "x") == (b"2" if lost.outcome is Outcome.OK else b"3")
    assert stage.judge() == []


def test_a_killed_node_comes_back_with_what_it_acknowledged(stage):
    leader = stage.leader()
    written(stage, leader, "x", "1")
    for node in stage.nodes:
        stage.crash(node, power_cut=True)
    assert stage.seen(leader) is None
    stage.run_for(10)  # until the client's connection has heard of it
    refused = stage.send(leader, "GET", "x")
    assert refused.done and refused.outcome is Outcome.FAIL
    for node in stage.nodes:
        stage.start(node)
    assert stage.ask(stage.leader(), "GET", "x") == b"1"


def test_a_paused_node_answers_when_it_goes_on(stage):
    node = stage.leader()
    stage.pause(node)
    pending = stage.send(node, "GET", "x")
    stage.run_for(200)
    assert not pending.done
    stage.resume(node)
    stage.run_until(lambda: pending.done)


def test_one_way_walls_are_one_way(stage):
    leader = stage.leader()
    a, b = stage.others(leader)
    stage.block(leader, a)
    term = stage.seen(leader).term
    stage.run_until(lambda: stage.seen(a).role == "pre_candidate", 5_000)
    stage.unblock(leader, a)
    stage.run_until(lambda: stage.seen(a).leader == stage.leader(), 5_000)
    assert stage.seen(b).term == stage.seen(leader).term >= term
    with pytest.raises(StageError, match="not blocked"):
        stage.unblock(leader, a)


def test_what_does_not_come_true_in_time_says_how_the_cluster_stands(stage):
    stage.leader()
    stage.partition([1], [2], [3])
    with pytest.raises(StageTimeout, match=r"(?s)not within 3000 ms.*node 1: .*wall: "):
        stage.leader(within_ms=3_000)
    with pytest.raises(StageError, match="two sides"):
        stage.partition([1], [1, 2])
    with pytest.raises(StageError, match="no node 9"):
        stage.crash(9)


def scene(seed):
    """A run with everything in it; its digest and what happened."""
    seen = []
    with Stage(seed=seed) as stage:

        def work(number):
            client = stage.client()
            with client.lock("gate", timeout=5):
                seen.append((number, "in", stage.now_ms))
                stage.sleep(0.01)
                seen.append((number, "out", stage.now_ms))
            return client.incr("done")

        tasks = [stage.spawn(work, number) for number in range(3)]
        leader = stage.leader()
        stage.partition([leader])
        stage.leader()
        stage.heal()
        seen.append(stage.join(*tasks))
        seen.append(stage.judge())
        return stage.digest(), seen


def test_equal_seeds_give_equal_runs_and_others_others():
    first = scene(3)
    assert scene(3) == first
    assert scene(4)[0] != first[0]
    assert sorted(first[1][-2]) == [1, 2, 3]
    assert first[1][-1] == []


def test_a_lock_is_held_by_one_at_a_time():
    _, seen = scene(5)
    steps = seen[:-2]
    for entered, left in zip(steps[::2], steps[1::2], strict=True):
        assert (entered[0], entered[1], left[1]) == (left[0], "in", "out")


# -- redis-py


def test_redis_py_unmodified(stage):
    client = stage.client()
    assert client.set("a", 1, nx=True, px=500) is True
    assert client.set("a", 2, nx=True) is None
    assert client.set("a", 3, get=True) == b"1"
    assert client.get("a") == b"3"
    assert client.hset("h", mapping={"a": 1, "b": 2}) == 2
    assert client.hgetall("h") == {b"a": b"1", b"b": b"2"}
    assert client.zadd("z", {"m": 1.5, "n": 0.5}) == 2
    assert client.zrange("z", 0, -1, withscores=True) == [(b"n", 0.5), (b"m", 1.5)]
    assert client.rpush("l", "x", "y") == 2
    assert client.lmove("l", "k", "LEFT", "RIGHT") == b"x"
    assert client.sadd("s", "p", "q") == 2
    assert client.smembers("s") == {b"p", b"q"}
    assert client.execute_command("STRLEN", "a") == 1
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        client.incr("l")
    assert stage.client(decode_responses=True).get("a") == "3"


def test_transactions_and_watch(stage):
    client = stage.client()
    with client.pipeline() as pipe:
        assert pipe.incr("n").incr("n").execute() == [1, 2]
    with client.pipeline() as pipe:
        pipe.watch("n")
        stage.client().incr("n")
        pipe.multi()
        pipe.set("n", 100)
        with pytest.raises(redis.WatchError):
            pipe.execute()

    def seven(pipe):
        pipe.multi()
        pipe.set("n", 7)

    assert client.transaction(seven, "n") == [True]
    assert [o.outcome for o in stage.history if len(o.commands) == 2] == [Outcome.OK]
    assert [o.outcome for o in stage.history if o.commands[0][:2] == (b"SET", b"n")] == [
        Outcome.FAIL,
        Outcome.OK,
    ]
    assert stage.judge() == []


def test_time_passes_in_the_store_too(stage):
    client = stage.client()
    client.set("a", 1, px=1_000)
    stage.sleep(0.5)
    assert 400 < client.pttl("a") <= 500
    stage.sleep(0.6)
    assert client.get("a") is None
    assert stage.judge() == []


def test_errors_are_those_of_redis_py(stage):
    node = stage.leader()
    client = stage.client(node, socket_timeout=1)
    assert client.incr("n") == 1
    stage.pause(node)
    before_ms = stage.now_ms
    with pytest.raises(redis.TimeoutError):
        client.incr("n")
    assert 1_000 <= stage.now_ms - before_ms < 1_100
    stage.resume(node)
    stage.crash(node)
    stage.run_for(5)
    with pytest.raises(redis.ConnectionError):
        client.get("n")
    other = stage.client(stage.leader())
    assert other.get("n") in (b"1", b"2")
    assert [o.outcome for o in stage.history if o.commands[0][0] == b"INCRBY"] == [Outcome.OK, Outcome.INFO]
    assert stage.judge() == []


def test_a_client_of_all_nodes_goes_to_another_one(stage):
    stage.leader()
    client = stage.client()
    client.set("a", 1)
    node = stage.history[-1].node
    stage.crash(node)
    with pytest.raises(redis.ConnectionError):
        client.get("a")  # it has not heard yet that its connection is gone
    stage.leader()
    assert client.get("a") == b"1"
    assert stage.history[-1].node != node


def test_a_client_that_has_heard_of_a_crash_goes_to_another_node_at_once(stage):
    stage.leader()
    client = stage.client()
    client.set("a", 1)
    node = stage.history[-1].node
    stage.crash(node)
    stage.run_for(10)
    stage.leader()
    assert client.get("a") == b"1"
    assert stage.history[-1].node != node


def test_locks_expire_extend_and_are_released_only_by_their_holder(stage):
    first, second = stage.client(), stage.client()
    held = first.lock("L", timeout=0.5)
    assert held.acquire()
    assert second.lock("L", timeout=1).acquire(blocking=False) is False
    assert held.extend(1)
    assert second.lock("L", timeout=1).acquire(blocking_timeout=1) is False
    other = second.lock("L", timeout=1)
    assert other.acquire(blocking_timeout=1) is True
    with pytest.raises(redis.exceptions.LockNotOwnedError):
        held.release()
    assert other.reacquire()
    other.release()
    assert first.get("L") is None


# -- tasks


def test_a_paused_task_stands_still_while_time_passes(stage):
    seen = []

    def count():
        for number in range(10):
            stage.sleep(0.1)
            seen.append(number)

    task = stage.spawn(count)
    stage.run_for(350)
    task.pause()
    stage.run_for(1_000)
    assert len(seen) == 3
    task.resume()
    stage.join(task)
    assert len(seen) == 10


def test_a_failed_task_fails_its_joiner(stage):
    def fail():
        stage.sleep(0.1)
        raise ValueError("no")

    task = stage.spawn(fail)
    with pytest.raises(ValueError, match="no"):
        stage.join(task)
    stage.check_left_over()
    stage.spawn(fail, name="orphan")
    stage.run_for(200)
    with pytest.raises(StageError, match="task orphan failed, and nobody joined it"):
        stage.check_left_over()


def test_closing_ends_what_still_waits():
    before = threading.active_count()
    ended = []
    with Stage() as stage:

        def wait():
            try:
                stage.client().get("x")
                stage.sleep(1e6)
            finally:
                ended.append(True)

        stage.spawn(wait)
        stage.spawn(stage.sleep, 1e6)
        stage.run_for(1_000)
    assert ended == [True]
    assert threading.active_count() == before


def test_a_task_may_wait_for_conditions_that_ask_the_store(stage):
    def wait():
        client = stage.client()
        stage.run_until(lambda: client.get("flag") == b"up")
        return stage.now_ms

    task = stage.spawn(wait)
    stage.run_for(500)
    stage.client().set("flag", "up")
    raised_ms = stage.now_ms
    assert raised_ms - 5 < stage.join(task)[0] < raised_ms + 20


def test_a_test_that_never_ends_is_ended(stage):
    stage.limit_ms = 1_000
    client = stage.client()
    with pytest.raises(StageTimeout, match="limit_ms"):
        while client.get("x") is None:
            pass
    task = stage.spawn(stage.sleep, 1)
    with pytest.raises(StageTimeout):
        stage.join(task)


def test_python_s_clock_can_be_virtual(stage):
    def sleep():
        before_s, wall_s = time.monotonic(), time.time()
        time.sleep(50)
        return time.monotonic() - before_s, time.time() - wall_s

    real_s = time.monotonic
    elsewhere = []
    with stage.virtual_time():
        other = threading.Thread(target=lambda: elsewhere.append(time.monotonic()))
        other.start()
        other.join()
        task = stage.spawn(sleep)
        stage.join(task)
        assert task.result() == pytest.approx((50, 50), abs=0.01)
    assert time.monotonic is real_s
    assert abs(elsewhere[0] - time.monotonic()) < 600


# -- judging


def test_a_history_that_no_store_could_give_is_seen(stage):
    client = stage.client()
    client.set("x", "1")
    client.set("x", "2")
    assert client.get("x") == b"2"
    assert stage.judge() == []
    stage.history[-1].replies = (b"1",)
    (complaint,) = stage.judge()
    assert complaint.judge == "linearizability"


def test_the_equivalents_of_modelled_commands_are_judged_too(stage):
    client = stage.client()
    client.mset({"a": 1, "b": 2})
    client.execute_command("SETEX", "a", 1, "3")
    assert client.incr("n") == 1
    assert client.incr("n") == 2
    client.set("c", "4", ex=1)
    client.expire("b", 1)
    assert client.set("d", 1, nx=True) is True
    assert client.set("d", 2, nx=True) is None
    assert client.mget("a", "b", "c", "d") == [b"3", b"2", b"4", b"1"]
    stage.sleep(1.2)
    assert client.mget("a", "b", "c", "d") == [None, None, None, b"1"]
    assert len(judgeable(stage.history)) == len(stage.history)
    assert stage.judge() == []
    stage.history[-1].replies = ((b"3", None, None, b"1"),)
    assert [complaint.judge for complaint in stage.judge()] == ["linearizability"]


def test_keys_that_no_model_covers_are_left_alone(stage):
    client = stage.client()
    client.set("plain", "1")
    client.setrange("odd", 3, "x")
    client.get("odd")
    client.set("both", "1")
    with client.pipeline() as pipe:
        pipe.set("both", "2").setrange("odd", 3, "y").execute()
    client.set("mixed", "1")
    client.delete("mixed")
    client.rpush("mixed", "1")
    assert {o.keys for o in judgeable(stage.history)} == {(b"plain",)}
    assert stage.judge() == []
    client.flushall()
    assert judgeable(stage.history) == []


def test_the_recording_has_what_was_directed():
    with Stage(seed=2, recorder=Recorder("scene", 2)) as stage:
        leader = stage.leader()
        client = stage.client()
        client.set("x", "1")
        stage.say("director", "now it is cut off")
        stage.partition([leader])
        stage.run_for(100)
        stage.heal()
        stage.crash(leader)
        stage.run_for(10)
        recording = stage.recording()
    assert [saying.text for saying in recording.sayings] == ["now it is cut off"]
    assert len(recording.walls) == 1 and recording.walls[0].ended_us < recording.ended_us
    assert [operation.text for operation in recording.operations] == ["SET x 1"]
    assert any(point.kind == "crash" and point.lane == leader for point in recording.points)
    assert recording.messages
    with pytest.raises(StageError, match="nothing was recorded"):
        Stage().recording()


def test_options_can_bring_faults_back():
    options = stage_options(5, 3, drop_rate=0.05, duplicate_rate=0.1)
    with Stage(options=options) as stage:
        client = stage.client()
        for number in range(50):
            assert client.incr("n") == number + 1
        assert stage.cluster.network.dropped > 0
        assert stage.judge() == []
