"""Rows: plain data that grows at the end."""

import msgspec
import pytest

from trivet.core.cluster.rows import GroupRow, KeyspaceRow, Member, MoveRow, NodeRow


def test_a_member_has_no_other_fields():
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"id": 1, "host": "h", "client_port": 1, "peer_port": 2, "zone": "a"}, Member)


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        (NodeRow, [1, "h", 7001, 17001]),
        (KeyspaceRow, [0, "default", "raft", 3, []]),
        (GroupRow, [1, 0, [[0, 16383]], [1], [1], [], [1]]),
        (MoveRow, [1, 1, 2, [[0, 5]], "copy", 9, "why"]),
    ],
)
def test_what_was_written_before_fields_were_added_is_still_read(kind, first):
    row = msgspec.convert(first, kind)
    written = msgspec.to_builtins(row)
    assert len(written) > len(first)
    assert msgspec.convert([*written, "a later version's field"], kind) == row


def test_rows_do_not_share_what_they_hold():
    one, other = NodeRow(1, "h", 1, 2), NodeRow(2, "h", 1, 2)
    assert one.labels is not other.labels
