import msgspec
import pytest

from trivet.core.base.limits import MIB, Limits


def test_every_limit_is_positive_and_named_with_its_unit():
    limits = Limits()
    for name in limits.__struct_fields__:
        assert getattr(limits, name) > 0, name
        assert any(name.endswith(unit) for unit in ("_max", "_bytes", "_ms")), name


def test_limits_fit_into_each_other():
    limits = Limits()
    assert limits.append_bytes_max <= limits.peer_frame_bytes_max
    assert limits.call_bytes_max < limits.peer_frame_bytes_max
    assert limits.snapshot_chunk_bytes < limits.peer_frame_bytes_max
    assert limits.client_output_pause_bytes < limits.client_output_bytes_max
    assert limits.segment_bytes <= limits.snapshot_log_bytes


def test_unknown_names_are_refused():
    assert msgspec.convert({"segment_bytes": MIB}, Limits).segment_bytes == MIB
    with pytest.raises(msgspec.ValidationError, match="segmentbytes"):
        msgspec.convert({"segmentbytes": 1}, Limits)
