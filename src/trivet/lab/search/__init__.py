"""Search: many runs, and what is done with the one that fails.

Role: runs campaigns over seeds, writes failing runs down, replays, shrinks and draws them.
Floor: 7, a part of the lab.
On the path: gets a range of seeds or a replay file → gives lines, a summary, files and an exit code.
"""
