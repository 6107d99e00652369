"""``trivet lab list`` and ``trivet lab show`` without their command line.

Names in, text or files and an exit code out.
"""

from difflib import get_close_matches
from pathlib import Path
from typing import TextIO

import msgspec

from trivet.lab.pictures.cutting import cut
from trivet.lab.pictures.page import draw_page
from trivet.lab.pictures.shiviz import export
from trivet.lab.pictures.svg import draw_svg
from trivet.lab.scenarios.scenario import SHELVES, NotAsTold, Scenario, Told
from trivet.lab.scenarios.shelf import BY_NAME, SCENARIOS
from trivet.lab.scenarios.story import story_text

KINDS = {
    ".html": "a page to step through",
    ".svg": "a picture",
    ".shiviz": "a log for ShiViz",
    ".log": "a log for ShiViz",
}
EXIT_WRONG_USE = 2
EXIT_NOT_AS_TOLD = 1


def list_scenarios(out: TextIO) -> int:
    """Print what there is; always 0."""
    width = max(len(scenario.name) for scenario in SCENARIOS)
    for players, heading in SHELVES.items():
        out.write(f"{heading}:\n")
        for scenario in SCENARIOS:
            if scenario.played_by is players:
                out.write(f"  {scenario.name:{width}}  {scenario.title}\n")
        out.write("\n")
    out.write("Read one:        trivet lab show raft-leader-crash\n")
    out.write("As a page:       trivet lab show raft-leader-crash --out story.html   (or .svg, or .shiviz)\n")
    out.write("Another run:     trivet lab show raft-leader-crash --seed 7\n")
    return 0


def show_scenario(name: str, seed: int | None, out_file: str | None, out: TextIO) -> int:
    """Play a scenario and tell it, to ``out`` or into ``out_file``, whose ending says how.

    Returns 0; 1 when the run does not bear the story out; 2 for a name or an ending that is not known.
    """
    scenario = BY_NAME.get(name)
    if scenario is None:
        out.write(f"trivet: there is no scenario {name!r}{_near(name)}; `trivet lab list` names them all\n")
        return EXIT_WRONG_USE
    kind = Path(out_file).suffix.lower() if out_file else ""
    if out_file and kind not in KINDS:
        known = ", ".join(KINDS)
        out.write(
            f"trivet: {out_file}: what a file of this kind should hold is not known; endings are {known}\n"
        )
        return EXIT_WRONG_USE
    seed = scenario.seed if seed is None else seed
    try:
        told = scenario.play(seed)
    except NotAsTold as error:
        out.write(f"trivet: {name} with seed {seed} did not go as told: {error}\n")
        return EXIT_NOT_AS_TOLD
    if not out_file:
        out.write(story_text(scenario, told, seed))
        return 0
    try:
        Path(out_file).write_text(rendered(scenario, told, kind), encoding="utf-8")
    except OSError as error:
        out.write(f"trivet: cannot write {out_file}: {error.strerror}\n")
        return EXIT_WRONG_USE
    out.write(f"{out_file}: {scenario.title}, seed {seed}: {KINDS[kind]}\n")
    return 0


def _near(name: str) -> str:
    """The names that may have been meant: alike, or with a word in common."""
    near = get_close_matches(name, BY_NAME, 3, 0.5)
    words = [word for word in name.lower().replace("_", "-").split("-") if len(word) > 2]
    near += [known for known in BY_NAME if known not in near and any(word in known for word in words)]
    return f" (did you mean {', '.join(near[:4])}?)" if near else ""


def rendered(scenario: Scenario, told: Told, kind: str) -> str:
    """The story as a page, picture or log; ``kind`` is one of ``KINDS``."""
    if kind == ".html":
        paragraphs = [*scenario.paragraphs, "Checked on this run: " + "; ".join(told.facts) + "."]
        begun = cut(told.recording, told.window_us, fold_routine=False).part
        return draw_page(msgspec.structs.replace(begun, title=scenario.title), paragraphs, told.verdict)
    if kind == ".svg":
        return draw_svg(told.recording, window_us=told.window_us, title=scenario.title)
    return export(told.recording)
