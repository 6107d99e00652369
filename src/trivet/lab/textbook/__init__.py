"""Textbook protocols, small and whole: two-phase commit, single-decree Paxos, a register, eventual copies.

Role: the protocols as their papers have them, for teaching, on the lab's own virtual time.
Floor: 7, inside ``lab``; nothing of the store uses it.
On the path: gets a seed and a script, gives a recording that pictures and stories are made of.
"""
