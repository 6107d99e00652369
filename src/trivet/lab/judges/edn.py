"""A small reader of EDN, the data notation of Clojure, as far as Jepsen writes its histories in it.

Keywords and symbols become their names (``:read`` -> ``"read"``, as the string would), nil None, vectors and
lists tuples, sets tuples in their written order, maps dicts; a tag (``#jepsen.history.Op``) is dropped and
its value stays. Input comes from strangers: depth and size are bounded, and an error names its line.
"""

import re
from collections.abc import Iterator

DEPTH_MAX = 64
NUMBER_DIGITS_MAX = 1000

EdnKey = None | bool | int | float | str | tuple["Edn", ...]
Edn = None | bool | int | float | str | tuple["Edn", ...] | dict[EdnKey, "Edn"]

_TOKEN = re.compile(
    r"""(?P<space>[\s,]+|;[^\n]*)
    |(?P<string>"(?:[^"\\]|\\.)*")
    |(?P<open>\#\{|[\[({])
    |(?P<close>[\])}])
    |(?P<discard>\#_)
    |(?P<tag>\#[A-Za-z][^\s,()\[\]{}";]*|\^[^\s,()\[\]{}";]+)
    |(?P<char>\\(?:newline|space|tab|return|u[0-9a-fA-F]{4}|.))
    |(?P<atom>[^\s,()\[\]{}";]+)""",
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {"[": "]", "(": ")", "{": "}", "#{": "}"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "b": "\b", "f": "\f"}
_CHARS = {"newline": "\n", "space": " ", "tab": "\t", "return": "\r"}
_WORDS: dict[str, Edn] = {"nil": None, "true": True, "false": False}


class EdnError(Exception):
    """``line`` counts from 1."""

    def __init__(self, line: int, sentence: str) -> None:
        super().__init__(f"line {line}: {sentence}")
        self.line = line
        self.sentence = sentence


class _Open:
    """A collection whose end has not come yet."""

    def __init__(self, kind: str, line: int) -> None:
        self.kind = kind
        self.line = line
        self.items: list[Edn] = []
        self.discards = 0

    def add(self, value: Edn) -> None:
        """One more value, unless a discard stands before it."""
        if self.discards:
            self.discards -= 1
        else:
            self.items.append(value)


def read_edn(text: str) -> Iterator[tuple[int, Edn]]:
    """Every top-level value with the line it begins in; of one vector at top level its elements.

    Raises ``EdnError``.
    """
    line, at, begun = 1, 0, 1
    stack = [_Open("", 1)]
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise EdnError(line, f"cannot read {text[at : at + 20]!r}")
        at = match.end()
        kind, token = match.lastgroup or "", match.group()
        if kind not in ("space", "tag") and _is_event(stack):
            begun = line
        _take(stack, kind, token, line)
        line += token.count("\n") if kind in ("space", "string") else 0
        if _is_event(stack) and stack[-1].items:
            yield begun, stack[-1].items.pop()
    if len(stack) > 1:
        raise EdnError(stack[-1].line, f"{stack[-1].kind!r} is never closed")


def _is_event(stack: list[_Open]) -> bool:
    """At top level, or directly in a vector at top level."""
    return len(stack) == 1 or (len(stack) == 2 and stack[1].kind == "[")


def _take(stack: list[_Open], kind: str, token: str, line: int) -> None:
    if kind == "open":
        if len(stack) > DEPTH_MAX:
            raise EdnError(line, f"nested deeper than {DEPTH_MAX}")
        stack.append(_Open(token, line))
    elif kind == "close":
        closed = stack.pop()
        if _CLOSES.get(closed.kind) != token:
            raise EdnError(line, f"{token!r} closes nothing that is open here")
        if len(stack) > 1 or closed.kind != "[":
            stack[-1].add(_collection(closed, line))
    elif kind == "string":
        stack[-1].add(re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), token[1:-1], flags=re.DOTALL))
    elif kind == "char":
        name = token[1:]
        stack[-1].add(chr(int(name[1:], 16)) if len(name) == 5 and name[0] == "u" else _CHARS.get(name, name))
    elif kind == "atom":
        stack[-1].add(_atom(token, line))
    elif kind == "discard":
        stack[-1].discards += 1


def _collection(closed: _Open, line: int) -> Edn:
    if closed.kind != "{":
        return tuple(closed.items)
    if len(closed.items) % 2:
        raise EdnError(line, "a map with a key that has no value")
    found: dict[EdnKey, Edn] = {}
    for key, value in zip(closed.items[::2], closed.items[1::2], strict=True):
        if isinstance(key, dict):
            raise EdnError(line, "a map as the key of a map is not supported")
        try:
            found[key] = value
        except TypeError as error:
            raise EdnError(line, "a key of a map holds a map, which is not supported") from error
    return found


def _atom(token: str, line: int) -> Edn:
    if token in _WORDS:
        return _WORDS[token]
    if token[0] == ":" and len(token) > 1:
        return token[1:]
    if token[0] == "#":
        raise EdnError(line, f"cannot read {token[:40]!r}")
    digits = token.rstrip("NM")
    if re.fullmatch(r"[+-]?\d+", digits):
        if len(digits) > NUMBER_DIGITS_MAX:
            raise EdnError(line, f"a number of more than {NUMBER_DIGITS_MAX} digits")
        return int(digits)
    if re.fullmatch(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", digits):
        return float(digits)
    return token
