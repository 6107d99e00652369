"""The thin callers: ``status``, ``rebalance``, ``split``, ``merge``, ``keyspace``, against a stand-in."""

import json

import pytest

from tests.cli.fake_cluster import Refusal, encode, group
from trivet.cli import asking
from trivet.cli.asking import Asker
from trivet.cli.following import under_way
from trivet.cli.main import command
from trivet.cli.view import plain, read_view, table

pytestmark = pytest.mark.usefixtures("soon")


def test_status_shows_nodes_keyspaces_groups_and_moves(cli, fake):
    fake.nodes[2]["zone"] = "b"
    fake.groups[2] = group(2, [1, 2], 2, "0-99,200", keys=1234567)
    fake.groups[2]["target"] = [1, 2, 3]
    fake.on_cluster_split("1")
    result = cli.invoke(command, ["status", "--node", fake.url])
    assert result.exit_code == 0, result.output
    at = f"127.0.0.1:{fake.port}"
    wide = len(at)
    assert result.output.splitlines() == [
        f"node  {'address':{wide}}  state  alive    zone  replicas  leads",
        f"1     {at}  up     yes      -     2         2",
        f"2     {'127.0.0.1:1':{wide}}  up     no, 7 s  b     2         1",
        f"3     {'127.0.0.1:1':{wide}}  up     no, 7 s  -     2         0",
        "",
        "keyspace  name     mode  replicas  shards  databases",
        "0         default  raft  3         auto    0-15",
        "",
        "group  keyspace  slots     members       leader  state  keys       size     ops/s",
        "0      system    -         1 2 3         1       -      -          -        -",
        "1      default   0-16383   1 2 3         1       -      7          120 KiB  55",
        "2      default   0-99,200  1 2 -> 1 2 3  2       -      1,234,567  120 KiB  55",
        "",
        "move  groups  slots       phase  done  age   why",
        "5     1 -> 2  8192-16383  copy   50%   61 s  an administrator wants it",
    ]


def test_status_shows_whom_only_others_hear(cli, fake):
    fake.nodes[2] |= {"alive": 1, "unreachable": 1}
    fake.nodes[3] |= {"alive": 1, "silent-ms": 0}
    lines = cli.invoke(command, ["status", "--node", fake.url]).output.splitlines()
    assert [line.split("up")[1].split("-")[0].strip() for line in lines[1:4]] == [
        "yes",
        "unreachable, 7 s",
        "yes",
    ]
    found = json.loads(cli.invoke(command, ["status", "--json", "--url", fake.url]).output)
    assert [(node["alive"], node["unreachable"]) for node in found["nodes"]] == [
        (True, False), (True, True), (True, False),
    ]  # fmt: skip


def test_status_for_programs(cli, fake):
    found = json.loads(cli.invoke(command, ["status", "--json", "--url", fake.url]).output)
    assert found["cluster"] == "ab12"
    assert [node["id"] for node in found["nodes"]] == [1, 2, 3]
    assert found["groups"][1]["members"] == [1, 2, 3]
    assert found["keyspaces"][0]["databases"] == "0-15"


def test_status_fails_when_a_group_has_no_leader(cli, fake, ports):
    fake.groups[1]["leader"] = 0
    result = cli.invoke(command, ["status", "--node", fake.url])
    assert result.exit_code == 1
    assert "no leader in group 1: a majority of its members" in result.output
    assert cli.invoke(command, ["status", "--json", "--node", f"127.0.0.1:{ports[0]}"]).exit_code == 1


def test_a_group_that_changes_its_leader_is_looked_at_again(cli, fake, monkeypatch):
    fake.groups[1]["leader"] = 0
    seen = []

    def elect():
        seen.append(fake.groups[1]["leader"])
        if len(seen) == 2:
            fake.groups[1]["leader"] = 2

    monkeypatch.setattr(fake, "_advance", elect)
    result = cli.invoke(command, ["status", "--json", "--node", fake.url])
    assert result.exit_code == 0
    assert json.loads(result.output)["groups"][1]["leader"] == 2
    assert seen == [0, 0]


def test_groups_of_registers_have_no_leader_and_say_how_their_members_stand(cli, fake):
    for one in fake.nodes.values():
        one["alive"] = 1
    fake.keyspaces[7] = {**fake.keyspaces[0], "number": 7, "name": "locks", "mode": "paxos", "databases": [7]}
    fake.groups[2] = {**group(2, [1, 2, 3], 0, keyspace=7), "incoming": [], "doubtful": []}
    result = cli.invoke(command, ["status", "--node", fake.url])
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == (
        "2      locks     0-16383  1 2 3    -       -      7     120 KiB  55"
    )
    fake.groups[2].update(target=[1, 2, 4], incoming=[1, 2, 4], doubtful=[3])
    result = cli.invoke(command, ["status", "--node", fake.url])
    assert "1 2 3 -> 1 2 4  -       joint, doubtful: 3" in result.output
    assert result.exit_code == 0, "1 and 2 are a majority of both"
    fake.nodes[2]["alive"] = 0
    result = cli.invoke(command, ["status", "--node", fake.url])
    assert result.exit_code == 1
    assert "no majority, joint, doubtful: 3" in result.output
    assert result.output.splitlines()[-1].startswith(
        "no majority in group 2: a majority of its members must run"
    )


def test_groups_of_copies_are_served_while_one_member_is_alive(cli, fake):
    for one in fake.nodes.values():
        one["alive"] = int(one["id"] == 1)
    carts = {**fake.keyspaces[0], "number": 7, "name": "carts", "mode": "eventual", "databases": [7]}
    fake.keyspaces[7] = carts
    fake.groups[2] = {**group(2, [1, 2, 4], 0, keyspace=7, target=[1, 4]), "incoming": [1, 4], "behind": [4]}
    fake.groups.pop(1, None)
    result = cli.invoke(command, ["status", "--node", fake.url])
    assert result.exit_code == 0
    assert "1 2 4 -> 1 4  -       handing over, behind: 4" in result.output
    view = Asker([("127.0.0.1", fake.port, "", "")]).view()
    assert under_way(view)[:2] == [
        "group 2: members 1, 2, 4, shall be 1, 4; all serve until those that go have handed over what they have",
        "group 2: node 4 gets what the others have",
    ]
    fake.groups[2]["members"] = [2, 4]
    result = cli.invoke(command, ["status", "--node", fake.url])
    assert result.exit_code == 1
    assert "nobody alive, handing over" in result.output
    assert result.output.splitlines()[-1] == "no member of group 2 is alive: one must run"


def test_what_is_under_way_with_registers_is_said(fake):
    fake.keyspaces[7] = {**fake.keyspaces[0], "number": 7, "name": "locks", "mode": "paxos"}
    fake.groups[2] = {**group(2, [1, 2, 3], 0, keyspace=7), "incoming": [1, 2, 4], "doubtful": [3]}
    view = Asker([("127.0.0.1", fake.port, "", "")]).view()
    assert under_way(view) == [
        "group 2: members 1, 2, 3, shall be 1, 2, 3; majorities of both decide",
        "group 2: node 3 is told all registers anew",
    ]
    assert [row.id for row in view.held_by(4)] == [2]


def test_status_of_the_logs_asks_each_node(cli, fake):
    result = cli.invoke(command, ["status", "--logs", "--node", fake.url])
    assert result.exit_code == 0
    assert result.output.splitlines()[0].split()[:4] == ["node", "address", "role", "term"]


def test_the_plan_and_following_it(cli, fake):
    fake.plan = ["1. group 1 is split at slot 8192: it is large"]
    result = cli.invoke(command, ["rebalance", "--plan", "--node", fake.url])
    assert (result.exit_code, result.output) == (0, "1. group 1 is split at slot 8192: it is large\n")
    fake.nodes[2]["state"] = "joining"
    fake.plan = ["1. group 1 is split at slot 8192: it is large"]
    fake.on_cluster_merge("2", "1")
    result = cli.invoke(command, ["rebalance", "--node", fake.url])
    assert result.exit_code == 0
    assert result.output.splitlines() == [
        "move 5, slots 0-16383 from group 2 to 1 (50%)",
        "move 5, slots 0-16383 from group 2 to 1 (100%)",
        "1. group 1 is split at slot 8192: it is large",
        "in balance",
    ]
    nothing = cli.invoke(command, ["rebalance", "--plan", "--node", fake.url])
    assert nothing.output == "nothing to do: every group is where it shall be\n"


def test_a_plan_is_asked_for_again_while_the_leadership_changes_hands(cli, fake, monkeypatch):
    monkeypatch.setattr(asking, "AGAIN_S", 0.005)
    fake.groups[0]["leader"] = 0
    looks = []

    def elect():
        looks.append(1)
        if len(looks) == 2:
            fake.groups[0]["leader"] = 1

    def ask_there():
        monkeypatch.delattr(fake, "on_cluster_plan")
        raise Refusal("ERR node 2 leads group 0: ask there")

    monkeypatch.setattr(fake, "_advance", elect)
    monkeypatch.setattr(fake, "on_cluster_plan", ask_there, raising=False)
    result = cli.invoke(command, ["rebalance", "--plan", "--node", fake.url])
    assert (result.exit_code, result.output) == (0, "nothing to do: every group is where it shall be\n")
    assert len(looks) == 3 and len(fake.told("CLUSTER", "PLAN")) == 2


def test_a_plan_of_nobody(cli, fake, monkeypatch):
    monkeypatch.setattr(asking, "PATIENT_S", 0.0)
    fake.groups[0]["leader"] = 0
    result = cli.invoke(command, ["rebalance", "--plan", "--node", fake.url])
    assert result.exit_code == 1
    assert "no node leads the system group" in result.output


def test_a_move_is_stopped(cli, fake):
    result = cli.invoke(command, ["rebalance", "--abort", "7", "--node", fake.url])
    assert (result.exit_code, result.output) == (0, "move 7 is aborted: its slots stay where they are\n")
    assert fake.told("CLUSTER", "MOVE") == [["CLUSTER", "MOVE", "ABORT", "7"]]


def test_a_rebalance_that_takes_too_long(cli, fake):
    fake.stuck = True
    fake.plan = ["1. node 3 leaves: it is empty"]
    result = cli.invoke(command, ["rebalance", "--timeout", "0.1", "--node", fake.url])
    assert result.exit_code == 1
    assert "not within the time given; it waits for: 1. node 3 leaves" in result.output


@pytest.mark.parametrize(
    ("words", "heard"),
    [
        (["split", "1"], ["CLUSTER", "SPLIT", "1"]),
        (["split", "1", "4096"], ["CLUSTER", "SPLIT", "1", "4096"]),
        (["merge", "2", "1"], ["CLUSTER", "MERGE", "2", "1"]),
    ],
)
def test_split_and_merge_are_followed_to_their_end(cli, fake, words, heard):
    result = cli.invoke(command, [*words, "--node", fake.url])
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0] == "move 5 has begun"
    assert "(50%)" in result.output.splitlines()[1]
    assert result.output.splitlines()[-1] == "move 5 is over"
    assert fake.told(*heard[:2]) == [heard]


def test_split_need_not_be_waited_for(cli, fake):
    result = cli.invoke(command, ["split", "1", "--no-wait", "--node", fake.url])
    assert result.output == "move 5 has begun; `trivet status` shows its progress\n"
    assert not fake.told("CLUSTER", "STATE")
    assert (
        "`trivet status` shows what there is"
        in cli.invoke(command, ["split", "9", "--node", fake.url]).output
    )
    assert cli.invoke(command, ["merge", "1", "1"]).exit_code == 2
    assert cli.invoke(command, ["split", "1", "16384"]).exit_code == 2


def test_keyspaces(cli, fake):
    def say(*words):
        return cli.invoke(command, ["keyspace", *words, "--node", fake.url])

    options = ["--name", "orders", "--replicas", "3", "--shards", "4", "--together"]
    assert say("create", "20", *options).output == "keyspace 20 is there: SELECT orders\n"
    said = ["MODE", "raft", "NAME", "orders", "REPLICAS", "3", "SHARDS", "4", "TOGETHER"]
    assert fake.heard[-1] == ["KEYSPACE", "CREATE", "20", *said]
    listed = say("list").output.splitlines()
    assert listed[0].split() == ["keyspace", "name", "mode", "replicas", "shards", "databases"]
    assert listed[2].split() == ["20", "db20", "raft", "3", "auto", "20"]
    assert [row["number"] for row in json.loads(say("list", "--json").output)] == [0, 20]
    told = say("info", "20").output.splitlines()
    assert "keys: 12" in told
    assert "  id=1  slots=0-16383  members=1,2,3  leader=2" in told
    assert json.loads(say("info", "20", "--json").output)["groups"][0]["members"] == [1, 2, 3]
    refused = say("drop", "20")
    assert refused.exit_code == 1
    assert refused.output == "Error: the keyspace holds 3 keys: empty it first, or say --force\n"
    assert say("drop", "20", "--force").output == "keyspace 20 is no more\n"
    assert "`trivet status` shows what there is" in say("info", "20").output
    assert say("create", "0").exit_code == 2
    assert say("create", "7", "--mode", "paxos", "--replicas", "5").exit_code == 0
    assert fake.heard[-1] == ["KEYSPACE", "CREATE", "7", "MODE", "paxos", "REPLICAS", "5"]
    assert say("create", "8", "--mode", "crdt").exit_code == 2


def test_an_older_node_is_named_as_such(cli, fake):
    fake.on_cluster_plan = None
    result = cli.invoke(command, ["rebalance", "--plan", "--node", fake.url])
    assert result.exit_code == 1
    assert "is it of an older version?" in result.output


@pytest.mark.parametrize("reply", [5, b"x", [b"a"], [1, 2], [b"nodes", []], [b"nodes", 5, b"groups", []]])
def test_what_is_no_state_is_refused(reply):
    with pytest.raises(ValueError):
        read_view(reply)


def test_maps_come_flat_or_in_pairs_and_what_is_unknown_is_passed_over():
    row = [[b"id", 4], [b"members", [1, 2]], [b"leader", None], [b"new", [b"x"]]]
    view = read_view([[b"nodes", []], [b"groups", [row]], [b"colour", b"blue"]])
    assert (view.groups[0].id, view.groups[0].members, view.groups[0].leader) == (4, [1, 2], 0)
    assert view.groups[0].keys is None
    assert table([b"A", 1]) == {"a": 1}
    assert plain([b"a", [1, 2], b"b", None]) == {"a": [1, 2], "b": None}
    assert encode({"a": [1]}) == b"*2\r\n$1\r\na\r\n*1\r\n:1\r\n"


def test_a_cluster_that_has_no_leader_just_now_is_asked_again(cli, fake, monkeypatch):
    monkeypatch.setattr(asking, "AGAIN_S", 0.005)
    answers = [Refusal("CLUSTERDOWN nobody leads"), Refusal("TRYAGAIN soon"), "OK"]
    fake.on_cluster_undrain = lambda number: answers.pop(0)
    assert cli.invoke(command, ["leave", "3", "--cancel", "--node", fake.url]).exit_code == 0
    monkeypatch.setattr(asking, "PATIENT_S", 0.0)
    fake.on_cluster_undrain = lambda number: Refusal("CLUSTERDOWN nobody leads")
    result = cli.invoke(command, ["leave", "3", "--cancel", "--node", fake.url])
    assert result.exit_code == 1
    assert "CLUSTERDOWN nobody leads: a majority of the system group's nodes must run" in result.output


def test_what_must_not_be_done_twice_is_said_again_only_when_nothing_was_done(cli, fake, monkeypatch):
    monkeypatch.setattr(asking, "AGAIN_S", 0.005)
    answers = [Refusal("CLUSTERDOWN not founded yet; nothing was done"), 5]
    fake.on_cluster_split = lambda number: answers.pop(0)
    split = ["split", "1", "--no-wait", "--node", fake.url]
    assert cli.invoke(command, split).exit_code == 0
    answers += [Refusal("TIMEOUT it may have been done"), 5]
    assert cli.invoke(command, split).exit_code == 1
    assert answers == [5]
