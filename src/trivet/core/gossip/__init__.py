"""Role: how replicas without any order of updates hear of each other's: at once, later, or by an exchange.

Floor: 2.
On the path: own updates, messages -> messages, updates to be taken and logged.
"""
