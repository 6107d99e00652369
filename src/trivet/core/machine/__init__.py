"""Role: what a replica does with a committed entry: apply, sessions, digest, snapshot.

Floor: 4.
On the path: committed entry -> new state, replies.
"""
