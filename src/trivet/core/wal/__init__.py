"""Role: records <-> bytes on disk: the write-ahead log and the snapshot files.

Floor: 1.
On the path: entries of all groups -> one append -> one sync.
"""
