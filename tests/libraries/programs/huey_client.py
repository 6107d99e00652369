"""What an application asks of huey; a consumer runs beside it, except for `order`."""

import parts
from huey.exceptions import TaskException
from huey_app import add, alone, fail, huey, note, third_time_lucky

SECONDS = 60


def part_results():
    results = [add(n, n) for n in range(100)]
    assert [result(blocking=True, timeout=SECONDS) for result in results] == [2 * n for n in range(100)]
    try:
        fail()(blocking=True, timeout=SECONDS)
        raise AssertionError("no error")
    except TaskException as error:
        assert "on purpose" in str(error)
    note_key = f"{huey.name}:notes"
    third_time_lucky(note_key)  # its result would be the first attempt's error, if one looks too early
    assert parts.eventually(lambda: huey.storage.conn.lrange(note_key, 0, -1)) == [b"3"]
    many = add.map([(1, 1), (2, 2)])
    assert many.get(blocking=True, timeout=SECONDS) == [2, 4]


def part_pipeline():
    chained = add.s(1, 2).then(add, 10).then(add, 100)
    assert huey.enqueue(chained).get(blocking=True, timeout=SECONDS) == [3, 13, 113]


def part_schedule():
    later = add.schedule((1, 2), delay=0.2)
    assert later(blocking=True, timeout=SECONDS) == 3
    never = add.schedule((1, 2), delay=60)
    parts.eventually(lambda: huey.scheduled_count() == 1)
    never.revoke()
    assert never.is_revoked()
    never.restore()
    assert not never.is_revoked()


def part_locks():
    with huey.lock_task("only-one"):
        try:
            alone()(blocking=True, timeout=SECONDS)
            raise AssertionError("two at once")
        except TaskException as error:
            assert "TaskLockedException" in repr(error) or "lock" in str(error), repr(error)
    assert alone()(blocking=True, timeout=SECONDS) == "alone"


def part_order():
    """Without a consumer: the order in which a queue with priorities gives tasks away."""
    huey.flush()
    for priority in (1, 9, 5, 9):
        huey.enqueue(note.s(f"p{priority}", priority=priority))
    assert huey.pending_count() == 4
    assert [huey.dequeue().args[0] for _ in range(4)] == ["p9", "p9", "p5", "p1"]
    assert huey.dequeue() is None


if __name__ == "__main__":
    parts.main(globals())
