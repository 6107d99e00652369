"""A subscription is answered when peers have heard of it (rule H7): who waits for that, and for how long."""

import pytest

from tests.core.node.bench import SMALL, Bench, encode
from trivet.core.base.limits import Limits


def test_a_peer_that_does_not_answer_holds_a_subscriber_for_a_while():
    Bench(3).talk(
        """
        a@2> HELLO 3 | SUBSCRIBE y
        {"server": "redis", "version": "7.0.15", "proto": 3, "id": 7, "mode": "standalone", "role": "master", "modules": []}
        >["subscribe" "y" 1]
        * cut 3
        a> SUBSCRIBE x | GET k
        b@1> PUBLISH y 1 | PUBLISH x 1
        1
        1
        * wait 480
        * wait 20
        a: >["subscribe" "x" 2]
        a: >["message" "y" "1"]
        a: >["message" "x" "1"]
        a: nil3
        b> PUBLISH x 2
        1
        a: >["message" "x" "2"]
        """
    )


def test_what_is_published_while_a_subscription_waits_is_heard_behind_the_answer():
    """H7: as in Redis a client need not wait for the answer before it lets others publish."""
    Bench(3).talk(
        """
        * cut 3
        a@2> SUBSCRIBE x
        b@2> PUBLISH x 1
        1
        b> MULTI | SET k v | PUBLISH x 2 | EXEC
        +OK
        +QUEUED
        +QUEUED
        [+OK 0]
        c@1> PUBLISH x 3
        1
        * wait 500
        a: ["subscribe" "x" 1]
        a: ["message" "x" "1"]
        a: ["message" "x" "2"]
        a: ["message" "x" "3"]
        """
    )


def test_a_subscription_for_which_too_much_is_held_waits_no_longer():
    """H7: what is held is bounded."""
    bench = Bench(3, limits=Limits(client_output_pubsub_pause_bytes=1_000))
    bench.cut(3)
    assert bench.say("a@2", "SUBSCRIBE x") == []
    assert bench.say("b@2", "PUBLISH x " + "1" * 900) == ["1"]
    given = bench.say("b", "PUBLISH x 2 | PUBLISH x " + "3" * 100)
    heard = [line[-5:] for line in given if line.startswith("a: ")]
    assert heard == ['"x" 1]'[-5:], '111"]', ' "2"]', '333"]']
    assert sorted(bench.say("b", "PUBLISH x 4")) == ["1", 'a: ["message" "x" "4"]']


def test_while_a_peer_is_late_nobody_waits_for_it():
    bench = Bench(3)
    bench.cut(3)
    assert bench.say("a@2", "SUBSCRIBE x") == []
    assert bench.act("wait 500") == ['a: ["subscribe" "x" 1]']
    assert bench.say("b@2", "SUBSCRIBE y") == ['["subscribe" "y" 1]']
    bench.heal()
    bench.wait(100)
    bench.cut(3)
    assert bench.say("b", "SUBSCRIBE x") == ['["subscribe" "x" 2]'], "they had heard by then"
    assert bench.say("b", "SUBSCRIBE z") == [], "it is waited for again"


def test_what_follows_a_subscription_that_waits_is_answered_in_order():
    bench = Bench(3)
    bench.cut(3)
    pipeline = (
        "SUBSCRIBE a b a | PSUBSCRIBE p* | ssubscribe s | PING | UNSUBSCRIBE a | SUBSCRIBE b | SUBSCRIBE"
    )
    assert bench.say("c@2", pipeline) == []
    assert bench.say("c", "PING 2") == []
    assert bench.act("wait 500") == [
        f"c: {text}"
        for text in (
            '["subscribe" "a" 1]',
            '["subscribe" "b" 2]',
            '["subscribe" "a" 2]',
            '["psubscribe" "p*" 3]',
            '["ssubscribe" "s" 1]',
            '["pong" ""]',
            '["unsubscribe" "a" 2]',
            '["subscribe" "b" 2]',
            "-ERR wrong number of arguments for 'subscribe' command",
            '["pong" "2"]',
        )
    ]
    bench.node(2).front.pubsub.local.check_invariants()


def test_subscriptions_in_a_pipeline_are_told_at_once():
    """H7: they don't wait one after the other."""
    bench = Bench(3)
    bench.connect("a", 2)
    bench.settle()
    frames: list[tuple[int, int]] = []
    bench.on_send = lambda sender, to, frame: frames.append((sender, to)) if b"many" in frame else None
    bench.send("a", encode(" | ".join(f"SUBSCRIBE many{n}" for n in range(50))))
    bench.settle()
    assert frames == [(2, 1), (2, 3)]
    assert bench.events[-1] == ("a", '["subscribe" "many49" 50]')


def test_a_name_that_peers_know_is_answered_at_once():
    bench = Bench(3)
    bench.say("a@2", "SUBSCRIBE x")
    bench.cut(3)
    assert bench.say("b@2", "SUBSCRIBE x") == ['["subscribe" "x" 1]']
    assert bench.say("b", "SUBSCRIBE x y") == []
    assert bench.act("wait 500") == ['b: ["subscribe" "x" 1]', 'b: ["subscribe" "y" 2]']


@pytest.mark.parametrize("event", ["hang_up 3 2", "hang_up 2 3", "crash 3", "heal"])
def test_a_link_that_breaks_or_is_renewed_ends_the_wait(event):
    bench = Bench(3)
    bench.cut(3)
    assert bench.say("a@2", "SUBSCRIBE x") == []
    assert 'a: ["subscribe" "x" 1]' in bench.act(event)
    assert bench.say("b@1", "PUBLISH x 1") == ["1", 'a: ["message" "x" "1"]']


def test_one_that_goes_while_it_waits_is_forgotten_everywhere():
    bench = Bench(3)
    for act in (
        lambda: bench.hang_up_client("a"),
        lambda: bench.say("b@2", "CLIENT KILL TYPE normal"),
        lambda: bench.send("a", b"\r\n*x\r\n"),
        lambda: bench.crash(2),
    ):
        bench.cut(3)
        assert bench.say("a@2", "SUBSCRIBE x | GET k") == []
        act()
        bench.settle()
        bench.heal()
        bench.wait(600)
        if bench.servers[2].node is None:
            bench.start(2)
            bench.wait(600)
        if bench.clients["a"].open:
            assert bench.events[-1] == ("a", "closed")
        assert bench.say(f"c{len(bench.effects)}@1", "PUBSUB CHANNELS | PUBLISH x 1") == ["[]", "0"]
        assert bench.node(2).front.pubsub.confirmations == {}
        bench.clients.pop("a")


def test_a_client_that_breaks_the_protocol_while_it_waits_is_answered_first():
    bench = Bench(3)
    bench.cut(3)
    assert bench.say("a@2", "SUBSCRIBE x") == []
    bench.send("a", b"*x\r\n")
    outcome = bench.act("settle")
    assert outcome == [
        'a: ["subscribe" "x" 1]',
        "a: -ERR Protocol error: invalid multibulk length",
        "a: closed",
    ]


@pytest.mark.parametrize(
    ("line", "answers"),
    [
        ("RESET", ['["subscribe" "x" 1]', "+RESET"]),
        ("QUIT", ['["subscribe" "x" 1]', "+OK", "closed"]),
        ("UNSUBSCRIBE", ['["subscribe" "x" 1]', '["unsubscribe" "x" 0]']),
        ("RESET | SUBSCRIBE x | UNSUBSCRIBE x | PING",
         ['["subscribe" "x" 1]', "+RESET", '["subscribe" "x" 1]', '["unsubscribe" "x" 0]', "+PONG"]),
    ],
)  # fmt: skip
def test_what_ends_a_subscription_waits_for_it(line, answers):
    bench = Bench(3)
    bench.cut(3)
    assert bench.say("a@2", f"SUBSCRIBE x | {line}") == []
    assert bench.act("wait 500") == [f"a: {text}" for text in answers]
    bench.heal()
    assert bench.say("b@1", "PUBSUB CHANNELS") == ["[]"]


@pytest.mark.parametrize(
    "change", ["ACL SETUSER u resetchannels", "ACL DELUSER u", "ACL SETUSER u resetchannels &y"]
)
def test_who_may_listen_no_longer_when_peers_have_heard_is_cut_off(change):
    bench = Bench(3)
    assert bench.say("b@2", "ACL SETUSER u on nopass +@all ~* &*") == ["+OK"]
    assert bench.say("a@2", "AUTH u x") == ["+OK"]
    bench.cut(3)
    assert bench.say("a", "SUBSCRIBE x") == []
    assert "a: cut off" in bench.say("b", change)
    assert bench.say("b", "PUBSUB CHANNELS") == ["[]"]


def test_a_user_with_few_channels_subscribes_to_one_after_the_other():
    bench = Bench(3)
    assert bench.say("b@2", "ACL SETUSER u on nopass +@all ~* resetchannels &x*") == ["+OK"]
    assert bench.say("a@2", "AUTH u x") == ["+OK"]
    assert bench.say("a", "SUBSCRIBE x1 | SUBSCRIBE y | SUBSCRIBE x2") == [
        '["subscribe" "x1" 1]',
        "-NOPERM this user has no permissions to access one of the channels used as arguments",
        '["subscribe" "x2" 2]',
    ]


def test_a_refusal_waits_for_what_was_asked_before():
    """H5."""
    fields = {name: getattr(SMALL, name) for name in SMALL.__struct_fields__}
    bench = Bench(3, limits=Limits(**{**fields, "client_subscriptions_max": 2}))
    bench.cut(3)
    assert bench.say("a@2", "SUBSCRIBE x | SUBSCRIBE x y z | SUBSCRIBE y") == []
    first, second, third = bench.act("wait 1000")
    assert (first, third) == ('a: ["subscribe" "x" 1]', 'a: ["subscribe" "y" 2]')
    assert "client_subscriptions_max (2)" in second


def test_a_client_that_waits_is_not_idle_and_can_be_listed():
    bench = Bench(3)
    bench.cut(3)
    assert bench.say("a@2", "SUBSCRIBE x") == []
    (listed,) = bench.say("b@2", "CLIENT LIST")
    assert "flags=b " in listed
    assert bench.say("b", f"CLIENT UNBLOCK {bench.clients['a'].conn}") == ["0"], "it is not one of those"
    assert bench.act("wait 500") == ['a: ["subscribe" "x" 1]']


def test_a_subscriber_that_wants_no_replies_listens():
    bench = Bench(3)
    assert bench.say("a@2", "CLIENT REPLY OFF | SUBSCRIBE x") == []
    assert bench.say("b@1", "PUBLISH x 1") == ["1", 'a: ["message" "x" "1"]']
    assert bench.say("c@2", "CLIENT REPLY SKIP | SUBSCRIBE z | SUBSCRIBE x") == ['["subscribe" "x" 2]']


def test_who_subscribes_while_an_earlier_subscription_waits_is_read_from_again():
    bench = Bench(3)
    bench.cut(3)
    assert bench.say("a@2", "SUBSCRIBE x") == []
    assert bench.say("a", "SUBSCRIBE y") == []
    bench.act("wait 500")
    bench.heal()
    bench.wait(500)
    assert bench.say("a", "UNSUBSCRIBE y") == ['["unsubscribe" "y" 1]']
    bench.cut(3)
    assert bench.say("a", "SUBSCRIBE z") == []
    assert bench.say("a", "PSUBSCRIBE z") == []
    assert bench.act("hang_up 2 3") == ['a: ["subscribe" "z" 2]', 'a: ["psubscribe" "z" 3]']
    assert bench.say("a", "UNSUBSCRIBE z") == ['["unsubscribe" "z" 2]']


def test_who_subscribes_in_two_writes_at_once_is_read_from_again():
    """The second is parked, then waits itself."""
    bench = Bench(3)
    bench.connect("a", 2)
    bench.settle()
    bench.send("a", encode("SUBSCRIBE x"))
    bench.send("a", encode("PSUBSCRIBE x*"))
    assert bench.act("settle") == ['a: ["subscribe" "x" 1]', 'a: ["psubscribe" "x*" 2]']
    assert bench.say("a", "UNSUBSCRIBE x") == ['["unsubscribe" "x" 1]']
