from hypothesis import given
from hypothesis import strategies as st

from tests.core.access.people import problem, user
from trivet.core.access.rules import are_well_formed, change, hashed, merged
from trivet.core.access.user import User, hash_of
from trivet.core.access.users import Users, line_of
from trivet.core.wire.reply import Error


def test_a_selector_may_come_in_pieces():
    assert merged([b"on", b"(+get", b"~a", b"&b)", b"off"]) == [b"on", b"(+get ~a &b)", b"off"]
    assert merged([b"()", b"(+get)"]) == [b"()", b"(+get)"]
    assert merged([b"(a", b"(b", b"c)"]) == [b"(b c)"], "as redis-server has it"


def test_a_selector_that_does_not_end():
    error = merged([b"on", b"(+get", b"~a"])
    assert error == Error("ERR Unmatched parenthesis in acl selector starting at '(+get'.")


def test_the_error_names_the_rule():
    assert problem(User(b"", 0), "on +nosuch off") == (
        "ERR Error in ACL SETUSER modifier '+nosuch': Unknown command or category name in ACL"
    )


def test_what_is_wrong_for_everybody_and_what_only_for_some():
    assert are_well_formed([b"<unknown", b"~a", b"(allkeys ~a)", b"!" + b"a" * 64])
    assert not are_well_formed([b"on", b"foo"])
    assert not are_well_formed([b"(>password)"]), "so it is not sent on"


def test_no_password_is_left_in_the_rules():
    rules = hashed([b"on", b">secret", b"<old", b"~a>b"])
    assert rules == [b"on", b"#" + hash_of(b"secret"), b"!" + hash_of(b"old"), b"~a>b"]


anything = st.binary(max_size=12)
likely = st.builds(
    lambda head, tail: head + tail,
    st.sampled_from(
        [b"+", b"-", b"+@", b"~", b"%R~", b"%", b"&", b">", b"<", b"#", b"!", b"(", b"(+get ~", b"+get|"]
    ),
    st.one_of(anything, st.sampled_from([b"get", b"all", b"config|get", b")", b"x)", b'"', b"'"])),
)


@given(st.lists(st.one_of(anything, likely), max_size=8))
def test_no_rule_does_harm(arguments):
    rules = merged(arguments)
    if isinstance(rules, Error):
        return
    whole = User(b"ann", 1)
    error = change(whole, rules)
    if error is None:
        assert are_well_formed(rules)
        users = Users()
        users.by_name[b"ann"] = whole
        twin = Users()
        twin.restore(users.state())
        assert line_of(twin.by_name[b"ann"]) == line_of(whole)
        assert twin.state() == users.state()
        line_of(whole)
    sent = User(b"ann", 1)
    assert (change(sent, hashed(rules)) is None) is (error is None)
    if error is None:
        assert line_of(sent) == line_of(whole)


def test_all_rules_or_none_is_the_caller_s_part():
    ann = user("+get")
    twin = ann.copy()
    assert problem(twin, "+set foo") != ""
    assert line_of(ann) == b"user ann off resetchannels -@all +get"
