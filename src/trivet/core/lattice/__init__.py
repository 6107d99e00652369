"""Role: delta CRDTs: what a replica of a group without any order of updates holds, and how two become one.

Floor: 1.
On the path: updates of keys -> changed cells, deltas for others.
"""
