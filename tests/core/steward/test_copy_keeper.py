"""When a change of members of a group of mode ``eventual`` is over, by what they have said (Rules K8, K9)."""

import pytest

from tests.core.cluster.conversation import founders, hold_back
from trivet.core.base.ids import SYSTEM_GROUP
from trivet.core.cluster.facts import Facts, GroupFacts
from trivet.core.cluster.map import genesis
from trivet.core.cluster.rows import GroupRow
from trivet.core.steward.copy_keeper import LOOK_MS, CopyKeeper, is_over
from trivet.core.steward.desk import REFUSED
from trivet.core.steward.settings import StewardSettings

GROUP = 2
GRACE_MS = 3_000
HAS, LACKS = (True, 0), (False, 0)


def changing():
    """1, 2, 3 are members, 4 comes and 1 goes."""
    cluster = genesis("ab12", founders(5))
    for text in (
        "KEYSPACE CREATE 20 MODE eventual ON 1 2 3",
        f"GROUP TARGET {GROUP} 2 3 4",
        f"COPIES BEGIN {GROUP} 1",
    ):
        hold_back(cluster, cluster.change([b"MAP", *text.encode().split()], 0))
    return cluster, cluster.groups[GROUP]


@pytest.mark.parametrize(
    ("copies", "dead_ms", "over"),
    [
        ({1: HAS, 2: HAS, 3: HAS, 4: HAS}, {}, True),
        ({1: LACKS, 2: HAS, 3: HAS, 4: HAS}, {}, True),
        ({1: (True, 1), 2: HAS, 3: HAS, 4: HAS}, {}, False),
        ({1: HAS, 2: (True, 9), 3: HAS, 4: HAS}, {}, True),
        ({1: HAS, 2: HAS, 3: HAS, 4: LACKS}, {}, False),
        ({1: HAS, 2: HAS, 3: HAS}, {}, False),
        ({2: HAS, 3: HAS, 4: HAS}, {}, False),
        ({}, {}, False),
        ({2: HAS, 3: HAS, 4: HAS}, {1: GRACE_MS - 1}, False),
        ({2: HAS, 3: HAS, 4: HAS}, {1: GRACE_MS}, True),
        ({1: HAS, 2: HAS, 3: HAS}, {4: GRACE_MS}, True),
        ({1: HAS, 2: HAS}, {3: GRACE_MS, 4: GRACE_MS}, True),
        ({1: HAS}, {2: GRACE_MS, 3: GRACE_MS, 4: GRACE_MS}, False),
        ({}, {1: GRACE_MS, 2: GRACE_MS, 3: GRACE_MS, 4: GRACE_MS}, False),
    ],
)
def test_what_is_waited_for(copies, dead_ms, over):
    cluster, row = changing()
    facts = Facts(dead_ms=dead_ms, groups={GROUP: GroupFacts(copies=copies)})
    assert is_over(cluster, row, facts, GRACE_MS) is over


def test_where_a_write_is_on_several_disks_who_goes_gets_back_what_it_had_lost():
    """It may be one of those that were counted."""
    cluster, row = changing()
    cluster.keyspaces[row.keyspace].write_quorum = 2
    for one, over in ((LACKS, False), (HAS, True)):
        facts = Facts(groups={GROUP: GroupFacts(copies={1: one, 2: HAS, 3: HAS, 4: HAS})})
        assert is_over(cluster, row, facts, GRACE_MS) is over


def test_of_a_group_of_which_nothing_is_heard_nothing_is_over():
    cluster, row = changing()
    assert not is_over(cluster, row, Facts(), GRACE_MS)


class Word:
    def __init__(self, words) -> None:
        self.words = words
        self.done = False
        self.word: object = b""


class Around:
    """The desk and the planner of the leader of the system group."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.settings = StewardSettings()
        self.said: list[Word] = []
        self.leads = True
        self.told = Facts()

    def led(self, group):
        assert group == SYSTEM_GROUP
        return self if self.leads else None

    def say(self, group, *words):
        self.said.append(Word((group, *words)))
        return self.said[-1]

    def facts(self, cluster):
        return self.told


def test_only_the_leader_of_the_system_group_says_it_and_only_once_at_a_time():
    cluster, _ = changing()
    around = Around()
    around.leads = False
    keeper = CopyKeeper(around, around)
    keeper.tick(cluster)
    around.leads = True
    keeper.tick(cluster)
    assert not around.said, "nobody has reported"
    around.told = Facts(groups={GROUP: GroupFacts(copies=dict.fromkeys([1, 2, 3, 4], HAS))})
    for _ in range(3):
        around.now_ms += LOOK_MS
        keeper.tick(cluster)
    (word,) = around.said
    assert word.words == (SYSTEM_GROUP, b"MAP", b"COPIES", b"END", GROUP, 2)
    word.done, word.word = True, REFUSED
    around.now_ms += LOOK_MS
    keeper.tick(cluster)
    assert len(around.said) == 1, "what was refused is said again after a while"
    around.now_ms += around.settings.retry_ms
    keeper.tick(cluster)
    assert len(around.said) == 2


@pytest.mark.parametrize(("nodes", "word"), [("1 2 3", b"BEGIN"), ("2 3 4", b"END")])
def test_another_wish_begins_anew(nodes, word):
    cluster, _ = changing()
    cluster.change([b"MAP", b"GROUP", b"TARGET", b"2", *nodes.encode().split()], 0)
    around = Around()
    around.told = Facts(groups={GROUP: GroupFacts(copies=dict.fromkeys([1, 2, 3, 4], HAS))})
    CopyKeeper(around, around).tick(cluster)
    assert [said.words[3] for said in around.said] == [word]


def test_groups_that_rest_and_those_of_other_modes_are_none_of_its_business():
    cluster, row = changing()
    cluster.change(b"MAP COPIES END 2 2".split(), 0)
    cluster.change(b"MAP GROUP TARGET 1 2 3".split(), 0)
    around = Around()
    CopyKeeper(around, around).tick(cluster)
    assert isinstance(row, GroupRow) and not around.said
