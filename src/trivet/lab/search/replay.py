"""Replay files: a run that somebody should look at, written down so that anybody can repeat it.

The file holds the whole option set, not only the seed: the options that a seed draws change with the code,
a run of given options only when what it uses does.
"""

from pathlib import Path

import msgspec

from trivet.lab.judges.complaint import Complaint
from trivet.lab.search.code import CodeVersion, code_version
from trivet.lab.search.workers import RunOutcome
from trivet.lab.world.options import RunOptions

FORMAT = 1


class ReplayError(Exception):
    """A file that cannot be replayed; says why, and what to do."""


class Replay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a replay file holds."""

    trivet_lab_replay: int = FORMAT
    options: RunOptions
    code: CodeVersion
    digest: str = ""
    """Empty when the run did not end."""
    complaint: Complaint | None = None
    error: str = ""
    """What the run raised, when it did."""
    shrunk_from: str = ""
    """The file or seed of the first run, when this one is its shrunk form."""


def replay_of(outcome: RunOutcome, shrunk_from: str = "") -> Replay:
    """The replay of a run that was just made."""
    result = outcome.result
    return Replay(
        options=outcome.options,
        code=code_version(),
        digest="" if result is None else result.digest,
        complaint=result.complaints[0] if result is not None and result.complaints else None,
        error=outcome.error,
        shrunk_from=shrunk_from,
    )


def write_replay(path: Path, replay: Replay) -> None:
    """Write it, readable. Raises ``ReplayError`` where that is not possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(replay), indent=2) + b"\n")
    except OSError as error:
        raise ReplayError(f"cannot write {path}: {error.strerror}; choose another place with --out") from None


def read_replay(path: Path) -> Replay:
    """Read one. Raises ``ReplayError``."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ReplayError(f"cannot read {path}: {error.strerror}") from None
    try:
        replay = msgspec.json.decode(text, type=Replay)
    except msgspec.ValidationError as error:
        raise ReplayError(
            f"{path} does not fit this version of the lab: {error}. It was written by {_writer(text)}, "
            f"this is {code_version().text()}; check out that commit, or mend the file's options"
        ) from None
    except msgspec.DecodeError as error:
        raise ReplayError(f"{path} is not a replay file: {error}") from None
    if replay.trivet_lab_replay != FORMAT:
        raise ReplayError(f"{path} has format {replay.trivet_lab_replay}, this lab reads format {FORMAT}")
    return replay


def _writer(text: bytes) -> str:
    class Head(msgspec.Struct):
        code: CodeVersion

    try:
        return msgspec.json.decode(text, type=Head).code.text()
    except msgspec.MsgspecError:
        return "an unknown version"


def compare(replay: Replay, outcome: RunOutcome) -> list[str]:
    """Sentences: whether the run went as the file says."""
    result, now = outcome.result, code_version()
    said = []
    if replay.code.sources != now.sources:
        said.append(f"code: differs; the file was written by {replay.code.text()}, this is {now.text()}")
    if result is None:
        same = _raised(replay.error) == _raised(outcome.error)
        said.append(f"error: {'the same' if same else 'not what the file says'}: {_raised(outcome.error)}")
        return said
    if replay.digest:
        same = result.digest == replay.digest
        said.append(f"digest: {'the same' if same else f'differs, the file says {replay.digest}'}")
    said.append(_compare_complaints(replay, result.complaints))
    return said


def _compare_complaints(replay: Replay, complaints: list[Complaint]) -> str:
    before, now = replay.complaint, complaints[0] if complaints else None
    if replay.error and now is None:
        return f"error: gone; the file says: {_raised(replay.error)}"
    if before == now:
        return "complaint: the same" if now is not None else "complaint: none, as the file says"
    if before is None:
        return "complaint: new, the file has none"
    if now is None:
        return f"complaint: gone; the file says {before.judge}: {before.sentence}"
    what = "of the same judge, but differs" if before.judge == now.judge else "of another judge"
    return f"complaint: {what}; the file says {before.judge}: {before.sentence}"


def _raised(error: str) -> str:
    """The last line of a traceback: the exception."""
    lines = error.strip().splitlines()
    return lines[-1] if lines else ""
