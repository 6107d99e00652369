"""Role: judges: they know a history and final states, and say what cannot be true of a correct store.

Floor: 6.
On the path: a run's history -> complaints.
"""
