"""Room for sockets: what the limits promise, or what the system allows."""

import resource

import pytest

from trivet.core.base.errors import StartError
from trivet.runtime.room import BACKLOG_MAX, SPARE_FILES, Room, make_room


@pytest.fixture
def allow(monkeypatch):
    """Plays a system that allows so many files."""

    def play(soft: int, hard: int):
        asked = []
        monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
        monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
        return asked

    return play


def test_as_many_as_promised(allow):
    wanted = 2 * 10_000 + 256 + 2 * BACKLOG_MAX + SPARE_FILES
    asked = allow(1024, 1_000_000)
    assert make_room(10_000, 256) == (Room(20_000, 256, BACKLOG_MAX), wanted)
    assert asked == [(wanted, 1_000_000)]


@pytest.mark.parametrize("unlimited", [resource.RLIM_INFINITY, 1_000_000])
def test_nothing_is_asked_for_that_is_there(allow, unlimited):
    asked = allow(unlimited, unlimited)
    assert make_room(10_000, 256)[0].clients_max >= 10_000
    assert asked == []


@pytest.mark.parametrize("allowed", [128, 256, 1024, 4096, 10_320])
def test_less_when_the_system_allows_less(allow, allowed):
    allow(100, allowed)
    room, files = make_room(10_000, 256)
    assert files == allowed
    assert room.clients_max + room.links_max + 2 * room.backlog + SPARE_FILES <= allowed
    assert room.clients_max >= allowed // 8
    assert room.links_max >= 8


def test_hardly_any(allow):
    allow(64, 64)
    with pytest.raises(StartError, match="only 64 open files"):
        make_room(10_000, 256)
