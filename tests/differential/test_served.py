"""Every command of redis-server 7.0 is served, or listed with its reason in docs/compatibility.md."""

from pathlib import Path

import pytest

import trivet.core.script.rows  # noqa: F401 (fills the table)
from tests.differential.harness import Oracle
from trivet.core.command.table import ROWS, SUBROWS

DOC = Path(__file__).parents[2] / "docs" / "compatibility.md"

pytestmark = pytest.mark.skipif(not Oracle.is_there(), reason="redis-server 7.0 is not installed")


def is_served(name: str) -> bool:
    whole, _, part = name.upper().encode().partition(b"|")
    return part in SUBROWS.get(whole, {}) if part else whole in ROWS


def is_listed(name: str, section: str) -> bool:
    """As `NAME`, or as `NAME SUB` or `SUB` in the row of its container."""
    whole, _, part = name.upper().partition("|")
    if not part:
        return f"`{whole}`" in section
    return any(
        f"`{whole}" in row and (f"`{part}`" in row or f"`{whole} {part}`" in row)
        for row in section.splitlines()
    )


def test_every_command_of_redis_is_served_or_listed() -> None:
    oracle = Oracle()
    try:
        reply = oracle.run_all(2, [[b"COMMAND", b"LIST"]])[0]
    finally:
        oracle.close()
    names = [name.decode() for _, name in reply[1]]
    assert len(names) > 350
    section = DOC.read_text().partition("## Commands that are not served")[2]
    assert [name for name in names if not is_served(name) and not is_listed(name, section)] == []
