"""Trivet: a distributed data store that speaks the Redis protocol.

Start with ``ARCHITECTURE.md``; the rooms below are listed there in the order
in which a write walks through them.
"""

__version__ = "0.1.0"
