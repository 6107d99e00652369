"""Members of groups that need no quorum, as a conversation."""


def test_conversation(replay):
    replay("copies")
