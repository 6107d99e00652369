"""Updates as messages of bounded size."""

from collections import deque

from trivet.core.gossip.messages import Updates
from trivet.core.gossip.retained import size_of
from trivet.core.lattice.delta import Delta


def portions_of(deltas: list[Delta], bytes_max: int) -> list[Updates]:
    """Messages of about ``bytes_max`` each; a larger update goes alone."""
    messages: list[Updates] = []
    portion: list[Delta] = []
    size = 0
    for delta in deltas:
        one = size_of(delta)
        if portion and size + one > bytes_max:
            messages.append(Updates(portion))
            portion, size = [], 0
        portion.append(delta)
        size += one
    if portion:
        messages.append(Updates(portion))
    return messages


def take_portion(deltas: deque[Delta], bytes_max: int) -> list[Delta]:
    """The first of them, until there are so many bytes; at least one, if there is any."""
    portion: list[Delta] = []
    size = 0
    while deltas and size < bytes_max:
        delta = deltas.popleft()
        portion.append(delta)
        size += size_of(delta)
    return portion
