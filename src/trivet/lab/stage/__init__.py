"""Role: a simulated cluster directed by hand: clients, tasks and Python's clock in virtual time.

Floor: 7, inside the lab, above its world.
On the path: a script or a test → what the cluster does → history, verdict, recording.
"""
