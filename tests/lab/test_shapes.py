"""The shapes of partitions: what each leaves."""

import pytest

from trivet.core.base.prng import Prng
from trivet.lab.world.faults.shapes import SHAPES, all_pairs, draw

FIVE = [1, 2, 3, 4, 5]


def left(name: str, nodes: list[int]) -> list[str]:
    """The pairs that can still talk; ``a-b`` in both directions, ``a>b`` in one."""
    cut = SHAPES[name](nodes)
    ways = [pair for pair in all_pairs(nodes) if pair not in cut]
    both = [f"{a}-{b}" for a, b in ways if a < b and (b, a) in ways]
    return both + [f"{a}>{b}" for a, b in ways if (b, a) not in ways]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("isolate", "2-3 2-4 2-5 3-4 3-5 4-5"),
        ("halves", "1-2 3-4 3-5 4-5"),
        ("bridge", "1-2 1-3 1-4 1-5 2-3 4-5"),
        ("chain", "1-2 2-3 3-4 4-5"),
        ("ring", "1-2 1-5 2-3 3-4 4-5"),
        ("star", "1-2 1-3 1-4 1-5"),
        ("pendants", "1-2 1-3 2-3 2-4 3-5"),
        ("deaf", "2-3 2-4 2-5 3-4 3-5 4-5 1>2 1>3 1>4 1>5"),
        ("mute", "2-3 2-4 2-5 3-4 3-5 4-5 2>1 3>1 4>1 5>1"),
        ("one-link", "1-3 1-4 1-5 2-3 2-4 2-5 3-4 3-5 4-5"),
    ],
)
def test_what_a_shape_leaves_of_five_nodes(name: str, expected: str) -> None:
    assert sorted(left(name, FIVE)) == sorted(expected.split())


def test_every_shape_is_drawn_and_three_nodes_get_only_those_that_mean_something() -> None:
    prng = Prng(1)
    assert sorted(dict.fromkeys(draw(FIVE, 1, prng)[0] for _ in range(200))) == sorted(SHAPES)
    names = dict.fromkeys(draw([1, 2, 3], 2, prng)[0] for _ in range(200))
    assert sorted(names) == sorted(name for name in SHAPES if name not in ("pendants", "ring"))


def test_the_wanted_node_often_stands_first() -> None:
    prng = Prng(2)
    firsts = [draw(FIVE, 4, prng)[1][0] for _ in range(200)]
    assert firsts.count(4) > 100
