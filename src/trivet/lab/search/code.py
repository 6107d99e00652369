"""Which code ran: the version, the commit where one can be told, and a digest of the sources.

A seed repeats a run only on the same code, so whoever replays wants to know whether it is the same.
"""

import functools
import hashlib
import os
import subprocess
from pathlib import Path

import msgspec

import trivet


class CodeVersion(msgspec.Struct, frozen=True):
    """What a replay file says of the code that wrote it."""

    version: str
    commit: str = ""
    """Empty when nobody knows."""
    sources: str = ""
    """A digest over all files of the package: equal digests, equal runs."""

    def text(self) -> str:
        """For people."""
        commit = f" commit {self.commit}" if self.commit else ""
        return f"trivet {self.version}{commit} sources {self.sources}"


@functools.cache
def code_version() -> CodeVersion:
    """This code. Asked for early and kept: the files may change while a campaign runs."""
    root = Path(trivet.__file__).parent
    return CodeVersion(trivet.__version__, _commit(root), _sources(root))


def _commit(root: Path) -> str:
    """From the environment, else from git; ``-dirty`` when files differ from the commit."""
    told = os.environ.get("TRIVET_COMMIT", "")
    if told:
        return told
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _sources(root: Path) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
