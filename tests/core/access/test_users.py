import msgspec
import pytest

from trivet.core.access.user import DEFAULT, hash_of
from trivet.core.access.users import (
    KEEP_DEFAULT,
    SelectorState,
    Users,
    UsersState,
    UserState,
    facts_of,
    initial_default,
)
from trivet.core.wire.reply import OK, Error, Members

NOTHING = b""


def test_default_is_there_from_the_beginning():
    users = Users()
    assert users.names() == [DEFAULT]
    assert users.lines(NOTHING) == [b"user default on nopass ~* &* +@all"]
    assert initial_default(NOTHING).is_open
    assert initial_default(hash_of(b"secret")).knows(b"secret")
    assert users.lines(hash_of(b"p")) == [b"user default on #" + hash_of(b"p") + b" ~* &* +@all"]


def test_the_first_change_of_default_takes_the_file_s_password_along():
    users = Users()
    assert users.set_user(DEFAULT, hash_of(b"secret"), [b"-@dangerous"]) == OK
    for initial in (NOTHING, hash_of(b"other")):
        user = users.find(DEFAULT, initial)
        assert user is not None
        assert user.knows(b"secret")
        assert not user.knows(b"other")
    assert users.set_user(DEFAULT, NOTHING, [b"+@all"]) == OK
    assert users.find(DEFAULT, NOTHING).knows(b"secret"), "what the file says counts no more"


def test_all_rules_or_none():
    users = Users()
    assert users.set_user(b"ann", NOTHING, [b"on", b"foo"]) == Error(
        "ERR Error in ACL SETUSER modifier 'foo': Syntax error"
    )
    assert users.find(b"ann", NOTHING) is None
    users.set_user(b"ann", NOTHING, [b"on"])
    before, version = users.find(b"ann", NOTHING), users.version
    users.set_user(b"ann", NOTHING, [b"off", b"foo"])
    assert users.find(b"ann", NOTHING) is before
    assert users.version == version


def test_requiring_a_password():
    users = Users()
    users.require_password(hash_of(b"secret"))
    assert users.lines(NOTHING) == [b"user default on #" + hash_of(b"secret") + b" ~* &* +@all"]
    users.set_user(DEFAULT, NOTHING, [b"-@dangerous", b">other"])
    users.require_password(b"")
    assert users.lines(NOTHING) == [b"user default on nopass ~* &* +@all -@dangerous"]


def test_users_come_and_go():
    users = Users()
    for name in (b"zoe", b"ann", b"bob"):
        assert users.set_user(name, NOTHING, []) == OK
    assert users.names() == [b"ann", b"bob", DEFAULT, b"zoe"]
    assert users.delete([b"bob", b"nosuch", b"bob", b"zoe"]) == 2
    assert users.names() == [b"ann", DEFAULT]
    assert users.delete([b"ann", DEFAULT]) == KEEP_DEFAULT
    assert users.find(b"ann", NOTHING) is not None


def test_a_user_of_the_same_name_is_another_one():
    users = Users()
    users.set_user(b"ann", NOTHING, [])
    first = users.find(b"ann", NOTHING).born
    users.set_user(b"ann", NOTHING, [b"on"])
    assert users.find(b"ann", NOTHING).born == first
    users.delete([b"ann"])
    users.set_user(b"ann", NOTHING, [])
    assert users.find(b"ann", NOTHING).born > first


def test_what_getuser_tells():
    users = Users()
    users.set_user(b"ann", NOTHING, [b"on", b"nopass", b"+get", b"%R~a", b"&c", b"(+set ~b)"])
    assert facts_of(users.find(b"ann", NOTHING)) == {
        b"flags": Members([b"on", b"nopass"]),
        b"passwords": [],
        b"commands": b"-@all +get",
        b"keys": b"%R~a",
        b"channels": b"&c",
        b"selectors": [{b"commands": b"-@all +set", b"keys": b"~b", b"channels": b""}],
    }


def test_a_snapshot_holds_all_of_it():
    users = Users()
    users.set_user(
        b"ann", NOTHING, [b"on", b"+@all", b"-get", b"+select|0", b"-@write", b'(+set ~"a" %RW~* ~b)']
    )
    users.set_user(b"bob", NOTHING, [b">x", b">y", b"allkeys", b"allchannels", b"skip-sanitize-payload"])
    users.set_user(DEFAULT, hash_of(b"s"), [b"-@dangerous"])
    users.delete([b"bob"])
    users.set_user(b"bob", NOTHING, [b">y", b">x", b"-@all", b"+get|a b", b"&c"])
    twin = Users()
    twin.restore(msgspec.msgpack.decode(msgspec.msgpack.encode(users.state()), type=UsersState))
    assert twin.state() == users.state()
    assert twin.lines(NOTHING) == users.lines(NOTHING)
    for each in (users, twin):
        assert each.set_user(b"ann", NOTHING, [b"~c"]) == OK
        each.set_user(b"new", NOTHING, [])
    assert twin.state() == users.state()


def test_a_pattern_for_everything_is_not_the_word_for_it():
    """A restored replica must refuse and accept the same further rules."""
    users = Users()
    users.set_user(b"ann", NOTHING, [b"%RW~*"])
    twin = Users()
    twin.restore(users.state())
    assert twin.set_user(b"ann", NOTHING, [b"~a"]) == users.set_user(b"ann", NOTHING, [b"~a"]) == OK


@pytest.mark.parametrize("selectors", [[], [SelectorState([b"+nosuch"], False, [], False, [])]])
def test_a_bad_snapshot_is_refused(selectors):
    state = UsersState(1, [UserState(b"ann", 1, True, False, 0, [], selectors)])
    with pytest.raises(ValueError):
        Users().restore(state)
