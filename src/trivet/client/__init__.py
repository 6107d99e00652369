"""Role: programs that use a cluster as any client would, and what they need to speak to it.

Floor: 6.
On the path: lines and calls of people and programs -> commands for a node.
"""
