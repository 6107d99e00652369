"""From INFO to what the supervisor and the live view need."""

from trivet.cli.live import table_of
from trivet.cli.watch import NodeView, number, view_of


def test_a_node_serves_when_it_knows_a_leader():
    info = {
        "raft_role": "follower",
        "raft_term": "4",
        "raft_leader": "2",
        "raft_commit_index": "9",
        "db0": "keys=3",
    }
    view = view_of(info, 5.0)
    assert (view.role, view.term, view.leader, view.commit, view.keys, view.ops_per_s) == (
        "follower",
        4,
        2,
        9,
        3,
        5.0,
    )
    assert view.serving
    assert not view_of({**info, "raft_leader": "0"}, 0.0).serving
    assert not view_of({}, 0.0).serving
    assert view_of({**info, "trivet_founded": "1"}, 0.0).serving
    assert not view_of({**info, "trivet_founded": "0"}, 0.0).serving, "not before the cluster is founded"


def test_a_number_that_is_none():
    assert number({"a": "x"}, "a") == number({}, "a") == 0


def test_the_table_shows_dead_and_silent_nodes():
    rows = [
        {"id": i, "pid": pid, "client_port": 7000 + i, "peer_port": 0, "directory": ""}
        for i, pid in ((1, 5), (2, 0), (3, 6))
    ]
    table = table_of(rows, [NodeView("leader", 2, 1, 1234, 5, 99.6), None, None])
    cells = [[str(cell) for cell in column.cells] for column in table.columns]
    assert cells[2] == ["leader", "down", "no answer"]
    assert cells[4] == ["1,234", "", ""]
    assert cells[6] == ["100", "", ""]
