"""Role: who may do what: users, their rules, and the verdict on a call.

Floor: 3.
On the path: call -> allowed, or why not.
"""
