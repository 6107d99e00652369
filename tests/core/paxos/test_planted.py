"""Planted bugs: the random runs or the scripts notice every one of them. Without them nobody notices anything."""

from types import ModuleType

import pytest


FAST = [bug for bug in table.BUGS if bug.seeds <= 60]
SLOW = [bug for bug in table.BUGS if bug.seeds > 60]
