"""Imports every row there is, those of this room included. Whoever runs commands imports this."""

from types import ModuleType
from typing import Final

from trivet.core.command import all_rows
from trivet.core.script import eval_rows, function_rows, script_rows

FAMILIES: Final[tuple[ModuleType, ...]] = (*all_rows.FAMILIES, eval_rows, script_rows, function_rows)
