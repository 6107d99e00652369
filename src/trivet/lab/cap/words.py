"""The card's figures as words and as cells of tables: one wording for the terminal and for the pages."""

from collections.abc import Sequence
from typing import Final

from trivet.lab.cap.card import Card
from trivet.lab.cap.figures import Side
from trivet.lab.cap.modes import MODE_ROWS, Mode
from trivet.lab.cap.play import AFTER_MS, CALM_MS, TROUBLE_MS, Square
from trivet.lab.cap.traffic import BEAT_MS, BOUND_MS, PATIENCE_MS
from trivet.lab.cap.troubles import TROUBLES, Trouble

NONE: Final = "–"

COLUMNS: Final[tuple[tuple[str, str], ...]] = (
    (
        "served",
        "the share of the time in which the clients on that side had good answers within "
        f"{BOUND_MS} ms, and in brackets the longest that one of them went without any good answer "
        f"(each asks every {BEAT_MS} ms, so {BEAT_MS} ms is as good as it gets)",
    ),
    (
        "lost",
        "writes that were acknowledged and that the final state does not show; a lower bound where later "
        "writes cover it",
    ),
    (
        "stale reads",
        "reads that missed a write which had been acknowledged before the read began; by how many ms and "
        "writes, at most",
    ),
    (
        "linearizable",
        "the word of the judge who looks for one order, true to real time, that explains every answer of "
        "each key",
    ),
    (
        "recovers",
        "from healing until every client has been served again",
    ),
    (
        "converges",
        "from healing until no read misses anything that was acknowledged before healing",
    ),
    (
        "read p50, write p50, p99",
        "how long good answers took, half of the reads, half of the writes, 99 of 100 of all; one network "
        "delay is 1 ms here, and a sync takes 0.2 to 0.4 ms",
    ),
    (
        "msgs, bytes, syncs",
        "what all nodes together sent to each other and synced per answered operation, beyond what the "
        "idle cluster does",
    ),
    ("promise", "whether the run agrees with what the mode promises"),
)
"""The columns, and what each figure means."""

REAL_COLUMNS: Final = (
    *COLUMNS[:6],
    ("read p50, write p50, p99", "how long good answers took, in ms; clients and nodes share this machine"),
    COLUMNS[8],
)
"""The same on real processes, where what all modes at once send and sync cannot be told apart."""

METHOD: Final = (
    f"Five nodes in virtual time, at each a client that writes and one that reads. Every {BEAT_MS} ms each "
    "wants one thing: to set its node's own register, to increase the counter or to add to the set that all "
    f"share; to read one of them. After {CALM_MS / 1000:g} s the trouble begins, and lasts "
    f"{TROUBLE_MS / 1000:g} s; clients work {AFTER_MS / 1000:g} s more, and in the end every key is read "
    f"through every node. A client hangs up after {PATIENCE_MS / 1000:g} s without an answer; one whose node "
    "is dead goes to the next. The chief is the node that leads the keyspace or has its only copy; where "
    "nobody leads, the first."
)


def ms_text(ms: float) -> str:
    """A time for people."""
    return f"{ms / 1000:.1f} s" if ms >= 1_000 else f"{ms:.0f} ms"


def number_text(value: float | None, digits: int = 1) -> str:
    """A figure that may be missing."""
    return NONE if value is None else f"{value:,.{digits}f}"


def percent(share: float) -> str:
    """A share; 100 % only when it is all of it."""
    if 0.995 <= share < 1:
        return "99 %"
    return "<1 %" if 0 < share < 0.005 else f"{share * 100:.0f} %"


def served_text(side: Side) -> str:
    """How a side fared."""
    return f"{percent(side.availability)} ({ms_text(side.pause_ms)})"


def stale_text(square: Square) -> str:
    """How many reads were stale, and how stale."""
    if not square.stale_reads:
        return "0"
    share = percent(square.stale_reads / max(1, square.reads))
    return f"{share}, ≤ {ms_text(square.stale_ms_max)}, {square.stale_versions_max} writes"


def latency_text(ms: float | None) -> str:
    """A latency in network delays, which are ms."""
    return NONE if ms is None else f"{ms:.1f}" if ms < 100 else f"{ms:,.0f}"


def table(card: Card, trouble: Trouble) -> tuple[list[str], list[list[str]]]:
    """What each mode did under a trouble: the titles, and a row per mode."""
    squares = [card.square(mode, trouble.name) for mode in card.modes]
    titles = ["mode", *(f"{side.name}" for side in squares[0].sides), "lost", "stale reads", "linearizable"]
    is_calm = trouble.name == TROUBLES[0].name
    titles += [] if is_calm else ["recovers", "converges"]
    has_costs = any(square.messages_per_op is not None for square in card.squares)
    titles += ["read p50", "write p50", "p99", *(["msgs", "bytes", "syncs"] if has_costs else []), "promise"]
    rows = []
    for square in squares:
        row = [square.mode, *(served_text(side) for side in square.sides), str(square.writes_lost)]
        row += [stale_text(square), square.linearizable]
        row += [] if is_calm else [_after(square.recover_ms), _after(square.converge_ms)]
        row += [latency_text(ms) for ms in (square.read_p50, square.write_p50, square.p99)]
        row += _costs(square) if has_costs else []
        rows.append([*row, "kept" if card.verdict(square.mode, trouble.name).is_kept else "BROKEN"])
    return titles, rows


def _costs(square: Square) -> list[str]:
    costs = [(square.messages_per_op, 1), (square.bytes_per_op, 0), (square.syncs_per_op, 1)]
    return [number_text(value, digits) for value, digits in costs]


def _after(ms: int) -> str:
    return "never" if ms < 0 else ms_text(ms)


def sentences(square: Square) -> str:
    """The figures of one run, said."""
    said = []
    for side in square.sides:
        good = "all of the time" if side.availability == 1 else f"{percent(side.availability)} of the time"
        name = f"{side.name[0].upper()}{side.name[1:]} {'was' if side.clients == 1 else 'were'}"
        name = "Everyone was" if side.name == "everyone" else name
        rest = f" ({_failures(side)})" if _failures(side) else ""
        said.append(f"{name} served {good}, the longest wait {ms_text(side.pause_ms)}{rest}.")
    lost = f"{square.writes_lost}" if square.writes_lost else "None"
    said.append(
        f"{lost} of {square.writes_acknowledged} acknowledged writes {_is_are(square.writes_lost)} lost."
    )
    said.append(_stale_sentence(square))
    words = {"yes": "One order explains all answers", "no": "No order explains the answers"}
    said.append(
        f"{words.get(square.linearizable, 'The judge cannot decide whether one order explains them')}."
    )
    if square.trouble != TROUBLES[0].name:
        said.append(_after_sentence(square))
    if square.messages_per_op is not None:
        said.append(
            f"An answer cost {number_text(square.messages_per_op)} messages, "
            f"{number_text(square.bytes_per_op, 0)} bytes and {number_text(square.syncs_per_op)} syncs."
        )
    return " ".join(said)


def _is_are(count: int) -> str:
    return "are" if count > 1 else "is"


def _failures(side: Side) -> str:
    found = [
        (side.refused, "refused"),
        (side.unsure, "answered that nobody knows"),
        (side.silent, "unanswered"),
    ]
    return ", ".join(f"{count} {what}" for count, what in found if count)


def _stale_sentence(square: Square) -> str:
    if not square.stale_reads:
        return f"None of {square.reads} reads was stale."
    return (
        f"{square.stale_reads} of {square.reads} reads were stale, by up to {ms_text(square.stale_ms_max)} "
        f"and {square.stale_versions_max} writes."
    )


def _after_sentence(square: Square) -> str:
    if square.recover_ms < 0:
        return "Some client was not served any more."
    copies = f"; {ms_text(square.converge_ms)} after it the last read was stale" if square.converge_ms else ""
    return f"Everyone was served again {ms_text(square.recover_ms)} after the end of it{copies}."


def not_kept(card: Card) -> list[str]:
    """Every promise that is broken, a line each."""
    titles = {trouble.name: trouble.title for trouble in TROUBLES}
    return [
        f"{verdict.mode}, {titles[verdict.trouble]}: {sentence}"
        for verdict in card.verdicts for sentence in verdict.broken
    ]  # fmt: skip


def promise_rows(card: Card, modes: Sequence[Mode] = MODE_ROWS) -> list[list[str]]:
    """Each mode with its corner, its promise, and whether all runs agree."""
    rows = []
    for mode in modes:
        if mode.name in card.modes:
            broken = [v for v in card.verdicts if v.mode == mode.name and not v.is_kept]
            kept = "kept" if not broken else "BROKEN: " + ", ".join(v.trouble for v in broken)
            rows.append([mode.name, mode.corner, mode.promise, kept])
    return rows
