"""Role: the cluster map: nodes, groups, slots.

Floor: 2.
On the path: key -> slot -> group -> node.
"""
