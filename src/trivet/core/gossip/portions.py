"""Updates as messages of bounded size: each is decoded and taken in one go, so it is never large."""

from collections import deque

import msgspec

from trivet.core.gossip.bundles import BUNDLE_BYTES, Bundle
from trivet.core.gossip.messages import Updates


def portions_of(bundles: list[Bundle], bytes_max: int) -> list[Updates]:
    """Messages of about ``bytes_max`` each, and not more than a bundle may be; a larger one goes alone."""
    if len(bundles) == 1:
        return [Updates(msgspec.Raw(bundles[0].data))]
    bytes_max = min(bytes_max, BUNDLE_BYTES)
    messages: list[Updates] = []
    portion: Bundle | None = None
    for bundle in bundles:
        if portion is None:
            portion = bundle.copy()
        elif not portion.join(bundle, bytes_max):
            messages.append(Updates(msgspec.Raw(portion.data)))
            portion = bundle.copy()
    if portion is not None:
        messages.append(Updates(msgspec.Raw(portion.data)))
    return messages


def take_portion(bundles: deque[Bundle], bytes_max: int) -> list[Bundle]:
    """The first of them, until there are so many bytes; at least one, if there is any."""
    portion: list[Bundle] = []
    size = 0
    while bundles and size < bytes_max:
        bundle = bundles.popleft()
        portion.append(bundle)
        size += bundle.bytes
    return portion
