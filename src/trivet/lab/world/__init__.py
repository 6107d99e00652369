"""Role: the simulated world: virtual time, network, disks, clocks, processes, clients, faults.

Floor: 7, inside the lab, below whatever runs or directs it.
On the path: options → a cluster of real nodes that lives through its phases → history, trace, recording.
"""
