"""What a mode promises (DESIGN, section 1) against what a run has shown: what is not kept, in sentences."""

from typing import Final

from trivet.lab.cap.modes import Mode
from trivet.lab.cap.play import Square
from trivet.lab.cap.troubles import Trouble

RECOVER_MS_MAX: Final = 5_000
"""After healing every client of every mode is served within this."""


def broken(mode: Mode, trouble: Trouble, square: Square) -> list[str]:
    """Every promise that the run does not bear out; none: all are kept."""
    return [*_truth(mode, trouble, square), *_service(mode, trouble, square), *_recovery(mode, square)]


def _truth(mode: Mode, trouble: Trouble, square: Square) -> list[str]:
    """What a reply is worth."""
    found = []
    if square.writes_lost and trouble.name not in mode.may_lose:
        found.append(f"{square.writes_lost} acknowledged writes are lost, and none may be")
    if mode.is_linearizable and square.linearizable != "yes":
        word = "says that it is not" if square.linearizable == "no" else "cannot decide it"
        found.append(f"promised is linearizability: the judge {word}")
    if not mode.converge_ms_max and square.stale_reads:
        found.append(f"{square.stale_reads} of {square.reads} reads are stale, and none may be")
    return [*found, *(f"a judge of the nodes complains: {text}" for text in square.complaints)]


def _service(mode: Mode, trouble: Trouble, square: Square) -> list[str]:
    """Who is served, and who is told that he is not."""
    found = []
    for place, side in enumerate(square.sides):
        is_promised = place in trouble.served[mode.serves]
        if is_promised and side.pause_ms > mode.pause_ms_max:
            found.append(
                f"{side.name}: a client was not served for {side.pause_ms} ms; promised are at most "
                f"{mode.pause_ms_max} ms"
            )
        if side.silent:
            found.append(f"{side.name}: {side.silent} operations got no answer at all, not even a refusal")
    return found


def _recovery(mode: Mode, square: Square) -> list[str]:
    """What comes after healing."""
    found = []
    if not 0 <= square.recover_ms <= RECOVER_MS_MAX:
        found.append(f"not every client was served within {RECOVER_MS_MAX} ms of healing")
    if mode.converge_ms_max and square.converge_ms > mode.converge_ms_max:
        found.append(
            f"{square.converge_ms} ms after healing a read still missed what was acknowledged before it; "
            f"promised are {mode.converge_ms_max} ms"
        )
    if not square.agree:
        found.append("in the end the nodes do not say the same of every key")
    return found
