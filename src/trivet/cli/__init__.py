"""Role: the commands that people type.

Floor: 8.
On the path: words -> a running cluster, a report, an exit code.
"""
