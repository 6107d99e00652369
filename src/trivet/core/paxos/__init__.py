"""Role: CASPaxos registers: one member of a group that has no leader.

Floor: 2.
On the path: operations and messages -> messages, saves, replies.
"""
