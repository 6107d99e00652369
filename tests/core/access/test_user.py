from tests.core.access.people import problem, told, user
from trivet.core.access.user import User, hash_of


def test_a_new_user_may_do_nothing():
    assert told("") == "off resetchannels -@all"
    assert not User(b"ann", 1).knows(b"")


def test_passwords_are_kept_as_hashes():
    ann = user("on >secret")
    assert list(ann.passwords) == [hash_of(b"secret")]
    assert hash_of(b"p") == b"148de9c5a7a44d19e56cd9ae1a554bf67847afb0c58f6e12fa29ac7ddfca9940"
    assert ann.knows(b"secret")
    assert not ann.knows(b"secre")
    assert not ann.knows(b"")
    assert not ann.knows(hash_of(b"secret")), "the hash is no password"


def test_several_passwords_come_and_go():
    ann = user("on >one >two >one")
    assert len(ann.passwords) == 2
    assert ann.knows(b"one") and ann.knows(b"two")
    assert problem(ann, "<one") == ""
    assert not ann.knows(b"one")
    assert problem(ann, "<one").endswith("The password you are trying to remove from the user does not exist")
    assert problem(ann, "!" + hash_of(b"two").decode()) == ""
    assert not ann.passwords


def test_a_hash_is_checked_for_its_form():
    for rule in ("#ab", "!ab", "#" + "A" * 64, "#" + "g" * 64):
        assert problem(User(b"", 0), rule).endswith(
            "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
        )


def test_nopass_lets_everybody_in():
    ann = user("on >secret nopass")
    assert ann.knows(b"anything")
    assert ann.is_open
    assert not ann.passwords
    assert not user("nopass").is_open, "but not while it is off"
    assert not user("nopass").knows(b"")
    assert not user("on nopass resetpass").knows(b"")
    assert not user("on nopass >x").knows(b"y")


def test_words_in_any_case_and_none():
    assert told("ON NoPass '' ALLKEYS +@ALL") == "on nopass ~* resetchannels +@all"


def test_payloads():
    assert told("skip-sanitize-payload") == "off skip-sanitize-payload resetchannels -@all"
    assert told("skip-sanitize-payload sanitize-payload") == "off sanitize-payload resetchannels -@all"


def test_selectors():
    ann = user("(+get ~a) (+set ~b &*) ()")
    assert len(ann.selectors) == 4
    assert told("(+get ~a) (+set ~b &*)") == (
        "off resetchannels -@all (~a resetchannels -@all +get) (~b &* -@all +set)"
    )
    assert told("(+get ~a) clearselectors") == "off resetchannels -@all"
    assert problem(ann, "(on)").endswith("Syntax error")
    assert len(ann.selectors) == 4, "nothing has changed"


def test_reset():
    assert told("on >x ~* &* +@all (+get) reset") == "off sanitize-payload resetchannels -@all"


def test_everything_is_seen_at_once():
    assert user("~* &* +@all").everything
    assert user("-@all (~* &* +@all)").everything
    assert not user("~* +@all").everything


def test_a_copy_changes_alone():
    ann = user("on >x (+get)")
    twin = ann.copy()
    assert problem(twin, "off >y clearselectors ~* +@all &*") == ""
    assert (ann.enabled, len(ann.passwords), len(ann.selectors), ann.everything) == (True, 1, 2, False)
    assert twin.everything
