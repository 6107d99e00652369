"""What is simpler than an option set: every option has a simplest value, some have steps on the way there.

New options need nothing here: a ``…_every_ms`` and a ``weight_…`` are simplest at 0 (never, none of it),
every other option at the default of ``RunOptions``, where nothing goes wrong.
"""

import msgspec

from trivet.lab.world.options import RunOptions

Value = int | float | str | bool
SIZES = {"safety_ms_max": 100, "settle_ms": 500, "ops": 1, "clients": 1, "nodes": 3}
"""How large a run is, and the least that makes sense. Whatever the default: less is simpler."""
ONE_BY_ONE_MAX = 16
KEPT = ("seed", *SIZES, "workloads")
"""Options that have a smallest value, or fewest words, but no simplest one."""
HARMLESS = ("rest_rate", "resp3_rate")
"""Rates of things that are no faults."""


def simplest(name: str) -> Value:
    """The simplest value of an option."""
    if name.endswith("_every_ms") or name.startswith("weight_"):
        return 0
    default = _FIELDS[name].default
    assert isinstance(default, int | float | str), f"option {name} needs a rule of what is simpler"
    return default


def value_of(options: RunOptions, name: str) -> Value:
    """One option's value."""
    value = getattr(options, name)
    assert isinstance(value, int | float | str)
    return value


def complications(options: RunOptions) -> list[str]:
    """The options that are not as simple as can be, faults first; sizes aside."""
    found = [n for n in _FIELDS if n not in KEPT and value_of(options, n) != simplest(n)]
    return sorted(found, key=lambda name: not is_fault(name))


def is_fault(name: str) -> bool:
    """Whether an option above its simplest value makes something go wrong."""
    if name in HARMLESS or name.startswith("weight_"):
        return False
    return name.endswith("_every_ms") or (name.endswith("_rate") and simplest(name) == 0)


def fault_kinds(options: RunOptions) -> list[str]:
    """The kinds of faults that can happen in a run."""
    return [name for name in complications(options) if is_fault(name)]


def without(options: RunOptions, names: list[str]) -> RunOptions:
    """``options`` with these at their simplest."""
    return changed(options, {name: simplest(name) for name in names})


def changed(options: RunOptions, values: dict[str, Value]) -> RunOptions:
    """``options`` with some values replaced, and checked. Raises ``msgspec.ValidationError``."""
    data = {**msgspec.structs.asdict(options), **values}
    return msgspec.convert(data, RunOptions)


def differences(options: RunOptions) -> list[tuple[str, Value, Value]]:
    """(name, value, default) of every option that differs from its default; the seed aside."""
    rows = []
    for name, field in _FIELDS.items():
        if name != "seed" and value_of(options, name) != field.default:
            rows.append((name, value_of(options, name), field.default))
    return rows


def steps(options: RunOptions, name: str) -> list[Value]:
    """Values between an option's simplest and its present one, simplest first."""
    value = value_of(options, name)
    if isinstance(value, str):
        return _fewer_words(value)
    if name in SIZES:
        least = SIZES[name]
        parts = [value // 8, value // 4, value // 2, value * 3 // 4]
        parts += [value - 1] if value <= ONE_BY_ONE_MAX else []
        found: list[Value] = [part for part in parts if least < part < value]
        return list(dict.fromkeys([least, *found])) if value > least else []
    if name.endswith("_every_ms"):
        return [value * 8, value * 2] if value < 60_000 else []
    if name.endswith("_rate") and value > 0:
        return [round(value / 8, 4), round(value / 2, 3)]
    low = simplest(name)
    assert not isinstance(low, str)
    middle = (low + value) // 2
    return [middle] if isinstance(value, int) and middle not in (low, value) else []


def _fewer_words(text: str) -> list[Value]:
    """A list of names: each alone, then each left out."""
    words = [word for word in text.split(",") if word]
    if len(words) < 2:
        return []
    rest = [",".join(other for other in words if other != word) for word in words]
    return list(dict.fromkeys([*words, *rest]))


_FIELDS = {field.name: field for field in msgspec.structs.fields(RunOptions)}
