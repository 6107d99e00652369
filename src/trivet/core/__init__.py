"""Role: everything that decides. No IO, no clock, no chance of its own.

Floor: 0 to 6 (see the rooms).
On the path: client and peer bytes -> effects.
"""
