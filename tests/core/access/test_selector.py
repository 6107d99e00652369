import pytest

from trivet.core.access.commands import BOTH, COMMANDS, EVERYTHING, READ, WRITE
from trivet.core.access.selector import Problem, Selector, has_blanks


def selector(*rules: bytes) -> Selector:
    made = Selector()
    for rule in rules:
        assert made.change(rule) is None, rule
    return made


def test_commands_add_up_in_their_order():
    made = selector(b"+@all", b"-get", b"-@write", b"+SET")
    assert made.commands & COMMANDS["set"].bit
    assert not made.commands & COMMANDS["get"].bit
    assert not made.commands & COMMANDS["del"].bit
    assert made.commands & COMMANDS["ping"].bit
    assert selector(b"allcommands", b"nocommands").commands == 0


def test_a_container_goes_with_its_subcommands():
    made = selector(b"+config", b"-config|set")
    assert made.commands & COMMANDS["config|get"].bit
    assert not made.commands & COMMANDS["config|set"].bit
    assert selector(b"+config|get").commands == COMMANDS["config|get"].bit


def test_first_arguments_until_the_command_itself_changes():
    made = selector(b"+select|A", b"+select|a", b"+select|b")
    assert made.first_args == {"select": [b"A", b"b"]}
    assert selector(b"+select|a", b"+@connection").first_args == {}
    assert selector(b"+select|a", b"-select").first_args == {}
    assert selector(b"+select", b"+select|a").first_args == {}, "it is allowed in any case"


def test_keys_and_what_may_be_done_to_them():
    made = selector(b"~a*", b"%R~b", b"%w~b", b"%W~c", b"%rW~d", b"~a*")
    assert {name: access for name, (access, _) in made.keys.items()} == {
        b"a*": BOTH,
        b"b": BOTH,
        b"c": WRITE,
        b"d": BOTH,
    }
    assert made.keys_in_words() == [b"~a*", b"~b", b"%W~c", b"~d"]
    assert selector(b"~a", b"AllKeys").keys_in_words() == [b"~*"]
    assert selector(b"allkeys", b"resetkeys").keys_in_words() == []


def test_channels():
    made = selector(b"&a*", b"&b", b"&b")
    assert made.channels_in_words() == [b"&a*", b"&b"]
    assert selector(b"&a", b"&*").channels_in_words() == [b"&*"]
    assert selector(b"allchannels", b"resetchannels").channels_in_words() == []


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (b"foo", Problem.SYNTAX),
        (b"", Problem.SYNTAX),
        (b"+nosuch", Problem.UNKNOWN),
        (b"-nosuch", Problem.UNKNOWN),
        (b"+@nosuch", Problem.UNKNOWN),
        (b"-get|a", Problem.UNKNOWN),
        (b"+config|nosuch", Problem.UNKNOWN),
        (b"+nosuch|a", Problem.UNKNOWN),
        (b"+get|", Problem.SYNTAX),
        (b"+config|get|a", Problem.FIRST_ARGUMENT),
        (b"~a b", Problem.SYNTAX),
        (b"~a\0b", Problem.SYNTAX),
        (b"&a b", Problem.SYNTAX),
        (b"%~a", Problem.SYNTAX),
        (b"%", Problem.SYNTAX),
        (b"%RR~a", Problem.SYNTAX),
        (b"%RX~a", Problem.SYNTAX),
    ],
)
def test_what_is_wrong(rule, problem):
    made = Selector()
    assert made.change(rule) is problem
    assert not problem.is_of_state
    assert (made.commands, made.keys, made.channels, made.first_args) == (0, {}, {}, {})


def test_nothing_is_added_to_everything():
    made = selector(b"allkeys", b"allchannels")
    assert made.change(b"~a") is Problem.ALL_KEYS
    assert made.change(b"&a") is Problem.ALL_CHANNELS
    assert Problem.ALL_KEYS.is_of_state


def test_everything():
    assert selector(b"+@all", b"~*", b"&*").is_everything
    assert selector(b"+@all", b"~*", b"&*").commands == EVERYTHING
    assert not selector(b"+@all", b"~*").is_everything
    assert not selector(b"+@all", b"-get", b"~*", b"&*").is_everything


def test_a_copy_changes_alone():
    made = selector(b"+select|a", b"%R~k", b"&c", b"+get")
    twin = made.copy()
    for rule in (b"+select|b", b"~k", b"&d", b"-get"):
        assert twin.change(rule) is None
    assert made.first_args == {"select": [b"a"]}
    assert made.keys[b"k"][0] == READ
    assert list(made.channels) == [b"c"]
    assert made.commands == COMMANDS["get"].bit


def test_blanks():
    assert has_blanks(b"a b")
    assert has_blanks(b"a\0")
    assert not has_blanks(b"a-b")
