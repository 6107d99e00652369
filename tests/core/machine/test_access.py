"""When and how often keys are used."""

from trivet.core.machine.access import Access

HOUR_MS = 3_600_000


def test_when():
    access = Access(False, 10, 1, since_ms=100)
    access.use(b"k", 150)
    assert access.idle_ms(b"k", 160) == 10
    assert access.idle_ms(b"never", 160) == 60
    access.drop(b"k")
    assert (len(access), access.idle_ms(b"k", 160)) == (0, 60)


def test_how_often_rises_ever_slower():
    access = Access(True, 10, 1, since_ms=0)
    counts = []
    for _ in range(4):
        for _ in range(1000):
            access.use(b"k", 60_000)
        counts.append(access.count(b"k", 60_000))
    assert 5 < counts[0] < counts[-1] < 255
    assert counts[1] - counts[0] < counts[0]
    assert access.count(b"never", 60_000) == 5


def test_what_is_not_used_is_forgotten():
    access = Access(True, 0, 1, since_ms=0)
    for _ in range(20):
        access.use(b"k", 0)
    assert access.count(b"k", 0) == 24
    assert access.count(b"k", 10 * 60_000) == 14
    assert access.count(b"k", HOUR_MS) == 0
    assert Access(True, 0, 0, 0).count(b"k", 0) == 5
    kept = Access(True, 0, 0, 0)
    kept.use(b"k", 0)
    assert kept.count(b"k", HOUR_MS) == 5


def test_it_never_passes_its_end():
    access = Access(True, 0, 1, since_ms=0)
    for _ in range(400):
        access.use(b"k", 0)
    assert access.count(b"k", 0) == 255
