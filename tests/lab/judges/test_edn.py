"""EDN as Jepsen writes it, and what it does with what is not EDN."""

import pytest

from trivet.core.base.prng import Prng
from trivet.lab.judges.edn import DEPTH_MAX, EdnError, read_edn

VALUES = {
    "nil true false": [None, True, False],
    "1 -2 +3 4N 1.5 2e3 7M": [1, -2, 3, 4, 1.5, 2000.0, 7],
    ":read :jepsen/op sym": ["read", "jepsen/op", "sym"],
    r'"a \"b\" \n \\" \a \newline \u0041': ['a "b" \n \\', "a", "\n", "A"],
    "(1 2) #{3 4} ()": [(1, 2), (3, 4), ()],
    "{:a [1 [2]], :b {}}": [{"a": (1, (2,)), "b": {}}],
    '#inst "2020" #jepsen.history.Op{:a 1} #foo [1]': ["2020", {"a": 1}, 1],
    "1 #_ 2 3 #_ {:a 1} ; the end": [1, 3],
    "[{:a 1}\n {:a 2}]": [{"a": 1}, {"a": 2}],
}
BROKEN = {
    "{:a": "line 1: '{' is never closed",
    "1\n]": "line 2: ']' closes nothing",
    "{:a 1]": "closes nothing that is open",
    "{:a}": "a key that has no value",
    '1\n2 "abc': "line 2: cannot read",
    "{{:a 1} 2}": "a map as the key",
    "{[{:a 1}] 2}": "holds a map",
    "[" * (DEPTH_MAX + 2): "nested deeper",
    "9" * 2000: "digits",
}


@pytest.mark.parametrize("text", VALUES)
def test_values(text: str) -> None:
    assert [value for _, value in read_edn(text)] == VALUES[text]


@pytest.mark.parametrize("text", BROKEN)
def test_broken(text: str) -> None:
    with pytest.raises(EdnError) as error:
        list(read_edn(text))
    assert BROKEN[text] in str(error.value)


def test_lines_are_counted_from_where_a_value_begins() -> None:
    text = '{:a "one\ntwo"}\n; comment\n\n{:b\n 2} {:c 3}'
    assert [line for line, _ in read_edn(text)] == [1, 5, 6]


def test_random_input_gives_values_or_an_error() -> None:
    prng = Prng(5)
    pieces = [
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "#{",
        "#_",
        "#tag ",
        ":k",
        " ",
        "1",
        '"',
        "\\",
        "nil",
        ";",
        "\n",
        "^m",
        "é",
    ]
    for _ in range(3000):
        text = "".join(pieces[prng.below(len(pieces))] for _ in range(prng.between(1, 14)))
        try:
            list(read_edn(text))
        except EdnError as error:
            assert error.line >= 1
