"""Role: the cluster map: nodes, keyspaces, groups, slots, moves, placement.

Floor: 2.
On the path: key -> slot -> group -> node.
"""
