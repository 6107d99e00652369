"""Role: one member of a Raft group.

Floor: 2.
On the path: proposals and messages -> entries, messages, committed entries.
"""
