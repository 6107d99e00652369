"""What is known of nodes by way of others."""

from trivet.core.steward.hearsay import OwnEars


def test_without_others_nobody_is_heard_elsewhere() -> None:
    ears = OwnEars()
    assert ears.is_dead(2)
    assert ears.alive_ms(2, 5_000) == 0
