"""Imports every family, so that the table is complete. Import this before reading ``ROWS``."""

from types import ModuleType
from typing import Final

from trivet.core.command import (
    counters,
    hashes,
    keys,
    keys_expiry,
    lcs,
    lists,
    lists_moves,
    lists_waiting,
    objects,
    server,
    session_rows,
    sets,
    sets_algebra,
    sorted_sets,
    sorted_sets_algebra,
    sorted_sets_ends,
    sorted_sets_ranges,
    sorted_sets_waiting,
    strings,
)

FAMILIES: Final[tuple[ModuleType, ...]] = (
    strings,
    counters,
    lcs,
    keys,
    keys_expiry,
    objects,
    server,
    session_rows,
    hashes,
    lists,
    lists_moves,
    lists_waiting,
    sets,
    sets_algebra,
    sorted_sets,
    sorted_sets_algebra,
    sorted_sets_ends,
    sorted_sets_ranges,
    sorted_sets_waiting,
)
