"""Says in words what members of ``core/paxos`` tell each other of one register: ballots and values.

For pictures of a single key, which is named nowhere. A ballot is written ``3.n2``: counter 3 of node 2;
``3+`` is above all of counter 3 (a floor). Messages of a later epoch than the first begin with it: ``e2``.
"""

from collections.abc import Callable

from trivet.core.paxos.ballot import NOTHING, NUMBER_MAX, Ballot, node_of
from trivet.core.paxos.content import Content, Sealed
from trivet.core.paxos.messages import (
    Accept,
    Accepted,
    Message,
    Page,
    PageReply,
    Prepare,
    Promises,
    Raise,
    Raised,
    Read,
    ReadReply,
    Refusal,
    Refused,
    Remove,
    Standing,
)

VALUE_CHARS_MAX = 24
ITEMS_SHOWN = 3

Said = tuple[str, dict[str, str]]
"""A label, and what it holds for who looks closer."""


def ballot_text(ballot: Ballot) -> str:
    """One ballot."""
    counter, proposer = ballot
    if ballot == NOTHING:
        return "nothing"
    return f"{counter}+" if proposer == NUMBER_MAX else f"{counter}.n{node_of(proposer)}"


def content_text(content: Sealed | None) -> str:
    """What a register holds."""
    if content is None:
        return "nothing"
    value = Content(content).value
    if value is None:
        return "tombstone"
    text = value[: VALUE_CHARS_MAX + 1].decode(errors="replace")
    if not text.isprintable():
        return f"<{len(value)} bytes>"
    return text if len(text) <= VALUE_CHARS_MAX else text[: VALUE_CHARS_MAX - 1] + "…"


def ballot_words(message: Message) -> Said:
    """Label and fields of one message."""
    label, fields = _DESCRIBERS[type(message)](message)
    # Epoch 1 is that of a group whose members have never changed.
    label = f"e{message.epoch} {label}" if message.epoch > 1 else label
    return label, {"epoch": str(message.epoch), **fields}


def _items(texts: list[str]) -> str:
    more = f" (+{len(texts) - ITEMS_SHOWN})" if len(texts) > ITEMS_SHOWN else ""
    return "; ".join(texts[:ITEMS_SHOWN]) + more


def _keys(keys: list[bytes]) -> dict[str, str]:
    return {"keys": " ".join(key.decode(errors="replace") for key in keys[:ITEMS_SHOWN])}


def _standing(standing: Standing) -> dict[str, str]:
    if standing.floor == NOTHING:
        return {}
    return {"floor": ballot_text(standing.floor), "floor version": str(standing.floor_version)}


def _prepare(m: Prepare) -> Said:
    return _items([f"prepare {ballot_text((counter, m.proposer))}" for counter in m.counters]), _keys(m.keys)


def _no(refused: Refused) -> str:
    return "no: damaged" if refused.promised == NOTHING else f"no: promised {ballot_text(refused.promised)}"


def _promises(m: Promises) -> Said:
    refused = {item.position: item for item in m.refused}
    texts = []
    columns = zip(m.accepted, m.contents, strict=True)
    for position, (accepted, content) in enumerate(columns, m.start):
        if position in refused:
            texts.append(_no(refused[position]))
        elif content is None:
            texts.append("promise")
        else:
            texts.append(f"promise ({content_text(content)} of {ballot_text(accepted)})")
    return _items(texts), _standing(m.standing)


def _accept(m: Accept) -> Said:
    columns = zip(m.counters, m.next_counters, m.contents, strict=True)
    texts = [
        f"accept {ballot_text((counter, m.proposer))} {content_text(content)}"
        + (f" (next {ballot_text((next_counter, m.proposer))})" if next_counter > counter else "")
        for counter, next_counter, content in columns
    ]
    fields = _keys(m.keys)
    for sealed in m.contents[:1]:
        content = Content(sealed)
        fields["version"] = str(content.version)
        fields["done"] = ", ".join(
            f"{d.origin}:{d.seq} → {d.reply.decode(errors='replace')}" for d in content.done
        )
    return _items(texts), fields


def _accepted(m: Accepted) -> Said:
    texts = [_no(item) for item in m.refused] or ["accepted"]
    since = {"promised since": " ".join(ballot_text(one.promised) for one in m.since[:ITEMS_SHOWN])}
    return _items(texts), (since if m.since else {}) | _standing(m.standing)


def _read(m: Read) -> Said:
    held = [f"I have {ballot_text(ballot)}" for ballot in m.held[:ITEMS_SHOWN]]
    return "read", _keys(m.keys) | {"held": "; ".join(held)}


def _read_reply(m: ReadReply) -> Said:
    texts = [
        "nothing"
        if item.accepted == NOTHING
        else f"{content_text(item.content) + ' ' if item.content else ''}of {ballot_text(item.accepted)}"
        for item in m.others
    ]
    return _items(texts) or "the same", _standing(m.standing)


def _remove(m: Remove) -> Said:
    return _items([f"drop tombstone {ballot_text(i.ballot)}" for i in m.items]), _keys(
        [i.key for i in m.items]
    )


def _page(m: Page) -> Said:
    return "all you have?" if m.life else "which keys?", {"limit": str(m.limit)}


def _page_reply(m: PageReply) -> Said:
    keys = [item.key.decode(errors="replace") for item in m.items[:ITEMS_SHOWN]]
    return f"keys: {' '.join(keys) or 'none'}", {"more": "yes" if m.more else "no"} | _standing(m.standing)


def _raise(m: Raise) -> Said:
    return "floor: none yet" if m.floor == NOTHING else f"floor {ballot_text(m.floor)}", {}


def _raised(m: Raised) -> Said:
    return "raised", _standing(m.standing)


def _refusal(m: Refusal) -> Said:
    return "I may have forgotten" if m.doubtful else "not my epoch", {}


_DESCRIBERS: dict[type, Callable[..., Said]] = {
    Prepare: _prepare,
    Promises: _promises,
    Accept: _accept,
    Accepted: _accepted,
    Read: _read,
    ReadReply: _read_reply,
    Remove: _remove,
    Page: _page,
    PageReply: _page_reply,
    Raise: _raise,
    Raised: _raised,
    Refusal: _refusal,
}
