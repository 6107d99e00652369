"""Draws the picture of docs/testing.md: ``python tests/testing/draw_example.py``."""

import sys
from pathlib import Path

from storage import two_workers

from trivet.lab.recording import Recorder
from trivet.lab.stage.stage import Stage

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "lock-without-fencing.svg"


def main():
    for seed in range(1, 100):
        with Stage(seed=seed, recorder=Recorder("lock", seed)) as stage:
            accepted, document = two_workers(stage, ())
            if set(accepted) == set(document):
                continue
            sayings = stage.recording().sayings
            stalled = next(s for s in sayings if s.text == "stands still").who
            second = next(s for s in sayings if s.text.startswith("holds") and s.who != stalled)
            begin_ms = second.at_us / 1000 - 3
            title = f"Seed {seed}: {stalled} had the lock, and has been standing still"
            stage.draw(PICTURE, title=title, window_ms=(begin_ms, stage.now_ms))
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
