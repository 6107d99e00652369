"""Bugs planted into copies of the sources: the card must say which promise they break."""

import json
import os
import subprocess
import sys

import pytest
from mutants.planting import copy_sources, replace

PLAY = """
import json
from trivet.lab.cap.card import play
from trivet.lab.cap.modes import MODE_ROWS
from trivet.lab.cap.promises import broken
from trivet.lab.cap.troubles import TROUBLES
mode = next(mode for mode in MODE_ROWS if mode.name == {mode!r})
trouble = next(trouble for trouble in TROUBLES if trouble.name == {trouble!r})
square, _ = play(mode, trouble, 1)
print(json.dumps(broken(mode, trouble, square)))
"""

READS_UNASKED = [
    (
        "core/raft/leader.py",
        "reached[progress.peer] = progress.read_seq",
        "reached[progress.peer] = reads.seq",
    ),
    ("core/raft/leader.py", "if asks and not leading.voting:", "if asks:"),
]
COMMITS_ALONE = [("core/quorum/majority.py", "values[(len(values) - 1) // 2]", "values[-1]")]
NEVER_REFUSES = [("core/node/config.py", "command_timeout_ms: int = 5000", "command_timeout_ms: int = 50000")]


def broken_with(tmp_path, edits, mode, trouble):
    copy_sources(tmp_path)
    for edit in edits:
        replace(tmp_path, *edit)
    done = subprocess.run(
        [sys.executable, "-c", PLAY.format(mode=mode, trouble=trouble)],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, check=True, timeout=240,
    )  # fmt: skip
    return "\n".join(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    ("edits", "mode", "trouble", "words"),
    [
        pytest.param(
            READS_UNASKED,
            "raft",
            "cut",
            ["reads are stale", "the judge says that it is not"],
            marks=pytest.mark.soak,
        ),
        (
            COMMITS_ALONE,
            "raft",
            "cut",
            ["acknowledged writes are lost", "reads are stale", "no quorum of voters"],
        ),
        (NEVER_REFUSES, "raft", "split", ["got no answer at all"]),
        pytest.param(NEVER_REFUSES, "paxos", "split", ["got no answer at all"], marks=pytest.mark.soak),
    ],
    ids=["stale-reads", "lost-writes", "silent-raft", "silent-paxos"],
)
def test_the_card_says_what_is_broken(tmp_path, edits, mode, trouble, words):
    told = broken_with(tmp_path, edits, mode, trouble)
    for word in words:
        assert word in told
