"""Role: majorities: pure functions over acknowledgements and votes.

Floor: 1.
On the path: acknowledged indexes -> committed index.
"""
