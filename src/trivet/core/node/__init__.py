"""Role: one whole node, still without IO.

Floor: 6.
On the path: inputs -> effects.
"""
