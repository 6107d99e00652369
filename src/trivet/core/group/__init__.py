"""Role: one replica of one group.

Floor: 5.
On the path: the turn's calls -> one proposal; committed entries -> replies.
"""
