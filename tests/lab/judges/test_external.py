"""Other people's histories: read, understood, judged, and told; and what is said of those that make no sense."""

import io
import json
from pathlib import Path

import pytest

from trivet.core.base.prng import Prng
from trivet.lab.judges import HistoryError, judge, read_history
from trivet.lab.judges.command import judge_file
from trivet.lab.judges.external import plain


def lines(*events: str, keyed: str = "x") -> str:
    """``"0 invoke write 1"``: process, type, f, value as JSON."""
    made = []
    for event in events:
        process, kind, f, value = event.split(" ", 3)
        made.append({"process": int(process), "type": kind, "f": f, "key": keyed, "value": json.loads(value)})
    return "\n".join(json.dumps(event) for event in made) + "\n"


REGISTER = {
    "a read of what was written": (
        True,
        lines("0 invoke write 1", "0 ok write 1", "1 invoke read null", "1 ok read 1"),
    ),
    "a stale read": (
        False,
        lines("0 invoke write 1", "0 ok write 1", "1 invoke read null", "1 ok read null"),
    ),
    "a write that may have happened": (
        True,
        lines(
            "0 invoke write 1",
            "0 info write 1",
            "1 invoke read null",
            "1 ok read null",
            "1 invoke read null",
            "1 ok read 1",
        ),
    ),
    "a write that never ended": (True, lines("0 invoke write 1", "1 invoke read null", "1 ok read 1")),
    "a failed write is seen": (
        False,
        lines("0 invoke write 1", "0 fail write 1", "1 invoke read null", "1 ok read 1"),
    ),
    "a cas from the value that is there": (
        True,
        lines(
            "0 invoke write 1",
            "0 ok write 1",
            "1 invoke cas [1,2]",
            "1 ok cas [1,2]",
            "0 invoke read null",
            "0 ok read 2",
        ),
    ),
    "a cas from a value that is not there": (
        False,
        lines("0 invoke write 1", "0 ok write 1", "1 invoke cas [3,2]", "1 ok cas [3,2]"),
    ),
    "a number is not a text": (
        False,
        lines("0 invoke write 1", "0 ok write 1", "1 invoke read null", '1 ok read "1"'),
    ),
    "nothing succeeded": ("unknown", lines("0 invoke write 1", "0 info write 1")),
}
KV = {
    "counting": (True, lines("0 invoke incr null", "0 ok incr 1", "1 invoke read null", "1 ok read 1")),
    "counted twice": (False, lines("0 invoke incr null", "0 ok incr 1", "1 invoke incr null", "1 ok incr 1")),
    "deleted": (
        True,
        lines(
            "0 invoke set 1",
            "0 ok set 1",
            "0 invoke del null",
            "0 ok del null",
            "1 invoke get null",
            "1 ok get null",
        ),
    ),
    "there after it was deleted": (
        False,
        lines(
            "0 invoke set 1",
            "0 ok set 1",
            "0 invoke del null",
            "0 ok del null",
            "1 invoke get null",
            "1 ok get 1",
        ),
    ),
    "first come, first served": (
        False,
        lines("0 invoke setnx 1", "0 ok setnx true", "1 invoke setnx 2", "1 ok setnx true"),
    ),
    "swapped": (True, lines("0 invoke getset 1", "0 ok getset null", "0 invoke getset 2", "0 ok getset 1")),
    "half a transaction": (
        False,
        lines(
            '0 invoke txn [["w","a",1],["w","b",1]]',
            '1 invoke txn [["r","a",null],["r","b",null]]',
            '1 ok txn [["r","a",1],["r","b",null]]',
            '0 ok txn [["w","a",1],["w","b",1]]',
        ),
    ),
}
JEPSEN = {
    "register": (
        False,
        "register",
        """{:type :invoke, :f :write, :value 3, :process 0, :time 10, :index 0}
        {:type :info, :f :start, :process :nemesis, :value nil, :time 11, :index 1}
        {:type :ok, :f :write, :value 3, :process 0, :time 12, :index 2}
        {:type :invoke, :f :read, :value nil, :process 1, :time 13, :index 3}
        {:type :ok, :f :read, :value 4, :process 1, :time 14, :index 4}""",
    ),
    "independent keys": (
        True,
        "register",
        """[{:type :invoke, :f :write, :value [7 3], :process 0}
        {:type :ok, :f :write, :value [7 3], :process 0}
        {:type :invoke, :f :read, :value [7 nil], :process 0}
        {:type :ok, :f :read, :value [7 3], :process 0}
        {:type :invoke, :f :cas, :value [8 [1 2]], :process 0}
        {:type :fail, :f :cas, :value [8 [1 2]], :process 0, :error :not-there}
        {:type :invoke, :f :read, :value [8 nil], :process 0}
        {:type :ok, :f :read, :value [8 nil], :process 0}]""",
    ),
    "independent keys, wrong": (
        False,
        "register",
        """{:type :invoke, :f :write, :value [7 3], :process 0}
        {:type :ok, :f :write, :value [7 3], :process 0}
        {:type :invoke, :f :read, :value [8 nil], :process 0}
        {:type :ok, :f :read, :value [8 3], :process 0}""",
    ),
    "list-append": (
        False,
        "list-append",
        """#jepsen.history.Op{:type :invoke, :f :txn, :value [[:append 5 1] [:r 6 nil]], :process 0}
        #jepsen.history.Op{:type :invoke, :f :txn, :value [[:append 6 1] [:r 5 nil]], :process 1}
        #jepsen.history.Op{:type :ok, :f :txn, :value [[:append 5 1] [:r 6 nil]], :process 0}
        #jepsen.history.Op{:type :ok, :f :txn, :value [[:append 6 1] [:r 5 []]], :process 1}""",
    ),
    "list-append under independent keys": (
        True,
        "list-append",
        """{:type :invoke, :f :txn, :value [1 [[:append 5 1]]], :process 0}
        {:type :ok, :f :txn, :value [1 [[:append 5 1]]], :process 0}
        {:type :invoke, :f :txn, :value [2 [[:r 5 nil]]], :process 0}
        {:type :ok, :f :txn, :value [2 [[:r 5 nil]]], :process 0}""",
    ),
}
MALFORMED = {
    "an end without a beginning": (lines("0 ok read 1"), "line 1: process 0 ends (ok) what it never began"),
    "two beginnings": (lines("0 invoke read null", "0 invoke read null"), "line 2: process 0 begins"),
    "another end": (
        lines("0 invoke read null", "0 ok write 1"),
        "ends a 'write', but began a 'read' in line 1",
    ),
    "a strange type": (lines("0 begin read null"), "line 1: type 'begin'"),
    "a strange operation": (lines("0 invoke dance null"), "does not know 'dance'"),
    "a write of nothing": (lines("0 invoke write null"), "call that a delete"),
    "a cas of one value": (lines("0 invoke cas 1"), "[expected new]"),
    "no process": ('{"type":"invoke","f":"read"}\n', "'process'"),
    "no f": ('{"type":"invoke","process":1}\n', "needs a 'f'"),
    "not JSON": ('{"type":"invoke"\n', "line 1: not JSON"),
    "not a map": ("[1 2 3]", "an event is a map"),
    "not EDN": ("{:type :invoke", "neither JSON lines nor EDN"),
    "prose": ("once upon a time\n", "an event is a map"),
    "nothing": ("\n", "the history is empty"),
    "deep": ('{"process":0,"type":"invoke","f":"write","value":' + "[" * 5000 + "]" * 5000 + "}\n", "line 1"),
}


@pytest.mark.parametrize("name", REGISTER)
def test_registers(name: str) -> None:
    valid, text = REGISTER[name]
    assert judge(text, "register").valid == valid
    assert judge(text, "kv").valid == valid


@pytest.mark.parametrize("name", KV)
def test_kv(name: str) -> None:
    valid, text = KV[name]
    assert judge(text, "kv").valid == valid


@pytest.mark.parametrize("name", JEPSEN)
def test_jepsen(name: str) -> None:
    valid, model, text = JEPSEN[name]
    assert judge(text, model).valid == valid


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(name: str, tmp_path: Path) -> None:
    text, message = MALFORMED[name]
    with pytest.raises(HistoryError) as error:
        judge(text, "register")
    assert message in str(error.value)
    path = tmp_path / "history.jsonl"
    path.write_text(text)
    out = io.StringIO()
    assert judge_file(str(path), "register", out=out) == 2
    assert message in out.getvalue()


def test_a_list_append_history_with_a_value_twice_is_no_history() -> None:
    text = lines(
        '0 invoke txn [["append","x",1]]', '0 ok txn [["append","x",1]]', '0 invoke txn [["append","x",1]]'
    )
    with pytest.raises(HistoryError, match="values must be unique"):
        judge(text, "list-append")


def test_json_lines_arrays_and_edn_say_the_same() -> None:
    text = REGISTER["a stale read"][1]
    array = "[" + ",\n".join(text.splitlines()) + "]"
    read, again = read_history(text), read_history(array)
    assert [o.f for o in read.operations] == [o.f for o in again.operations] == ["write", "read"]
    assert judge(array).valid is False


@pytest.mark.parametrize(("consistency", "valid"), [("snapshot-isolation", True), ("serializable", False)])
def test_consistency(consistency: str, valid: bool) -> None:
    assert judge(JEPSEN["list-append"][2], "list-append", consistency).valid is valid


def test_unknown_words() -> None:
    with pytest.raises(ValueError, match="one of register, kv, list-append"):
        judge("{}", "queue")
    with pytest.raises(ValueError, match="strict-serializable"):
        judge(JEPSEN["list-append"][2], "list-append", "eventual")


def test_the_command_says_what_it_found(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"

    def run(text: str, as_json: bool = False, budget: int = 1000) -> tuple[int, str]:
        path.write_text(text)
        out = io.StringIO()
        return judge_file(str(path), "kv", "strict-serializable", as_json, out, budget), out.getvalue()

    code, said = run(KV["counting"][1])
    assert (code, said.split(":")[0]) == (0, "VALID")
    stale = lines(
        "0 invoke write 1",
        "0 ok write 1",
        "1 invoke write 2",
        "1 ok write 2",
        "2 invoke read null",
        "2 ok read 1",
    )
    code, said = run(stale)
    assert code == 1
    assert said.splitlines() == [
        "NOT VALID: kv, linearizable",
        "operations 3, ok 3, failed 0, indefinite 0, keys judged apart 1, keys unknown 0",
        "",
        'linearizability: no order explains the history of "x"',
        "    these 3 cannot be put in any order:",
        '      [lines 1–2] process 0: write "x" 1 (ok)',
        '      [lines 3–4] process 1: write "x" 2 (ok)',
        '      [lines 5–6] process 2: read "x" -> 1 (ok)',
    ]
    code, said = run(stale, as_json=True)
    assert (code, json.loads(said)["valid"]) == (1, False)
    hard = lines(
        *[f'{i} invoke append "{i:02}"' for i in range(30)], "99 invoke read null", '99 ok read "nowhere"'
    )
    code, said = run(hard)
    assert (code, said.split(":")[0]) == (3, "UNKNOWN")
    assert judge_file(str(tmp_path / "nothing"), "kv", out=io.StringIO()) == 2


def test_random_lines_give_a_verdict_or_an_error() -> None:
    prng = Prng(9)
    values = ["null", "1", '"a"', "[1,2]", '[["append","x",1]]', '[["r","x",[1]]]', "[]", "{}", "true", "1.5"]
    kinds, names = (
        ["invoke", "ok", "fail", "info"],
        ["read", "write", "cas", "txn", "append", "incr", "del", "setnx"],
    )
    for _ in range(1500):
        events = []
        for _ in range(prng.between(1, 3)):
            process, f = prng.below(2), names[prng.below(len(names))]
            first, second = values[prng.below(len(values))], values[prng.below(len(values))]
            events.append(f"{process} invoke {f} {first}")
            events.append(f"{process} {kinds[prng.below(4)]} {f} {second}")
        for model in ("register", "kv", "list-append"):
            try:
                assert judge(lines(*events), model).valid in (True, False, "unknown")
            except HistoryError as error:
                assert error.sentence


def test_values_are_what_they_are() -> None:
    odd = [
        None,
        1,
        "1",
        1.5,
        True,
        [1],
        {"a": 1},
        {1: 1},
        {"1": 1},
        {(1, "a"): 1},
        float("inf"),
        float("nan"),
        "\ud800",
    ]
    texts = [plain(value) for value in [*odd, 10**40]]
    assert len(dict.fromkeys(texts)) == len(texts)
    assert plain({"a": 1, "b": [2]}) == plain({"b": (2,), "a": 1})
