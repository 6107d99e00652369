"""The whole card: every mode under every trouble, each run apart from the others, several at one time."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor

import msgspec

from trivet.lab.cap.modes import MODE_ROWS, Mode, present
from trivet.lab.cap.play import AFTER_MS, CALM_MS, TROUBLE_MS, Play, Square
from trivet.lab.cap.promises import broken
from trivet.lab.cap.traffic import BEAT_MS, BOUND_MS
from trivet.lab.cap.troubles import NODES, TROUBLES, Trouble
from trivet.lab.pictures.svg import draw_svg

Tell = Callable[[int, str], None]


class Verdict(msgspec.Struct, kw_only=True):
    """Whether a mode's promise was kept under a trouble."""

    mode: str
    trouble: str
    promise: str
    broken: list[str]

    @property
    def is_kept(self) -> bool:
        """Whether nothing is broken."""
        return not self.broken


class Card(msgspec.Struct, kw_only=True):
    """What ``card.json`` holds."""

    format: int = 1
    seed: int
    nodes: int = NODES
    clients: int = 2 * NODES
    beat_ms: int = BEAT_MS
    bound_ms: int = BOUND_MS
    calm_ms: int = CALM_MS
    trouble_ms: int = TROUBLE_MS
    after_ms: int = AFTER_MS
    is_kept: bool = True
    squares: list[Square] = []
    verdicts: list[Verdict] = []

    def square(self, mode: str, trouble: str) -> Square:
        """One run's figures."""
        return next(s for s in self.squares if (s.mode, s.trouble) == (mode, trouble))

    def verdict(self, mode: str, trouble: str) -> Verdict:
        """What became of the promise."""
        return next(v for v in self.verdicts if (v.mode, v.trouble) == (mode, trouble))

    @property
    def modes(self) -> list[str]:
        """In the order of the card."""
        return list(dict.fromkeys(square.mode for square in self.squares))


Played = tuple[Square, str]
"""The figures, and the picture."""


def play(mode: Mode, trouble: Trouble, seed: int) -> Played:
    """One run and its space-time diagram, around what a judge complains about or the trouble's beginning."""
    run = Play(mode, trouble, seed)
    square = run.run()
    square.picture = f"runs/{mode.name}-{trouble.name}.svg"
    recording = run.recording(square)
    run.stage.close()
    return square, draw_svg(recording, run.window_us(recording, square), title=recording.title)


def _play_named(mode: str, trouble: str, seed: int) -> Played:
    """The same for another process."""
    row = next(row for row in MODE_ROWS if row.name == mode)
    return play(row, next(t for t in TROUBLES if t.name == trouble), seed)


def make(
    seed: int,
    modes: Sequence[Mode] = (),
    troubles: Sequence[Trouble] = TROUBLES,
    jobs: int = 1,
    tell: Tell = lambda done, what: None,
) -> tuple[Card, dict[str, str]]:
    """The card of a seed and the pictures by file name; ``tell`` hears how many runs are done.

    ``modes``: by default those that the store has. With ``jobs`` above 1 only those of the table.
    """
    rows = list(modes) or present()
    squares = [(mode, trouble) for mode in rows for trouble in troubles]
    card = Card(seed=seed)
    pictures: dict[str, str] = {}
    for (mode, trouble), (square, picture) in zip(squares, _played(squares, seed, jobs), strict=True):
        card.squares.append(square)
        pictures[square.picture] = picture
        not_kept = broken(mode, trouble, square)
        card.verdicts.append(
            Verdict(mode=mode.name, trouble=trouble.name, promise=mode.promise, broken=not_kept)
        )
        card.is_kept = card.is_kept and not not_kept
        tell(len(card.squares), f"{mode.name}, {trouble.title}")
    return card, pictures


def _played(squares: list[tuple[Mode, Trouble]], seed: int, jobs: int) -> Iterator[Played]:
    if jobs <= 1:
        for mode, trouble in squares:
            yield play(mode, trouble, seed)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        modes = [mode.name for mode, _ in squares]
        troubles = [trouble.name for _, trouble in squares]
        yield from pool.map(_play_named, modes, troubles, [seed] * len(squares))


def to_json(card: Card) -> str:
    """The card for programs."""
    return msgspec.json.format(msgspec.json.encode(card), indent=1).decode() + "\n"
