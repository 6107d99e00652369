"""The birth of a data directory: a random number that it is given when it is made, and keeps.

The cluster knows a node by its id and its birth. A directory that was lost and made anew has another
one: it has forgotten its votes, and is no longer that node.
"""

import contextlib
import os
import secrets
from pathlib import Path

from trivet.core.base.errors import StartError

BIRTH_FILE = "birth"
_BIRTH_MAX = 2**62


def birth_of(directory: Path) -> int:
    """The birth of ``directory``, which is made, and born, if need be. Raises ``StartError``."""
    path = directory / BIRTH_FILE
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _bear(path)
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise StartError(f"cannot use the data directory {directory}: {error.strerror}") from error
    if not text.isdecimal() or not 0 < int(text) <= _BIRTH_MAX:
        raise StartError(
            f"{path} is damaged: restore it; or remove the directory {directory} and let this node join "
            "again under a new id"
        )
    return int(text)


def _bear(path: Path) -> None:
    """Durably. Of two processes that do it at once, one wins."""
    beside = path.with_name(f"{BIRTH_FILE}.{os.getpid()}.new")
    with beside.open("w", encoding="ascii") as file:
        file.write(f"{1 + secrets.randbelow(_BIRTH_MAX)}\n")
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(beside, path)
    beside.unlink()
    directory_fd = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory_fd)
    finally:
        os.close(directory_fd)
