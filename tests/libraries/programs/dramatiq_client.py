"""What an application asks of dramatiq; a worker runs beside it."""

import dramatiq
import parts
from dramatiq.rate_limits import Barrier, BucketRateLimiter, WindowRateLimiter
from dramatiq.rate_limits.rate_limiter import RateLimitExceeded
from dramatiq_app import add, broker, elsewhere, fail, limits, note, one_at_a_time, third_time_lucky

MS = 60_000


def notes(count):
    parts.eventually(lambda: broker.client.llen("dramatiq:notes") >= count)
    return sorted(text.decode() for text in broker.client.lrange("dramatiq:notes", 0, -1))


def part_results():
    messages = [add.send(n, n) for n in range(100)]
    assert [m.get_result(block=True, timeout=MS) for m in messages] == [2 * n for n in range(100)]
    assert third_time_lucky.send(parts.URL).get_result(block=True, timeout=MS) == 3
    fail.send()
    parts.eventually(lambda: broker.client.zcard("dramatiq:default.XQ") == 1)
    broker.join("default", timeout=MS)


def part_groups():
    broker.client.delete("dramatiq:notes")
    group = dramatiq.group([add.message(n, 1) for n in range(20)])
    group.add_completion_callback(note.message("all done"))
    assert list(group.run().get_results(block=True, timeout=MS)) == list(range(1, 21))
    assert notes(1) == ["all done"]
    pipe = add.message(1, 2) | add.message(3) | add.message(4)
    assert pipe.run().get_result(block=True, timeout=MS) == 10


def part_delay():
    broker.client.delete("dramatiq:notes")
    note.send_with_options(args=("later",), delay=300)
    elsewhere.send("elsewhere")
    assert notes(2) == ["elsewhere", "later"]


def part_limits():
    mutex = one_at_a_time()
    with mutex.acquire():
        try:
            with mutex.acquire():
                raise AssertionError("two at once")
        except RateLimitExceeded:
            pass
    window = WindowRateLimiter(limits, "window", limit=3, window=30)
    bucket = BucketRateLimiter(limits, "bucket", limit=3, bucket=600_000)
    for limiter in (window, bucket):
        passed = 0
        for _ in range(5):
            with limiter.acquire(raise_on_failure=False) as acquired:
                passed += bool(acquired)
        assert passed == 3, limiter
    barrier = Barrier(limits, "barrier", ttl=60_000)
    barrier.create(parties=2)
    assert not barrier.wait(block=False)
    assert barrier.wait(block=False)


if __name__ == "__main__":
    parts.main(globals())
