"""Role: what a replica holds: typed values, expiry, memory accounting.

Floor: 1.
On the path: (database, key) -> value.
"""
