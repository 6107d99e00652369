"""Role: one whole node, still without IO.

Floor: 5.
On the path: inputs -> effects.
"""
