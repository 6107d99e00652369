"""Role: values in the byte format of Redis' RDB files, as ``DUMP`` and ``RESTORE`` exchange them.

Floor: 1, inside the room of the values.
On the path: a value -> a payload; a payload, which may be hostile -> a value, or ``ValueError``.
"""
