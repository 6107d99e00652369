"""What can befall a simulated cluster, one function per kind of fault.

Role: the kinds of faults, and how each of them strikes and ends.
Floor: 7, a room of the lab.
On the path: gets a ground (the cluster, and chance) -> gives true when it struck.
"""
