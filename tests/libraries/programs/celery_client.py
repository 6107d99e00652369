"""What a Celery application asks of its broker and result back-end; a worker runs beside it."""

import datetime
import gc

import parts
from celery import chain, chord, group
from celery.exceptions import TaskRevokedError
from celery_app import add, app, fail, nap, note, progress, third_time_lucky, total
from kombu import Connection, Consumer, Exchange, Producer, Queue

SECONDS = 60


def part_results():
    results = [add.delay(n, n) for n in range(100)]
    assert [result.get(timeout=SECONDS) for result in results] == [2 * n for n in range(100)]
    failed = fail.delay()
    try:
        failed.get(timeout=SECONDS)
        raise AssertionError("no error")
    except ValueError as error:
        assert str(error) == "on purpose"
    assert failed.state == "FAILURE"
    assert "on purpose" in failed.traceback
    results[0].forget()
    assert app.AsyncResult(results[1].id).result == 2
    app.backend.client.delete("celery:seen")
    going = progress.delay()
    parts.eventually(lambda: going.state == "PROGRESS" and going.info == {"done": 50})
    app.backend.client.set("celery:seen", 1)
    assert going.get(timeout=SECONDS) == "done"


def part_retries():
    assert third_time_lucky.delay().get(timeout=SECONDS) == 2


def part_canvas():
    assert chain(add.s(1, 2), add.s(3), add.s(4))().get(timeout=SECONDS) == 10
    assert group(add.s(n, 1) for n in range(20))().get(timeout=SECONDS) == list(range(1, 21))
    assert chord((add.s(n, n) for n in range(20)), total.s())().get(timeout=SECONDS) == 380
    nested = chain(group(add.s(1, 1), chain(add.s(2, 2), add.s(1))), total.s(), add.s(100))
    assert nested().get(timeout=SECONDS) == 107
    assert chord([group(add.s(1, 1), add.s(2, 2)), add.s(3, 3)], total.s())().get(timeout=SECONDS) == 12
    broken = chord([add.s(1, 1), fail.s()], total.s())()
    try:
        broken.get(timeout=SECONDS)
        raise AssertionError("no error")
    except Exception as error:
        assert "on purpose" in str(error), error
    assert add.starmap([(1, 2), (3, 4)]).apply_async().get(timeout=SECONDS) == [3, 7]
    assert add.chunks(zip(range(10), range(10), strict=True), 5)().get(timeout=SECONDS) == [
        [0, 2, 4, 6, 8],
        [10, 12, 14, 16, 18],
    ]


def part_time():
    asked = datetime.datetime.now(datetime.UTC)
    assert add.apply_async((1, 1), countdown=0.5).get(timeout=SECONDS) == 2
    assert datetime.datetime.now(datetime.UTC) - asked >= datetime.timedelta(seconds=0.5)
    late = add.apply_async((1, 1), expires=asked - datetime.timedelta(seconds=5))
    try:
        late.get(timeout=SECONDS)
        raise AssertionError("an expired task ran")
    except TaskRevokedError:
        pass


def part_control():
    (answer,) = app.control.ping(timeout=SECONDS, limit=1)
    ((name, reply),) = answer.items()
    assert reply == {"ok": "pong"}
    inspect = app.control.inspect(timeout=SECONDS, limit=1)
    assert "celery_app.add" in inspect.registered()[name]
    assert add.delay(1, 1).get(timeout=SECONDS) == 2
    assert inspect.stats()[name]["total"]
    waiting = nap.apply_async((0,), countdown=60)
    parts.eventually(lambda: any(t["request"]["id"] == waiting.id for t in inspect.scheduled()[name]))
    waiting.revoke()
    parts.eventually(lambda: waiting.id in inspect.revoked()[name])
    running = nap.delay(60)
    parts.eventually(lambda: any(t["id"] == running.id for t in inspect.active()[name]))
    running.revoke(terminate=True, signal="SIGKILL")
    parts.eventually(lambda: running.state == "REVOKED")


def part_ignored_results():
    client = app.backend.client
    client.delete("celery:notes")
    for number in range(200):
        note.apply_async((number,), ignore_result=True)
    parts.eventually(lambda: client.llen("celery:notes") == 200)
    assert sorted(map(int, client.lrange("celery:notes", 0, -1))) == list(range(200))


def part_kombu():
    """The transport without Celery: priorities, requeueing, topics, fan-out, purge."""
    options = {"queue_order_strategy": "priority", "priority_steps": [0, 3, 6, 9]}
    with Connection(parts.URL, transport_options=options) as connection:
        jobs = Queue("k-jobs", Exchange("k-jobs", type="direct"), routing_key="k-jobs")
        producer = Producer(connection)
        got = []
        for priority in (9, 0, 6, 3, 0):
            producer.publish(
                priority, exchange=jobs.exchange, routing_key="k-jobs", declare=[jobs], priority=priority
            )

        def take(body, message):
            got.append(body)
            if body == 6 and got.count(6) == 1:
                message.requeue()
            else:
                message.ack()

        with Consumer(connection, jobs, callbacks=[take], prefetch_count=1):
            while len(got) < 6:
                connection.drain_events(timeout=10)
        assert got == [0, 0, 3, 6, 6, 9]
        topics = Exchange("k-topics", type="topic")
        weather = Queue("k-weather", topics, routing_key="weather.#")
        rain = Queue("k-rain", topics, routing_key="*.rain")
        for queue in (weather, rain):
            queue(connection.default_channel).declare()
        producer.publish("wet", exchange=topics, routing_key="weather.rain")
        producer.publish("dry", exchange=topics, routing_key="weather.sun")
        assert [q(connection.default_channel).get(no_ack=True).payload for q in (weather, rain)] == [
            "wet",
            "wet",
        ]
        assert weather(connection.default_channel).purge() == 1
        heard = ([], [])
        news = Exchange("k-news", type="fanout")
        with Connection(parts.URL) as near, Connection(parts.LAST_URL) as far:
            for number, listening in enumerate((near, far)):
                queue = Queue(f"k-news-{number}", news, exclusive=True)
                Consumer(
                    listening,
                    queue,
                    callbacks=[lambda body, message, mine=heard[number]: (mine.append(body), message.ack())],
                ).consume()

            def all_hear(body):
                for listening in (near, far):
                    try:
                        listening.drain_events(timeout=0.1)
                    except TimeoutError:
                        pass
                return all(body in mine for mine in heard)

            def all_listen():
                """The transport subscribes when it is first drained; what is published before that is lost."""
                producer.publish("are you there", exchange=news, declare=[news])
                return all_hear("are you there")

            parts.eventually(all_listen)
            producer.publish("extra", exchange=news, declare=[news])
            parts.eventually(lambda: all_hear("extra"))
        assert [mine.count("extra") for mine in heard] == [1, 1]


if __name__ == "__main__":
    # A result that the collector finds while a task is being sent unsubscribes, and waits for a lock that its own thread
    # has: the program hangs, on any server (Celery 5.6.3 with redis-py 5; later versions of Celery do otherwise).
    gc.disable()
    parts.main(globals())
