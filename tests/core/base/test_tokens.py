from trivet.core.base.tokens import Tokens


def test_tokens_rise_from_one():
    tokens = Tokens()
    assert [tokens.next() for _ in range(3)] == [1, 2, 3]
    assert Tokens().next() == 1
