"""The cluster that the attacks share."""

from tests.cluster.conftest import shared

__all__ = ["shared"]
