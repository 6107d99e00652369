"""With which nodes a node is in touch."""

from trivet.core.node.touch import Touch


def test_since_when():
    touch = Touch(1_000)
    assert (touch.since(2), touch.silent_ms(2, 1_500)) == (0, 500)
    touch.up(2, 77)
    assert (touch.since(2), touch.silent_ms(2, 1_600)) == (77, 0)
    touch.lost(2, 2_000)
    touch.lost(2, 2_500)
    assert (touch.since(2), touch.silent_ms(2, 3_000)) == (0, 1_000)
