"""Tests whose doubles stand for classes of the room, or change them: not where those are compiled."""

from importlib.util import find_spec

import pytest


def _is_pure() -> bool:
    spec = find_spec("trivet.core.group.paxos_group")
    return spec is not None and str(spec.origin).endswith(".py")


only_pure = pytest.mark.skipif(not _is_pure(), reason="compiled classes have no doubles")
