"""The first frame of a link between nodes (see ``peers``)."""

import msgspec

from trivet.core.base.ids import NodeId


class Hello(msgspec.Struct, array_like=True, tag=96, frozen=True):
    """The first frame of a link: who dials whom."""

    cluster: str
    node: NodeId
    to: NodeId
    format: int
