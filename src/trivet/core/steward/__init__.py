"""Role: keeps a node's groups as the cluster map wants them: members, leaders, slots on their way.

Floor: 6.
On the path: nowhere; every tick it compares what is with what shall be, and says the next step in some log.
"""
