"""Role: ids, instants, chance, limits, errors, checksums, disk jobs: what every room may use.

Floor: 0.
On the path: nothing of its own.
"""
