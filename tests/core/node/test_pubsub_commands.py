"""Publish/subscribe between clients of three nodes (rules H1 to H6)."""

import pytest

from tests.core.node.bench import SMALL, Bench, encode
from tests.core.node.founded import founded
from trivet.core.base.limits import Limits
from trivet.core.node.pubsub_commands import PUBSUB_HANDLERS
from trivet.core.node.routes import ROUTES


def test_a_message_reaches_subscribers_on_every_node():
    Bench(3).talk(
        """
        a@1> SUBSCRIBE news
        ["subscribe" "news" 1]
        b@2> SUBSCRIBE news sport
        ["subscribe" "news" 1]
        ["subscribe" "sport" 2]
        c@3> PSUBSCRIBE n*
        ["psubscribe" "n*" 1]
        d@3> PUBLISH news hello | PUBLISH sport 1:0 | PUBLISH other x
        c: ["pmessage" "n*" "news" "hello"]
        3
        1
        0
        a: ["message" "news" "hello"]
        b: ["message" "news" "hello"]
        b: ["message" "sport" "1:0"]
        """
    )


def test_one_client_may_hear_a_message_more_than_once():
    Bench(3).talk(
        """
        a@2> HELLO 3 | SUBSCRIBE x | PSUBSCRIBE ? * | SUBSCRIBE x
        {"server": "redis", "version": "7.0.15", "proto": 3, "id": 7, "mode": "standalone", "role": "master", "modules": []}
        >["subscribe" "x" 1]
        >["psubscribe" "?" 2]
        >["psubscribe" "*" 3]
        >["subscribe" "x" 3]
        a> PUBLISH x 1 | GET k
        >["message" "x" "1"]
        >["pmessage" "?" "x" "1"]
        >["pmessage" "*" "x" "1"]
        3
        nil3
        b> PUBLISH x 2
        3
        a: >["message" "x" "2"]
        a: >["pmessage" "?" "x" "2"]
        a: >["pmessage" "*" "x" "2"]
        """
    )


def test_unsubscribing():
    Bench(3).talk(
        """
        a> UNSUBSCRIBE | PUNSUBSCRIBE | SUNSUBSCRIBE | UNSUBSCRIBE x
        ["unsubscribe" nil 0]
        ["punsubscribe" nil 0]
        ["sunsubscribe" nil 0]
        ["unsubscribe" "x" 0]
        a> SUBSCRIBE a b | PSUBSCRIBE p* | SSUBSCRIBE s | UNSUBSCRIBE | PUNSUBSCRIBE nosuch | SUNSUBSCRIBE
        ["subscribe" "a" 1]
        ["subscribe" "b" 2]
        ["psubscribe" "p*" 3]
        ["ssubscribe" "s" 1]
        ["unsubscribe" "a" 2]
        ["unsubscribe" "b" 1]
        ["punsubscribe" "nosuch" 1]
        ["sunsubscribe" "s" 0]
        a> GET k
        -ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        a> PUNSUBSCRIBE | GET k
        ["punsubscribe" "p*" 0]
        nil
        b@2> PUBLISH a 1 | PUBLISH p1 1 | SPUBLISH s 1 | PUBSUB CHANNELS | PUBSUB NUMPAT
        0
        0
        0
        []
        0
        """
    )


def test_what_a_subscriber_may_do_in_resp2_and_in_resp3():
    Bench(1).talk(
        """
        a> SUBSCRIBE x | PING | PING hi | CONFIG GET maxmemory | MULTI | HELLO 3 | NOSUCH
        ["subscribe" "x" 1]
        ["pong" ""]
        ["pong" "hi"]
        -ERR Can't execute 'config|get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        -ERR Can't execute 'multi': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        -ERR Can't execute 'hello': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context
        -ERR unknown command 'NOSUCH', with args beginning with:
        a> RESET | PING
        +RESET
        +PONG
        b> PUBLISH x 1
        0
        a> SUBSCRIBE x | QUIT
        ["subscribe" "x" 1]
        +OK
        closed
        b> PUBLISH x 1
        0
        """
    )


def test_sharded_channels_are_a_world_of_their_own():
    Bench(3).talk(
        """
        a@2> SSUBSCRIBE x | PSUBSCRIBE * | SUBSCRIBE x
        ["ssubscribe" "x" 1]
        ["psubscribe" "*" 1]
        ["subscribe" "x" 2]
        b@3> SPUBLISH x 1
        1
        a: ["smessage" "x" "1"]
        b> PUBLISH x 2
        2
        a: ["message" "x" "2"]
        a: ["pmessage" "*" "x" "2"]
        b> PUBSUB SHARDCHANNELS | PUBSUB SHARDNUMSUB x y | PUBSUB CHANNELS | PUBSUB NUMSUB x y
        ["x"]
        ["x" 1 "y" 0]
        ["x"]
        ["x" 1 "y" 0]
        """
    )


def test_pubsub_asks_all_nodes():
    bench = Bench(3)
    bench.talk(
        """
        a@1> SUBSCRIBE x y | PSUBSCRIBE p*
        ["subscribe" "x" 1]
        ["subscribe" "y" 2]
        ["psubscribe" "p*" 3]
        b@2> SUBSCRIBE y z | PSUBSCRIBE p* q*
        ["subscribe" "y" 1]
        ["subscribe" "z" 2]
        ["psubscribe" "p*" 3]
        ["psubscribe" "q*" 4]
        c@3> PUBSUB CHANNELS | PUBSUB CHANNELS [yz] | PUBSUB NUMSUB x y z v | PUBSUB NUMSUB | PUBSUB NUMPAT
        ["x" "y" "z"]
        ["y" "z"]
        ["x" 1 "y" 2 "z" 1 "v" 0]
        []
        2
        c> PUBSUB | PUBSUB NOSUCH | PUBSUB NUMPAT x | PUBSUB CHANNELS a b
        -ERR wrong number of arguments for 'pubsub' command
        -ERR unknown subcommand 'NOSUCH'. Try PUBSUB HELP.
        -ERR wrong number of arguments for 'pubsub|numpat' command
        -ERR unknown subcommand or wrong number of arguments for 'channels'. Try PUBSUB HELP.
        """
    )
    assert bench.say("c", "PUBSUB help")[0].startswith("[+PUBSUB <subcommand>")


def test_a_write_before_a_message_is_there_when_the_message_is_heard():
    bench = Bench(3)
    bench.say("a@2", "SUBSCRIBE x")
    bench.hold(1)
    bench.hold(2)
    bench.hold(3)
    assert bench.say("b@1", "SET k 1 | PUBLISH x 1 | PUBLISH x 2 | SET k 2 | PUBLISH x 3") == []
    assert bench.say("c@1", "PUBLISH x other") == ["1", 'a: ["message" "x" "other"]']
    bench.release(2)
    bench.release(1)
    outcome = bench.act("release 3")
    assert [text for text in outcome if text[0] == "a"] == [f'a: ["message" "x" "{n}"]' for n in (1, 2, 3)]
    assert [text for text in outcome if text[0] == "b"] == ["b: +OK", "b: 1", "b: 1", "b: +OK", "b: 1"]


def test_transactions_publish_through_the_log():
    Bench(3).talk(
        """
        a@2> SUBSCRIBE x | SSUBSCRIBE x
        ["subscribe" "x" 1]
        ["ssubscribe" "x" 1]
        b@3> MULTI | PUBLISH x 1 | SPUBLISH x 2 | GET k | EXEC | PUBLISH x 3
        +OK
        +QUEUED
        +QUEUED
        +QUEUED
        a: ["message" "x" "1"]
        a: ["smessage" "x" "2"]
        [0 0 nil]
        1
        a: ["message" "x" "3"]
        b> MULTI | SUBSCRIBE x | EXEC
        +OK
        -ERR Command not allowed inside a transaction
        -EXECABORT Transaction discarded because of previous errors.
        """
    )


def test_a_restarted_node_does_not_tell_again_what_is_in_its_log():
    bench = Bench(3)
    bench.say("b@1", "MULTI | PUBLISH x old | EXEC")
    bench.crash(3)
    bench.start(3)
    assert bench.say("a@3", "SUBSCRIBE x") in ([], ['["subscribe" "x" 1]'])
    bench.wait(400)
    bench.settle()
    assert [text for name, text in bench.events if name == "a" and "message" in text] == []
    assert 'a: ["message" "x" "new"]' in bench.say("b", "MULTI | PUBLISH x new | EXEC")


def test_a_message_wakes_a_client_that_waits():
    Bench(1).talk(
        """
        a> HELLO 3 | SUBSCRIBE x | BLPOP q 0
        {"server": "redis", "version": "7.0.15", "proto": 3, "id": 1, "mode": "standalone", "role": "master", "modules": []}
        >["subscribe" "x" 1]
        b> PUBLISH x 1
        a: >["message" "x" "1"]
        1
        b> RPUSH q 2
        1
        a: ["q" "2"]
        """
    )


def test_a_client_that_goes_is_forgotten_everywhere():
    bench = Bench(3)
    bench.say("a@2", "SUBSCRIBE x")
    assert bench.say("b@1", "PUBLISH x 1")[0] == "1"
    bench.hang_up_client("a")
    assert bench.say("b", "PUBLISH x 1 | PUBSUB CHANNELS") == ["0", "[]"]
    bench.node(2).front.pubsub.local.check_invariants()


def test_a_peer_that_is_gone_has_no_listeners_and_comes_back_with_them():
    """H2."""
    bench = Bench(3)
    bench.say("a@2", "SUBSCRIBE x")
    bench.hang_up(2, 1)
    assert bench.say("b@1", "PUBLISH x 1 | PUBSUB NUMSUB x") == ["0", '["x" 0]']
    bench.connect_all()
    assert bench.say("b", "PUBLISH x 2 | PUBSUB NUMSUB x") == ["1", '["x" 1]', 'a: ["message" "x" "2"]']
    bench.hang_up(1, 2)
    assert bench.say("b", "PUBLISH x 3") == ["0"], "there is no way to it"
    bench.connect_all()
    assert bench.say("b", "PUBLISH x 4") == ["1", 'a: ["message" "x" "4"]']
    bench.crash(2)
    assert bench.say("b", "PUBLISH x 5 | PUBSUB CHANNELS") == ["0", "[]"]


def test_a_refused_link_is_a_silent_peer():
    bench = Bench(3)
    bench.say("a@2", "SUBSCRIBE x")
    node = bench.node(1)
    node.on_link_bytes(bench.links[(2, 1)], b"\xff" * 12)
    bench.servers[1].dirty = True
    bench.settle()
    assert list(node.front.pubsub.peers) == [3]


def test_a_cut_link_loses_messages_and_repeats_none():
    bench = Bench(3)
    bench.say("a@3", "SUBSCRIBE x")
    assert bench.say("b@1", "PUBLISH x 1") == ["1", 'a: ["message" "x" "1"]']
    bench.cut(3)
    assert bench.say("b", "PUBLISH x lost") == ["1"], "nobody knows yet"
    bench.heal()
    assert bench.say("b", "PUBLISH x 2") == ["1", 'a: ["message" "x" "2"]']


def test_clients_are_listed_with_their_subscriptions():
    bench = Bench(1)
    bench.say("a", "SUBSCRIBE x y | PSUBSCRIBE z* | SSUBSCRIBE v")
    (listed,) = bench.say("b", "CLIENT LIST TYPE pubsub")
    assert "flags=P " in listed
    assert "sub=2 psub=1 ssub=1" in listed
    assert "id=3 " not in listed
    (normal,) = bench.say("b", "CLIENT LIST TYPE normal")
    assert "flags=N" in normal
    assert "sub=0 psub=0 ssub=0" in normal
    assert bench.say("b", "CLIENT KILL TYPE pubsub | PUBSUB CHANNELS") == ["1", "[]", "a: cut off"]


def test_info_counts_channels_and_patterns():
    bench = Bench(3)
    bench.say("a@2", "SUBSCRIBE x y | PSUBSCRIBE z*")
    (text,) = bench.say("b@1", "INFO stats")
    assert "pubsub_channels:2\\r\\npubsub_patterns:1\\r\\n" in text


def limited(**limits: int) -> Bench:
    fields = {name: getattr(SMALL, name) for name in SMALL.__struct_fields__}
    return Bench(1, limits=Limits(**{**fields, **limits}))


@pytest.mark.parametrize(
    ("name", "bound", "line"),
    [
        ("client_subscriptions_max", 3, "SUBSCRIBE 3 4"),
        ("subscriptions_max", 4, "SUBSCRIBE 3 4"),
        ("subscriptions_bytes_max", 900, "PSUBSCRIBE 0123456789"),
        ("channel_bytes_max", 10, "SUBSCRIBE 0123456789a"),
    ],
)
def test_subscriptions_are_bounded(name, bound, line):
    """H5."""
    bench = limited(**{name: bound})
    bench.say("b", "SUBSCRIBE 1")
    bench.say("a", "SUBSCRIBE 1 2")
    (refused,) = bench.say("a", line)
    assert refused.startswith("-ERR ")
    assert f"{name} ({bound})" in refused
    assert bench.say("c", "PUBSUB NUMSUB 1 2 3") == ['["1" 2 "2" 1 "3" 0]']
    assert bench.say("a", "SUBSCRIBE 1 2 3")[0] == '["subscribe" "1" 2]', "what it has counts once"


def test_a_message_has_the_bounds_of_a_call():
    bench = limited(call_bytes_max=100)
    (refused,) = bench.say("a", "PUBLISH x " + "y" * 100)
    assert refused == "-ERR the command is larger than call_bytes_max (100)"


def test_a_slow_subscriber_is_cut_off_and_holds_nobody_up():
    bench = limited(client_output_pubsub_bytes_max=5000, client_output_pubsub_pause_bytes=1000)
    bench.say("a", "SUBSCRIBE x")
    bench.say("b", "SUBSCRIBE x")
    bench.backlog("a", 4000)
    assert bench.say("c", "PUBLISH x 1") == ['a: ["message" "x" "1"]', 'b: ["message" "x" "1"]', "2"]
    bench.backlog("a", 5001)
    assert bench.act("settle") == ["a: cut off"]
    assert bench.say("c", "PUBLISH x 2") == ['b: ["message" "x" "2"]', "1"]
    bench.backlog("b", 1001)
    bench.wait(SMALL.client_output_stall_ms + 100)
    assert "b: cut off" in bench.act("settle") or not bench.clients["b"].open
    assert any("was cut off" in line for line in bench.servers[1].log)


def test_the_messages_of_a_turn_are_one_frame_per_peer():
    """H3."""
    bench = Bench(3)
    bench.say("a@2", "SUBSCRIBE x")
    bench.settle()
    frames: list[tuple[int, int]] = []
    bench.connect("b", 1)
    bench.settle()
    bench.on_send = lambda sender, to, frame: frames.append((sender, to)) if b"many" in frame else None
    bench.send("b", encode("PUBLISH x many | PUBLISH x many | PUBLISH x many | PUBLISH y many"))
    bench.settle()
    assert frames == [(1, 2)]


def test_every_handler_has_its_row():
    assert all(name in ROUTES and ROUTES[name].session for name in PUBSUB_HANDLERS)
    assert [name for name, route in ROUTES.items() if route.in_log] == [b"PUBLISH", b"SPUBLISH"]


def test_keyspace_events_reach_the_subscribers_of_every_node():
    bench = Bench(3)
    bench.talk(
        """
        a@1> CONFIG GET notify-keyspace-events | CONFIG SET notify-keyspace-events K?
        ["notify-keyspace-events" ""]
        -ERR CONFIG SET failed (possibly related to argument 'notify-keyspace-events') - Invalid event class character. Use 'Ag$lshzxeKEtmdn'.
        a@1> CONFIG SET notify-keyspace-events EAK
        +OK
        * wait 200
        b@2> CONFIG GET notify-keyspace-events | PSUBSCRIBE __keyspace@0__:*
        ["notify-keyspace-events" "AKE"]
        ["psubscribe" "__keyspace@0__:*" 1]
        c@3> SUBSCRIBE __keyevent@0__:lpop __keyevent@0__:del __keyevent@1__:set
        ["subscribe" "__keyevent@0__:lpop" 1]
        ["subscribe" "__keyevent@0__:del" 2]
        ["subscribe" "__keyevent@1__:set" 3]
        a> RPUSH q x | LPOP q | SELECT 1 | SET k v | PUBLISH __keyspace@0__:me hi
        1
        "x"
        +OK
        +OK
        1
        b: ["pmessage" "__keyspace@0__:*" "__keyspace@0__:q" "rpush"]
        b: ["pmessage" "__keyspace@0__:*" "__keyspace@0__:q" "lpop"]
        b: ["pmessage" "__keyspace@0__:*" "__keyspace@0__:q" "del"]
        b: ["pmessage" "__keyspace@0__:*" "__keyspace@0__:me" "hi"]
        c: ["message" "__keyevent@0__:lpop" "q"]
        c: ["message" "__keyevent@0__:del" "q"]
        c: ["message" "__keyevent@1__:set" "k"]
        a> CONFIG SET notify-keyspace-events "" | SET k v
        +OK
        +OK
        """
    )
    assert bench.node(2).group.events == []


def test_a_key_expires_with_a_message_though_nobody_looks():
    bench = Bench(3)
    bench.say("a@1", "CONFIG SET notify-keyspace-events Ex")
    bench.say("a@1", "SET k v PX 500")
    bench.say("b@3", "SUBSCRIBE __keyevent@0__:expired")
    bench.wait(400)
    assert bench.act("settle") == []
    assert 'b: ["message" "__keyevent@0__:expired" "k"]' in bench.act("wait 400")


def test_nodes_without_a_replica_hear_of_events_and_of_what_transactions_publish():
    bench = founded(5, "20 REPLICAS 3")
    members = bench.node(1).system.machine.cluster.groups[2].members
    (apart, *_) = [number for number in range(1, 6) if number not in members]
    assert bench.say("a", "CONFIG SET notify-keyspace-events KEA") == ["+OK"]
    bench.wait(100)
    bench.say(f"b@{apart}", "SUBSCRIBE __keyspace@20__:k news")
    bench.wait(100)
    bench.say("a", "SELECT 20")
    said = [*bench.say("a", "SET k v"), *bench.act("wait 300")]
    assert said == ["+OK", 'b: ["message" "__keyspace@20__:k" "set"]']
    said = [*bench.say("a", "MULTI | PUBLISH news hello | EXEC"), *bench.act("wait 300")]
    assert 'b: ["message" "news" "hello"]' in said and said.count('b: ["message" "news" "hello"]') == 1
