"""Every file of the room that declares commands is imported."""

from pathlib import Path

import trivet.core.script
from trivet.core.command.table import ROWS, SUBROWS
from trivet.core.script.rows import FAMILIES


def test_all_are_there():
    here = Path(trivet.core.script.__path__[0])
    files = {path.stem for path in here.glob("*_rows.py")}
    assert files <= {family.__name__.rsplit(".", 1)[1] for family in FAMILIES}
    for name in (
        b"EVAL",
        b"EVALSHA",
        b"EVAL_RO",
        b"EVALSHA_RO",
        b"FCALL",
        b"FCALL_RO",
        b"SCRIPT",
        b"FUNCTION",
    ):
        assert ROWS[name].logged is not name.endswith(b"_RO")
    assert set(SUBROWS[b"SCRIPT"]) == {b"LOAD", b"EXISTS", b"FLUSH", b"KILL", b"DEBUG", b"HELP"}
