"""Bugs of other systems as edits of our sources, and what looks for them. See README.md."""
