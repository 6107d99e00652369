"""What commands ask of a node's steward, when it has one."""

from tests.core.node.founded import founded, reply
from trivet.core.cluster.actions import Lead
from trivet.core.cluster.facts import Facts, GroupFacts
from trivet.core.node.cluster_change import lead
from trivet.core.node.oversight import Steward
from trivet.core.wire.reply import OK


class Keeper:
    """Knows everything."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def facts(self) -> Facts | None:
        return Facts(dead_ms={3: 77}, groups={2: GroupFacts(keys=5, bytes=50, ops=9)})

    def plan(self):
        return [Lead(1, 2, "node 2 leads nothing")]

    def lead(self, group: int, node: int) -> bool:
        self.asked.append((group, node))
        return True

    def progress(self, move: int) -> tuple[int, int] | None:
        return 40, 2


def test_it_is_asked_for_what_it_knows_and_does():
    bench = founded(3, "20")
    bench.answer("a", "CLUSTER SPLIT 2")
    keeper = Keeper()
    steward: Steward = keeper
    front = bench.node(1).front
    front.steward = steward
    told = reply(bench, "b", "CLUSTER STATE")
    assert [(one["alive"], one["silent-ms"]) for one in told["nodes"]] == [(1, 0), (1, 0), (0, 77)]
    assert [(one["keys"], one["ops"]) for one in told["groups"]][2] == (5, 9)
    assert [(one["sent"], one["left"]) for one in told["moves"]] == [(40, 2)]
    assert reply(bench, "b", "CLUSTER PLAN") == ["1. node 2 leads group 1: node 2 leads nothing"]
    other = founded(3)
    front = other.node(2).front
    front.steward = steward
    assert lead(front, [b"CLUSTER", b"LEAD", b"1", b"3"]) == OK
    assert keeper.asked == [(1, 3)]
