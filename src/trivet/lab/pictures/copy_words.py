"""Says in words what nodes tell each other about keyspaces of mode ``eventual``: updates, what was seen."""

from trivet.core.gossip.messages import Compare, Differ, GossipMessage, Keys, Seen, States, Updates, Want
from trivet.core.group.eventual_messages import AskClock, Carried, Carry, CarryMessage, TellClock
from trivet.core.lattice.clock import decode_clock

KEYS_SHOWN = 3
KEY_CHARS_MAX = 20

CopyMessage = GossipMessage | CarryMessage


def copy_text(m: CopyMessage) -> str:
    """The label of a message."""
    if isinstance(m, Updates):
        text = _keys(list(dict.fromkeys([delta.key for delta in m.deltas])))
        return f"updates {text}".rstrip() + (" (more is lost here)" if m.lost else "")
    if isinstance(m, Seen):
        return f"seen {_seen(m.clock)}" + ("; and you?" if m.asks else "")
    if isinstance(m, Want):
        return f"send {sum([last - first + 1 for _, first, last in m.ranges])} that I lack"
    if isinstance(m, Compare):
        return "compare roots" if not m.level else f"sums of level {m.level}"
    if isinstance(m, Differ):
        return f"{len(m.places)} of level {m.level} differ"
    if isinstance(m, Keys):
        return f"keys of {len(m.rows)} leaves"
    if isinstance(m, States):
        text = f"states {_keys([key for key, _ in m.rows])}".rstrip()
        return "that was all" if m.done and not m.rows else text
    if isinstance(m, Carry):
        return "run for me" if m.calls else "which life is yours?"
    if isinstance(m, AskClock):
        return "what have you?"
    if isinstance(m, TellClock):
        return f"I have {_seen(m.clock)}"
    return "not taken" if m.refused else "replies"


KINDS: tuple[type, ...] = (
    Updates,
    Seen,
    Want,
    Compare,
    Differ,
    Keys,
    States,
    Carry,
    Carried,
    AskClock,
    TellClock,
)


def is_routine(m: CopyMessage) -> bool:
    """Whether pictures leave it away unless they are asked for everything."""
    return isinstance(m, Seen)


def _seen(data: bytes) -> str:
    """How many updates, of all actors."""
    try:
        clock = decode_clock(data)
    except ValueError:
        return "?"
    return str(sum([clock.base(actor) for actor in clock.actors]))


def _keys(keys: list[bytes]) -> str:
    shown = [key.decode(errors="replace")[:KEY_CHARS_MAX] for key in keys[:KEYS_SHOWN]]
    return " ".join([*shown, "…"] if len(keys) > KEYS_SHOWN else shown)
