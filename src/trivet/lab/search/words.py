"""What people type, as values: ``--set NAME=VALUE``, ``--workload a,b``, ``--window FROM..TO``."""

import difflib
import re
from collections.abc import Iterable

import msgspec

from trivet.lab.search.simplify import Value, changed
from trivet.lab.workloads import REGISTRY
from trivet.lab.world.options import RunOptions

_NAMES = [field.name for field in msgspec.structs.fields(RunOptions)]
_UNITS_US = {"us": 1, "µs": 1, "ms": 1000, "": 1000, "s": 1_000_000}
_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(us|µs|ms|s|)")


class WordError(Exception):
    """Not understood; says what would be."""


def overrides(sets: Iterable[str], workload: str = "") -> dict[str, Value]:
    """The options that replace drawn ones, checked. Raises ``WordError``."""
    found: dict[str, Value] = {}
    for text in sets:
        name, equals, word = text.partition("=")
        if not equals:
            raise WordError(f"--set {text}: write OPTION=VALUE")
        if name not in _NAMES:
            near = difflib.get_close_matches(name, _NAMES, 3)
            hint = f"; did you mean {' or '.join(near)}?" if near else f"; there are {', '.join(_NAMES)}"
            raise WordError(f"--set {text}: there is no option {name}{hint}")
        if name in ("seed", "nodes", "ops"):
            raise WordError(f"--set {text}: write --{name} {word}")
        found[name] = _value(word)
    if workload:
        found["workloads"] = _workloads(workload)
    try:
        changed(RunOptions(seed=0), found)
    except msgspec.ValidationError as error:
        raise WordError(f"--set: {error}") from None
    return found


def _value(word: str) -> Value:
    try:
        return msgspec.json.decode(word.encode(), type=int | float | bool)
    except msgspec.MsgspecError:
        return word


def _workloads(text: str) -> str:
    """The names, checked."""
    known = list(REGISTRY)
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise WordError(f"--workload {text}: there is no workload {name}; there are {', '.join(known)}")
    return ",".join(dict.fromkeys(names))


def window_of(text: str) -> tuple[int, int] | None:
    """``1.2s..1450ms`` in virtual µs; without a unit: ms; empty: no window. Raises ``WordError``."""
    if not text:
        return None
    ends = text.split("..")
    found = [_TIME.fullmatch(end.strip()) for end in ends]
    if len(ends) != 2 or found[0] is None or found[1] is None:
        raise WordError(f"--window {text}: write FROM..TO, such as 1.2s..1450ms")
    first, last = (int(float(m[1]) * _UNITS_US[m[2]]) for m in found if m is not None)
    if first >= last:
        raise WordError(f"--window {text}: it ends before it begins")
    return first, last
