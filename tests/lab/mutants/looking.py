"""Runs inside the mutated copy: seed after seed until a judge speaks; the last line printed is the outcome."""

import json
import sys
import time
import traceback

import msgspec

import trivet
from mutants import directed, members, scenes, schedules
from trivet.lab.judges.complaint import Complaint
from trivet.lab.runner import run
from trivet.lab.world.options import draw_options


def complaints_of(task: dict[str, object], seed: int) -> list[Complaint]:
    """What the judges say of one seed."""
    focus = dict(task["focus"])
    if str(task["scene"]).startswith(members.PREFIX):
        return members.play(str(task["scene"]), seed)
    if str(task["scene"]).startswith(directed.PREFIX):
        return directed.play(str(task["scene"]), seed)
    if task["scene"] == schedules.NAME:
        return schedules.play(seed)
    if task["scene"]:
        return scenes.play(str(task["scene"]), seed, focus)
    nodes, ops = int(focus.pop("nodes", 3)), int(focus.pop("ops", 200))
    try:
        found = run(msgspec.structs.replace(draw_options(seed, nodes, ops), **focus)).complaints
    except Exception:
        # A mutant may break the very loop of the lab: that is loud enough.
        last = traceback.format_exc().strip().splitlines()[-1]
        return [Complaint("crash", f"the run itself failed: {last}", [])]
    return [c for c in found if c.judge != "liveness" or task["liveness"]]


def main() -> None:
    """The task is the only argument, as JSON."""
    task = json.loads(sys.argv[1])
    assert trivet.__file__.startswith(task["root"]), trivet.__file__
    started = time.process_time()
    outcome: list[object] = [-1, task["seeds"], "", ""]
    for seed in range(task["first"], task["first"] + task["seeds"]):
        found = complaints_of(task, seed)
        if found:
            outcome = [seed, seed - task["first"] + 1, found[0].judge, found[0].sentence]
            break
    print(json.dumps([*outcome, round(time.process_time() - started, 1)]))


if __name__ == "__main__":
    main()
