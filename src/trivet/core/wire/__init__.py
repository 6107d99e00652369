"""Role: bytes <-> values, for clients (RESP) and for peers (frames).

Floor: 1.
On the path: client bytes -> requests; replies -> client bytes; peer bytes <-> messages.
"""
