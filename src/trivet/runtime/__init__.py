"""Role: the real world, for one node: sockets, disk threads, the clock, signals, configuration, logs.

Floor: 7.
On the path: bytes from sockets -> inputs of the node; effects of the node -> sockets and files.
"""
