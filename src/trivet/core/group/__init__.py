"""Role: one replica of one group.

Floor: 4.
On the path: the turn's calls -> one proposal; committed entries -> replies.
"""
