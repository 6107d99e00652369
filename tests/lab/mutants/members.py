"""Scenes of one Raft group in memory, for rows about membership: no node, no disk, only the members and their judges.

`runs` is a random run in which the membership changes all the time; any other name is a conversation of
`tests/core/raft/testdata`, which has to go as it is written down. Both come from the tests of the room.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from trivet.lab.judges.complaint import Complaint

ROOM = Path(__file__).resolve().parents[2] / "core" / "raft"
PREFIX = "raft:"


def _load(name: str) -> ModuleType:
    full_name = f"mutants_raft_{name}"
    if full_name in sys.modules:
        return sys.modules[full_name]
    spec = importlib.util.spec_from_file_location(full_name, ROOM / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[full_name] = module
    spec.loader.exec_module(module)
    return module


def play(scene: str, seed: int) -> list[Complaint]:
    """What is said of `scene`, a name that begins with `raft:`."""
    harness = _load("harness")
    name = scene.removeprefix(PREFIX)
    try:
        if name == "runs":
            _load("runs").run_with_changes(harness, seed)
        else:
            conversations = _load("conversation")
            conversation = conversations.Conversation(
                harness.Group, harness.Flight, harness.show, harness.show_membership
            )
            conversations.replay(ROOM / "testdata" / f"{name}.txt", conversation, False)
    except AssertionError as error:
        said = str(error).strip().splitlines()
        words = said[0] if said and "----" not in str(error) else "the conversation goes otherwise"
        return [Complaint("raft", words or "an assertion of the core", [])]
    return []
