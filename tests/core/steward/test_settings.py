"""The defaults fit together."""

from trivet.core.base.limits import Limits
from trivet.core.steward.settings import StewardSettings


def test_defaults():
    settings = StewardSettings()
    assert settings.silent_ms > 3 * settings.report_ms
    assert settings.move_slice_bytes <= settings.move_window_bytes <= Limits().call_bytes_max
    assert settings.warm_ms > settings.silent_ms
    assert settings.policy.grace_ms > settings.silent_ms
