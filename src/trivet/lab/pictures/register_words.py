"""Says in words what nodes tell each other about registers: ``prepare 4`` and ``accepted`` of which keys.

Answers name no keys: the arrow that they follow does.
"""

from trivet.core.group.register_keys import key_of, place_key
from trivet.core.group.register_messages import RegisterMessage, Submit, Submitted
from trivet.core.machine.register import Task
from trivet.core.paxos.messages import (
    Accept,
    Accepted,
    Page,
    PageReply,
    Prepare,
    Promises,
    Raise,
    Raised,
    Read,
    ReadReply,
    Refusal,
    Remove,
)

KEYS_SHOWN = 3
KEY_CHARS_MAX = 20


def register_text(m: RegisterMessage) -> str:
    """The label of a message."""
    if isinstance(m, Prepare):
        return f"prepare {_keys(m.keys)}"
    if isinstance(m, Accept):
        return f"accept {_keys(m.keys)}"
    if isinstance(m, Read):
        return f"read {_keys(m.keys)}"
    if isinstance(m, Remove):
        return f"remove {_keys([item.key for item in m.items])}"
    if isinstance(m, Submit):
        return f"write for me {_keys([place_key(task.db, task.key or b'') for task in _first_of(m)])}"
    if isinstance(m, Promises):
        return _answer("promise", len(m.refused), len(m.accepted))
    if isinstance(m, Accepted):
        return _answer("accepted", len(m.refused))
    if isinstance(m, Refusal):
        return f"refused, {'doubtful' if m.doubtful else f'epoch {m.epoch}'}"
    return _OTHERS[type(m)]


_OTHERS: dict[type, str] = {
    ReadReply: "read",
    Page: "next page?",
    PageReply: "page",
    Raise: "raise your floor",
    Raised: "floor raised",
    Submitted: "that has ended",
}

KINDS: tuple[type, ...] = (
    Prepare, Promises, Accept, Accepted, Read, Remove, Submit, Refusal, *_OTHERS,
)  # fmt: skip


def _first_of(m: Submit) -> list[Task]:
    return [tasks[0] for tasks in m.tasks if tasks]


def _answer(word: str, refused: int, count: int = 0) -> str:
    """``count``: of answers, if that is known."""
    if not refused:
        return word
    return "refused" if refused == count else f"{word}, {refused} refused"


def _keys(places: list[bytes]) -> str:
    shown = [key_of(place).decode(errors="replace")[:KEY_CHARS_MAX] for place in places[:KEYS_SHOWN]]
    return " ".join([*shown, "…"] if len(places) > KEYS_SHOWN else shown)
