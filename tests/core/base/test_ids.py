from trivet.core.base.ids import NO_NODE


def test_no_node_is_below_all_nodes():
    assert NO_NODE == 0
