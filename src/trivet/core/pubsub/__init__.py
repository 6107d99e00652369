"""Role: publish/subscribe: who listens to what, here and on other nodes.

Floor: 2.
On the path: SUBSCRIBE and PUBLISH of clients, messages of peers -> bytes for subscribers, messages for peers.
"""
