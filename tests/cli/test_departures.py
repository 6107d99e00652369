"""Nodes that have left are noticed, and none that has not."""

from trivet.cli.departures import Departures
from trivet.cli.view import NodeFacts, View


def view(*numbers):
    nodes = [
        NodeFacts(id=n, host="h", client_port=1, peer_port=2, state="up", zone="", alive=True)
        for n in numbers
    ]
    return View(cluster="ab", epoch=1, asked=1, nodes=nodes, keyspaces=[], groups=[], moves=[])


def test_only_who_is_missing_again_and_again_has_left():
    seen = Departures(lambda: [1, 2, 3], lambda: None)
    seen.note(view(1, 2))
    seen.note(view(1, 2, 3))
    for _ in range(2):
        seen.note(view(1, 3))
    assert seen.gone == frozenset()
    seen.note(view(1, 3))
    assert seen.gone == {2}


def test_a_map_without_any_node_is_no_map_yet():
    seen = Departures(lambda: [1], lambda: None)
    for _ in range(5):
        seen.note(view())
    assert seen.gone == frozenset()
