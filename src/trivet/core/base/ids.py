"""Identities and instants: plain integers with names.

``Instant`` is a point of the driver's monotonic clock, in milliseconds; ``WallMs``
is Unix time in milliseconds. The two are never compared with each other.
"""

NodeId = int
"""One node of the cluster, >= 1. 0 means "none"."""

GroupId = int
"""One replica set, >= 1; 0 is the system group."""

ConnectionId = int
"""One client connection of one node; the driver numbers them and never reuses one."""

LinkId = int
"""One accepted peer connection; numbered like client connections."""

Term = int
Index = int
Instant = int
WallMs = int

NO_NODE: NodeId = 0
SYSTEM_GROUP: GroupId = 0
"""The group of all nodes, which holds the cluster map."""
