"""Role: transactions over groups: two-phase commit with a replicated decision.

Floor: 2.
On the path: a call about keys of several groups -> locks, one decision, effects.
"""
