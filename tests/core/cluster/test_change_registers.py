"""Members of groups without a log, as a conversation."""


def test_conversation(replay):
    replay("registers")
