"""Scenes of one Raft group in memory, for rows about membership: no node, no disk, only the members and their judges.

`runs` is a random run in which the membership changes all the time; any other name is a conversation of
`tests/core/raft/testdata`, which has to go as it is written down. Both come from the tests of the room.
"""

from pathlib import Path

from tests.core.raft import harness, runs
from tests.core.raft.conversation import Conversation
from tests.core.scripts import replay
from trivet.lab.judges.complaint import Complaint

TESTDATA = Path(__file__).resolve().parents[2] / "core" / "raft" / "testdata"
PREFIX = "raft:"


def play(scene: str, seed: int) -> list[Complaint]:
    """What is said of `scene`, a name that begins with `raft:`."""
    name = scene.removeprefix(PREFIX)
    try:
        if name == "runs":
            runs.run_with_changes(harness, seed)
        else:
            replay(TESTDATA / f"{name}.txt", Conversation().run, False)
    except AssertionError as error:
        said = str(error).strip().splitlines()
        words = said[0] if said and "----" not in str(error) else "the conversation goes otherwise"
        return [Complaint("raft", words or "an assertion of the core", [])]
    return []
