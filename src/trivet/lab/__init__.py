"""Role: the simulated world: N real nodes under virtual time, with faults and judges.

Floor: 7.
On the path: a seed -> a run -> a verdict.
"""
