from typing import get_args

from trivet.core.values.hash_value import Hash
from trivet.core.values.list_value import List
from trivet.core.values.set_value import Set
from trivet.core.values.sorted_set import SortedSet
from trivet.core.values.stream import Stream
from trivet.core.values.types import Value


def test_these_are_the_values():
    assert get_args(Value) == (bytes, Hash, List, Set, SortedSet, Stream)
