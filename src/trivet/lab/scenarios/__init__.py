"""Scenarios told as stories: short real runs that explain one thing each.

Role: scripts that direct a run, narrate it, and check that what they tell happened; and how they are told.
Floor: 7, inside ``lab``, above the stage, the textbook and the pictures.
On the path: gets a name and a seed, gives a story with its recording, facts and verdict.
"""
