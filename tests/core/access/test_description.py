from hypothesis import given
from hypothesis import strategies as st

from trivet.core.access.commands import CATEGORY_MASKS, COMMANDS
from trivet.core.access.description import commands_in_words
from trivet.core.access.selector import Selector


def told(*rules: bytes) -> bytes:
    made = Selector()
    for rule in rules:
        assert made.change(rule) is None
    return b" ".join(commands_in_words(made))


def test_from_nothing_or_from_everything():
    assert told() == b"-@all"
    assert told(b"+@all") == b"+@all"
    assert told(b"+@all", b"-get") == b"+@all -get"
    assert told(b"+get", b"+set") == b"-@all +get +set"


def test_the_categories_that_fit_best_then_what_is_left():
    assert told(b"+@all", b"-get", b"-@write", b"+set") == b"+@all -@write -get +set"
    assert told(b"-@all", b"+@read", b"+get", b"-set", b"+@string") == b"-@all +@read +@string"
    assert told(b"+@slow") == b"-@all +@slow"


def test_containers_and_first_arguments():
    assert told(b"+config", b"-config|set") == b"-@all +config -config|set"
    assert told(b"+config|get", b"+select|a", b"+select|b") == b"-@all +config|get +select|a +select|b"


names = st.sampled_from([name.encode() for name in COMMANDS])
rules = st.one_of(
    st.tuples(st.sampled_from([b"+", b"-"]), names),
    st.tuples(
        st.sampled_from([b"+@", b"-@"]),
        st.sampled_from([name.encode() for name in CATEGORY_MASKS] + [b"all"]),
    ),
)


@given(st.lists(rules, max_size=12))
def test_the_description_gives_exactly_these_commands(given_rules):
    made = Selector()
    for sign, name in given_rules:
        assert made.change(sign + name) is None
    again = Selector()
    for rule in commands_in_words(made):
        assert again.change(rule) is None
    assert again.commands == made.commands
    assert again.first_args == made.first_args
