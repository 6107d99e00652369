"""Role: what a client may say: the table, and one file per family.

Floor: 2.
On the path: request -> call -> reply.
"""
