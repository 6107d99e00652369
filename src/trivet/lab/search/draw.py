"""Any run as a picture: run it again with a recorder, and hand the recording to ``lab/pictures``."""

from pathlib import Path

from trivet.lab.recording import Recorder
from trivet.lab.runner import RunResult, run
from trivet.lab.world.options import RunOptions

KINDS = (".html", ".svg", ".shiviz", ".log")
Window = tuple[int, int]
"""From and to, in virtual µs."""


def record(options: RunOptions) -> tuple[RunResult, Recorder]:
    """One run, with everything that a picture needs."""
    recorder = Recorder(f"seed {options.seed}, {options.nodes} nodes", options.seed)
    return run(options, recorder=recorder), recorder


def draw(result: RunResult, recorder: Recorder, kind: str, window_us: Window | None) -> str:
    """The picture as text: a page, an SVG, or ShiViz's log. A window applies to the SVG."""
    recording = recorder.recording
    if kind == ".svg":
        from trivet.lab.pictures.svg import draw_svg

        return draw_svg(recording, window_us=window_us, title=recording.title)
    if kind == ".html":
        from trivet.lab.pictures.page import draw_page

        return draw_page(recording, paragraphs=_paragraphs(result), verdict=verdict_of(result))
    from trivet.lab.pictures.shiviz import export

    return export(recording)


def verdict_of(result: RunResult) -> str:
    """One sentence."""
    if result.complaints:
        return f"{result.complaints[0].judge} complains: {result.complaints[0].sentence}"
    return "No judge complains" + (f"; {result.unknown} parts could not be decided" if result.unknown else "")


def _paragraphs(result: RunResult) -> list[str]:
    faults = ", ".join(f"{name} {count}" for name, count in result.faults.items()) or "none"
    return [
        f"A run of Trivet's own code in simulation: {result.options.nodes} nodes, {result.options.clients} "
        f"clients, {result.virtual_ms / 1000:.1f} s of virtual time. Answered {result.ok}, failed "
        f"{result.failed}, "
        f"without a certain answer {result.indefinite}. Faults: {faults}.",
        f"Digest {result.digest}.",
    ]


def kind_of(file: str) -> str:
    """Which picture a file's name asks for; empty: none that we can draw."""
    suffix = Path(file).suffix.lower()
    return suffix if suffix in KINDS else ""
