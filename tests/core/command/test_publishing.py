"""Publishing inside transactions and scripts; the rows are compared with redis-server's elsewhere."""

from tests.core.command.dialogue import Replica
from trivet.core.command.table import ROWS, SUBROWS, Place


def test_it_is_noted_for_the_node_and_nobody_is_counted():
    replica = Replica()
    assert replica.run("PUBLISH x 1") == 0
    assert replica.run("SPUBLISH x 2") == 0
    assert replica.context.published == [(False, b"x", b"1"), (True, b"x", b"2")]


def test_only_publishing_may_stand_in_a_transaction():
    rows = [row for row in ROWS.values() if row.group == "pubsub"]
    assert len(rows) == 9
    assert all(row.place is Place.SESSION for row in rows)
    assert [row.name for row in rows if row.run is not None] == ["publish", "spublish"]
    assert len(SUBROWS[b"PUBSUB"]) == 6
