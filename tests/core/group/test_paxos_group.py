"""The group of mode ``paxos``."""
