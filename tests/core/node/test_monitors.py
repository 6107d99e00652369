"""MONITOR: every command that a node takes, without passwords."""

from tests.core.node.bench import Bench
from trivet.core.node.monitors import SHOWN_BYTES_MAX, quoted, redacted


def test_a_monitor_sees_the_commands_of_its_node():
    bench = Bench(3)
    assert bench.say("a", "MONITOR") == ["+OK"]
    lines = bench.say("b", 'set k "a\\nb\\x00" | SELECT 2 | MULTI | GET k | EXEC | CONFIG GET save')
    seen = [line.split("] ", 1) for line in lines if line.startswith("a: ")]
    assert [words for _, words in seen] == [
        '"set" "k" "a\\nb\\x00"', '"select" "2"', '"multi"', '"get" "k"', '"exec"',
    ]  # fmt: skip
    assert [head.split("[")[1].split()[0] for head, _ in seen] == ["0", "0", "2", "2", "2"]
    assert bench.say("c@2", "SET j 1") == ["+OK"]


def test_a_parked_command_is_seen_once():
    bench = Bench(3)
    bench.say("a", "MONITOR")
    lines = bench.say("b", "SET k 1 | GET k | SET k 2 | GET k")
    assert len([line for line in lines if line.startswith("a: ")]) == 4


def test_it_ends_with_reset_or_with_the_client():
    bench = Bench()
    bench.say("a", "MONITOR")
    bench.say("b", "MONITOR")
    assert bench.say("a", "RESET") == ["+RESET"]
    bench.hang_up_client("b")
    assert bench.say("c", "PING") == ["+PONG"]
    assert bench.node(1).front.vet == 0


def test_passwords_are_hidden():
    assert redacted(b"AUTH", [b"AUTH", b"user", b"secret"]) == [b"auth", b"(redacted)", b"(redacted)"]
    assert redacted(b"HELLO", [b"HELLO", b"3", b"AUTH", b"u", b"p", b"SETNAME", b"n"]) == [
        b"hello", b"3", b"AUTH", b"(redacted)", b"(redacted)", b"SETNAME", b"n",
    ]  # fmt: skip
    assert redacted(b"GET", [b"GET", b"k"]) == [b"get", b"k"]


def test_quoting():
    assert quoted(b'a"\\\r\n\t\a\b\x01\x7f') == '"a\\"\\\\\\r\\n\\t\\a\\b\\x01\\x7f"'


def test_long_arguments_are_cut():
    assert quoted(b"x" * 20_000) == '"' + "x" * SHOWN_BYTES_MAX + '... (3616 more bytes)"'
