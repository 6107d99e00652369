"""Lua scripts and functions: ``EVAL``, ``SCRIPT``, ``FUNCTION``, ``FCALL``.

Role: runs a script on every replica, with the same outcome, in a sandbox with limits.
Floor: 3.
On the path: a call of a script -> what its commands change, and one reply (step 7).
"""
