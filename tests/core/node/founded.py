"""A bench whose cluster is founded, with keyspaces of their own."""

from tests.core.node.bench import Bench
from trivet.core.steward.settings import StewardSettings

QUIET = StewardSettings(plans=False, move_bytes_per_s=1, seal_lag_keys=0)
"""Nothing is planned, and moves do not come to an end."""


def founded(nodes: int = 3, *creates: str, **settings) -> Bench:
    """All nodes know the map, and each other's births; then ``KEYSPACE CREATE`` for each of ``creates``."""
    bench = Bench(nodes, **{"steward": QUIET, **settings})
    bench.until(lambda: all(is_settled(bench, number, nodes) for number in bench.servers))
    for create in creates:
        assert bench.answer("maker", f"KEYSPACE CREATE {create}") == "+OK"
    bench.wait(200)
    return bench


def is_settled(bench: Bench, number: int, nodes: int) -> bool:
    front = bench.node(number).front
    births = [row.birth for row in front.cluster.members.values()]
    return front.map_epoch == front.cluster.epoch and all(births) and len(births) == nodes


def reply(bench: Bench, name: str, line: str):
    """The reply as data: what ``HELLO 3`` shows as maps becomes dictionaries."""
    if name not in bench.clients:
        bench.ask(name, "HELLO 3")
        name = name.partition("@")[0]
    return parsed(bench.answer(name, line))


def parsed(text: str):
    found, rest = _parse(text)
    assert not rest, rest
    return found


def _parse(text: str):
    if text.startswith('"'):
        end = text.index('"', 1)
        return text[1:end], text[end + 1 :]
    if text.startswith(("[", "{")):
        items, closing, rest = [], {"[": "]", "{": "}"}[text[0]], text[1:]
        while not rest.startswith(closing):
            item, rest = _parse(rest.lstrip(" ,:"))
            items.append(item)
        pairs = zip(items[::2], items[1::2], strict=True) if closing == "}" else []
        return dict(pairs) if closing == "}" else items, rest[1:]
    size = next((i for i, c in enumerate(text) if c in " ,]}:"), len(text))
    word = text[:size]
    value = {"nil3": None, "nil": None}.get(word, int(word) if word.lstrip("-").isdigit() else word)
    return value, text[size:]
