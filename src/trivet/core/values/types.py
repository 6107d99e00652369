"""The typed values that a key can hold.

A string is plain immutable ``bytes``: one object, no wrapper, because there are
the most of them. Everything else is a small class around a container.
"""

from typing import Union

from trivet.core.values.hash_value import Hash
from trivet.core.values.list_value import List
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.values.stream import Stream

Value = Union[bytes, Hash, List, Set, SortedSet, Stream]  # noqa: UP007
