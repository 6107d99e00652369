"""Who is held dead: when that is wrong, and what is not counted."""

import pytest

from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.hearing import UNREACHABLE, HearingJudge
from trivet.lab.seam import Hearing

S = 1_000_000
ALL = (1, 2, 3)


def links(*gone: tuple[int, int]) -> list[tuple[int, int]]:
    return [(a, b) for a in ALL for b in ALL if a != b and (a, b) not in gone]


def cut(a: int, b: int) -> list[tuple[int, int]]:
    return links((a, b), (b, a))


def leader(dead_ms: int = 0, unreachable: tuple[int, ...] = ()) -> Hearing:
    return Hearing(ALL, True, {3: dead_ms} if dead_ms else {}, unreachable)


class Run:
    def __init__(self) -> None:
        self.complaints: list[Complaint] = []
        self.counted: list[str] = []
        self.judge = HearingJudge(5_000, self.complaints, self.counted.append)

    def look(self, at_s: float, one: Hearing, open_links: list[tuple[int, int]], *still: int) -> None:
        hearings = {1: one, 2: Hearing(ALL), 3: Hearing(ALL)}
        for node in still:
            del hearings[node]
        self.judge.look(int(at_s * S), hearings, open_links)


def test_who_lives_is_replaced() -> None:
    run = Run()
    run.look(1, leader(), links())
    run.look(2, leader(), cut(1, 3))
    run.look(7, leader(4_900), cut(1, 3))
    assert run.complaints == []
    run.look(7.8, leader(5_700), cut(1, 3))
    assert [c.sentence for c in run.complaints] == [
        "node 3 is held dead for 5700 ms by node 1, which replaces it, although it lives, and node 2 has been in touch "
        "with both for longer"
    ]


@pytest.mark.parametrize(
    ("gone", "still"),
    [
        ([(1, 3), (3, 2)], ()), ([(1, 3), (2, 3)], ()), ([(3, 1), (2, 1)], ()), ([(3, 1), (1, 2)], ()),
        ([(1, 3)], (2,)), ([(1, 3)], (3,)), ([(1, 3)], (1,)),
    ],
)  # fmt: skip
def test_nobody_is_there_who_hears_both_all_the_time(
    gone: list[tuple[int, int]], still: tuple[int, ...]
) -> None:
    """A link in one direction is not enough, and who does not run hears nothing. A moment of that is enough."""
    run = Run()
    run.look(1, leader(), links())
    run.look(2, leader(), links((1, 3), (3, 1)))
    run.look(3, leader(), links(*gone), *still)
    for at_s in (4, 6, 8):
        run.look(at_s, leader(1_000 * (at_s - 2)), cut(1, 3))
    assert run.complaints == []


def test_who_is_not_in_the_map_of_the_others_is_not_asked_about() -> None:
    run = Run()
    for at_s in (1, 9):
        run.judge.look(at_s * S, {1: leader(6_000), 2: Hearing((1, 2)), 3: Hearing(ALL)}, cut(1, 3))
    assert run.complaints == []


def test_it_is_counted_how_often_somebody_is_out_of_reach() -> None:
    run = Run()
    run.look(1, leader(), links())
    run.look(2, leader(0, (3,)), cut(1, 3))
    run.look(3, leader(0, (3,)), cut(1, 3))
    run.look(4, leader(), links())
    run.look(5, leader(0, (3, 2)), cut(1, 3))
    assert run.counted == [UNREACHABLE] * 3
