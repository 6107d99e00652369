"""The keys of one bucket: the piece in which state is written out and digested."""

from trivet.core.values.codec import Item
from trivet.core.values.deadlines import Deadlines
from trivet.core.values.table import Table
from trivet.core.values.types import Value


def bucket_items(table: Table[Value], deadlines: Deadlines, bucket: int) -> list[Item]:
    """The keys of ``bucket`` with values and deadlines (-1: none), in their order."""
    if not deadlines:
        return [(key, value, -1) for key, value in table.bucket(bucket).items()]
    items: list[Item] = []
    for key, value in table.bucket(bucket).items():
        deadline_ms = deadlines.get(key)
        items.append((key, value, -1 if deadline_ms is None else deadline_ms))
    return items
