"""Where a node is."""

import pytest

from trivet.client.address import NodeAddress


@pytest.mark.parametrize(
    ("url", "address", "shown"),
    [
        ("redis://127.0.0.1:7001", NodeAddress("127.0.0.1", 7001), "127.0.0.1:7001"),
        ("localhost:7002", NodeAddress("localhost", 7002), "localhost:7002"),
        ("redis://host", NodeAddress("host", 7001), "host:7001"),
        ("redis://:p%40ss@host:1", NodeAddress("host", 1, "", "p@ss"), "host:1"),
        ("redis://me:x@[::1]:7001", NodeAddress("::1", 7001, "me", "x"), "[::1]:7001"),
    ],
)
def test_addresses(url, address, shown):
    assert NodeAddress.parse(url) == address
    assert str(NodeAddress.parse(url)) == shown


@pytest.mark.parametrize("url", ["http://host:1", "redis://", "redis://host:x", "redis://host:99999"])
def test_what_is_none(url):
    with pytest.raises(ValueError, match="is no address of a node"):
        NodeAddress.parse(url)
