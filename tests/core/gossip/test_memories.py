"""Rule N11: when it is looked whether others keep the same memories."""

from trivet.core.gossip.memories import WAIT_MAX, Memories


def looks(memories: Memories, ticks: int, count: int = 1, is_free: bool = True) -> list[int]:
    return [tick for tick in range(1, ticks + 1) if memories.is_due(count, is_free)]


def test_it_is_looked_less_and_less_often():
    assert looks(Memories(10), 200) == [10, 30, 70, 150]
    assert len(looks(Memories(1), 10 * WAIT_MAX)) == 7 + 8


def test_without_memories_or_while_others_are_behind_it_is_not():
    memories = Memories(10)
    assert not looks(memories, 50, count=0) and not looks(memories, 50, is_free=False)
    assert looks(memories, 10) == [10]
    assert not looks(memories, 19) and not looks(memories, 1, count=0)
    assert looks(memories, 10) == [10], "it begins anew"
