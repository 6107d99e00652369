"""Role: other people's tests: a pytest plugin with a cluster in virtual time and a cluster of real processes.

Floor: 8.
On the path: a test function -> faults at the moments that it names, a verdict, a picture of what went wrong.
"""
