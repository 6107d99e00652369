"""The planner: plans as a conversation, and what it makes of reports."""


def test_conversation(replay):
    replay("planner")
