"""Acceptors that keep their word, and every way in which one may not."""

import msgspec

from trivet.lab.judges.complaint import Complaint
from trivet.lab.judges.registers import RegisterJudge, Wanted, unsettled

GROUP = 9


class Seen(msgspec.Struct, frozen=True):
    epoch: int = 1
    epoch_kept: int = 1
    joined: int = 1
    doubtful: bool = False
    members: tuple[int, ...] = (1, 2, 3)
    incoming: tuple[int, ...] = ()
    floor: tuple[int, int] = (0, 0)
    floor_version: int = 0
    spans: tuple[tuple[int, int, int, int], ...] | None = None
    under_way: int = 0
    saves: int = 1
    saved: int = 0


class Held(msgspec.Struct, frozen=True):
    promised: tuple[int, int]
    accepted: tuple[int, int] = (0, 0)
    crc: int = 0
    version: int = 0
    is_tombstone: bool = False
    is_hearsay: bool = False


def held(ballot: int, version: int = 0, crc: int = 0, promised: int = 0, **more: bool) -> Held:
    """Accepted at (ballot, 1)."""
    return Held((promised or ballot, 1), (ballot, 1), crc or ballot, version or ballot, **more)


class Nodes:
    """Says what each node shows, one save after the other."""

    def __init__(self) -> None:
        self.complaints: list[Complaint] = []
        self.judge = RegisterJudge(self.complaints)
        self.saves = dict.fromkeys((1, 2, 3, 4), 0)
        for node in (1, 2, 3, 4):
            self.judge.booted(node)

    def show(self, node: int, durable: bool = True, **more: object) -> None:
        """``k=Held`` and its like are registers; the rest are fields of ``Seen``."""
        self.saves[node] += 1
        own = {name: value for name, value in more.items() if name in Seen.__struct_fields__}
        registers = {name.encode(): value for name, value in more.items() if name not in own}
        saves = self.saves[node]
        seen = Seen(saves=saves, saved=saves if durable else saves - 1)
        self.judge.observed(node, GROUP, msgspec.structs.replace(seen, **own), lambda: registers)  # type: ignore[arg-type, return-value]

    def said(self) -> list[str]:
        assert all(complaint.judge == "registers" for complaint in self.complaints)
        return [complaint.sentence.replace(f"group {GROUP}", "group") for complaint in self.complaints]


def test_acceptors_that_keep_their_word():
    nodes = Nodes()
    nodes.show(1, k=held(3))
    nodes.show(2, k=held(3))
    nodes.show(1, k=held(3, promised=5))
    nodes.show(1, k=held(5))
    nodes.show(3, k=held(4, version=9))  # chosen by nobody
    nodes.show(3, k=held(5))  # it was overruled
    nodes.show(1, k=held(7, is_tombstone=True))
    nodes.show(1, floor=(7, 9), floor_version=7)
    nodes.show(1, floor=(7, 9), floor_version=7, k=Held((8, 1)))
    nodes.show(1, floor=(8, 2), floor_version=7)
    assert nodes.said() == []
    assert nodes.judge.chosen == 2


def test_nothing_new_is_not_looked_at():
    nodes = Nodes()
    nodes.show(1, k=held(3))
    nodes.judge.observed(1, GROUP, Seen(saves=1, saved=1, under_way=7), lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    assert nodes.judge.looks == 1


def test_one_ballot_has_one_content():
    nodes = Nodes()
    nodes.show(1, k=held(3))
    nodes.show(2, k=held(3, crc=77))
    assert nodes.said() == ["node 2, group, place b'k': ballot (3, 1) has two contents"]


def test_what_is_chosen_stays():
    nodes = Nodes()
    nodes.show(1, k=held(3, version=5))
    nodes.show(2, k=held(3, version=5))
    nodes.show(3, k=held(4, version=4))
    said = "group, place b'k': version 4 was accepted at (4, 1), although version 5 is chosen at (3, 1)"
    assert nodes.said() == [said]


def test_what_is_chosen_late_counts_for_what_was_accepted_before():
    nodes = Nodes()
    nodes.show(1, k=held(3, version=5))
    nodes.show(3, k=held(4, version=5))
    nodes.show(2, False, k=held(3, version=5))
    assert nodes.said() == []
    nodes.show(2, k=held(3, version=5))
    said = "group, place b'k': version 5 was accepted at (4, 1), although version 5 is chosen at (3, 1)"
    assert nodes.said() == [said]


def test_chosen_is_what_both_sets_hold():
    nodes = Nodes()
    joint = {"members": (1, 2, 3), "incoming": (1, 2, 4)}
    nodes.show(1, k=held(3, version=5), **joint)
    nodes.show(3, k=held(3, version=5), **joint)
    assert nodes.judge.chosen == 0
    nodes.show(4, k=held(3, version=5), **joint)
    assert nodes.judge.chosen == 1


def test_hearsay_is_no_acceptance():
    nodes = Nodes()
    nodes.show(1, k=held(3))
    nodes.show(2, k=held(3, is_hearsay=True))
    assert nodes.judge.chosen == 0


def test_promises_and_marks_never_fall():
    nodes = Nodes()
    nodes.show(1, epoch_kept=3, floor=(4, 1), floor_version=5, k=held(3, promised=8), l=Held((6, 1)))
    nodes.show(1, epoch_kept=2, floor=(3, 9), floor_version=4, k=held(3, promised=7))
    who = "node 1, group"
    assert nodes.said() == [
        f"{who}: its epoch falls from 3 to 2",
        f"{who}: its floor falls from (4, 1) to (3, 9)",
        f"{who}: its floor's version falls from 5 to 4",
        f"{who}, place b'k': (7, 1) is promised, no more (8, 1)",
        f"{who}, place b'l': (3, 9) is promised, no more (6, 1)",
    ]


def test_what_was_accepted_is_not_forgotten():
    nodes = Nodes()
    nodes.show(1, k=held(3), l=held(4, is_tombstone=True), m=held(5))
    nodes.show(1, floor=(9, 1), floor_version=3, m=held(2, promised=9))
    who = "node 1, group, place"
    assert nodes.said() == [
        f"{who} b'm': (2, 1) is accepted, no more (5, 1)",
        f"{who} b'k': version 3 is gone",
        f"{who} b'l': a removal forgets version 4",
    ]


def test_a_life_begins_with_what_was_durable():
    nodes = Nodes()
    nodes.show(1, k=held(3), epoch_kept=2)
    nodes.show(1, False, k=held(5), l=held(5), epoch_kept=3)
    nodes.judge.booted(1)
    nodes.show(1, k=held(3), epoch_kept=2)
    assert nodes.said() == []
    nodes.judge.booted(1)
    nodes.show(1, k=held(2), epoch_kept=1)
    who = "node 1, group, in its next life"
    assert nodes.said()[:3] == [
        f"{who}: its epoch falls from 2 to 1",
        f"{who}, place b'k': (2, 1) is promised, no more (3, 1)",
        f"{who}, place b'k': (2, 1) is accepted, no more (3, 1)",
    ]


def test_who_is_in_doubt_may_have_forgotten():
    nodes = Nodes()
    nodes.show(1, k=held(3))
    nodes.judge.booted(1)
    nodes.show(1, doubtful=True)
    nodes.show(1, doubtful=True, k=held(2, is_hearsay=True))
    nodes.show(1, k=held(4))
    assert nodes.said() == []
    nodes.show(1, k=held(3))
    assert len(nodes.said()) == 2


def test_who_has_left_has_nothing_and_begins_anew():
    nodes = Nodes()
    nodes.show(1, k=held(3))
    nodes.show(1, joined=0, epoch_kept=3)
    nodes.show(1, joined=5, epoch_kept=5, k=held(2))
    assert nodes.said() == []
    nodes.judge.left(1, GROUP)
    nodes.show(1, epoch_kept=1)
    assert nodes.said() == []


# -- in the end

NODES = [1, 2, 3, 4]
GROUPS = {GROUP: Wanted(2, [1, 2, 3], False)}


def settled(**changes: object) -> str:
    """What is said of three members that agree, and a fourth node, but for ``changes`` at node 3."""
    seen = Seen(epoch=2)
    looks: dict[tuple[int, int], tuple[object, object]] = {
        (node, GROUP): (seen, {b"k": held(3)}) for node in (1, 2, 3)
    }
    looks[4, GROUP] = (seen, {})
    registers = changes.pop("held", {b"k": held(3)})
    node = changes.pop("node", 3)
    looks[node, GROUP] = (msgspec.structs.replace(seen, **changes), registers)  # type: ignore[index, arg-type]
    return unsettled(GROUPS, looks, NODES)  # type: ignore[arg-type]


def test_in_the_end_all_is_settled():
    assert settled() == ""
    assert settled(held={b"k": held(2), b"l": held(7)}) == "", "a majority is enough"


def test_in_the_end_something_is_not():
    assert settled(epoch=1) == f"node 3, group {GROUP}: its epoch is 1, not 2"
    assert settled(under_way=2) == f"node 3, group {GROUP}: 2 operations do not end"
    assert settled(doubtful=True) == f"node 3, group {GROUP}: it is doubtful still"
    assert settled(node=4) == f"node 4, group {GROUP}: it is no member, and holds 1 registers"
    assert unsettled({}, {(1, GROUP): (Seen(), {})}, NODES) == f"node 1, group {GROUP}: the group is no more"
    changing = {GROUP: Wanted(2, [1, 2, 3], True)}
    assert unsettled(changing, {}, NODES) == f"group {GROUP}: its members are changing still"
    assert unsettled(GROUPS, {}, NODES) == f"group {GROUP}: a member is not there"


def test_in_the_end_a_majority_holds_one_version():
    looks = {(node, GROUP): (Seen(epoch=2), {b"k": held(node)}) for node in (1, 2, 3)}
    assert unsettled(GROUPS, looks, NODES) == f"group {GROUP}, place b'k': no majority holds one version"  # type: ignore[arg-type]


def test_a_member_that_is_lost_for_good_is_not_waited_for():
    looks = {(node, GROUP): (Seen(epoch=2), {b"k": held(3)}) for node in (1, 2)}
    assert unsettled(GROUPS, looks, [1, 2, 4]) == ""  # type: ignore[arg-type]
    assert unsettled(GROUPS, looks, NODES) == f"group {GROUP}: a member is not there"  # type: ignore[arg-type]


def whole(since: int, state: int = 1) -> tuple[tuple[int, int, int, int], ...]:
    return ((0, 16383, since, state),)


def test_registers_of_slots_that_go_may_go() -> None:
    nodes = Nodes()
    nodes.show(1, k=held(5), epoch_kept=2)
    nodes.show(1, epoch_kept=3, spans=())
    nodes.judge.booted(1)
    nodes.show(1, epoch_kept=3, spans=())
    assert nodes.said() == []


def test_what_comes_again_is_another_register() -> None:
    nodes = Nodes()
    for node in (1, 2):
        nodes.show(node, k=held(5))
        nodes.show(node, epoch_kept=2, spans=whole(2, 3), k=held(3, version=4))
        nodes.show(node, epoch_kept=2, spans=whole(2, 3), k=held(4, version=3))
        nodes.show(node, epoch_kept=3, spans=whole(2), k=held(4, version=3))
    assert nodes.said() == []


def test_slots_that_are_kept_keep_their_registers() -> None:
    nodes = Nodes()
    nodes.show(1, k=held(5))
    nodes.show(1, epoch_kept=2, spans=whole(1, 2), k=held(5))
    nodes.show(1, epoch_kept=3, spans=whole(1), k=held(4))
    assert nodes.said() == [
        "node 1, group, place b'k': (4, 1) is promised, no more (5, 1)",
        "node 1, group, place b'k': (4, 1) is accepted, no more (5, 1)",
    ]


def test_what_is_chosen_in_a_served_slot_stays() -> None:
    nodes = Nodes()
    for node in (1, 2):
        nodes.show(node, spans=whole(2, 3), k=held(3, version=4))
    for node in (1, 2):
        nodes.show(node, spans=whole(2), k=held(4, version=7))
    nodes.show(3, spans=whole(2), k=held(5, version=6))
    assert nodes.said() == [
        "group, place b'k': version 6 was accepted at (5, 1), although version 7 is chosen at (4, 1)"
    ]


def test_who_holds_what_is_not_its_is_told() -> None:
    seen = Seen(spans=((0, 0, 1, 1),))
    looks = {(node, GROUP): (seen, {b"......other": held(3)}) for node in (1, 2, 3)}
    assert "of a slot that is not its" in unsettled({GROUP: Wanted(1, (1, 2, 3), False)}, looks, [1, 2, 3])
