"""CLIENT CAUSAL: what is said to a connection that carries what it has seen."""

from tests.core.node.founded import founded
from trivet.core.lattice.clock import Clock
from trivet.core.node.causal_token import encode_token
from trivet.core.node.client_causal import PARTS_MAX
from trivet.core.paxos.ballot import proposer_of

CLUSTER = "c0ffee"


def with_copies():
    bench = founded(3, "7 MODE eventual REPLICAS 3")
    for name, number in (("a", 1), ("b", 2)):
        assert bench.answer(f"{name}@{number}", "SELECT 7") == "+OK"
    return bench


def token_of(bench, name: str) -> str:
    return bench.answer(name, "CLIENT CAUSAL TOKEN").strip('"')


def past_of(bench, name: str):
    client = bench.clients[name]
    return bench.node(client.node).front.sessions[client.conn].past


def made(group: int, *lasts: int) -> str:
    """A token by hand."""
    clock = Clock()
    for node, last in enumerate(lasts, 1):
        clock.add_range(proposer_of(node, 1), 1, last)
    text = encode_token(CLUSTER, {group: clock})
    assert isinstance(text, bytes)
    return text.decode()


def test_what_is_answered():
    bench = with_copies()
    bench.talk(
        """
        a> CLIENT CAUSAL TOKEN | CLIENT CAUSAL OFF | CLIENT CAUSAL ON | CLIENT causal on
        -ERR CLIENT CAUSAL is off: this connection carries nothing
        +OK
        +OK
        +OK
        a> CLIENT CAUSAL | CLIENT CAUSAL MAYBE | CLIENT CAUSAL OFF now | CLIENT CAUSAL ON x y
        -ERR wrong number of arguments for 'client|causal' command
        -ERR syntax error: CLIENT CAUSAL ON [token], OFF or TOKEN
        -ERR syntax error: CLIENT CAUSAL ON [token], OFF or TOKEN
        -ERR syntax error: CLIENT CAUSAL ON [token], OFF or TOKEN
        a> CLIENT CAUSAL ON nonsense | MULTI | CLIENT CAUSAL TOKEN | EXEC
        -ERR this is no token of CLIENT CAUSAL TOKEN, or not all of it
        +OK
        -ERR Command not allowed inside a transaction
        -EXECABORT Transaction discarded because of previous errors.
        a> SET k 1 | CLIENT CAUSAL OFF | CLIENT CAUSAL TOKEN
        +OK
        +OK
        -ERR CLIENT CAUSAL is off: this connection carries nothing
        """
    )


def test_a_token_is_taken_to_another_node():
    bench = with_copies()
    assert bench.say("a", "CLIENT CAUSAL ON | SET k 1")[-1] == "+OK"
    token = token_of(bench, "a")
    assert bench.answer("b", f"CLIENT CAUSAL ON {token}") == "+OK"
    assert past_of(bench, "b").clocks == past_of(bench, "a").clocks != {}
    assert token_of(bench, "b") == token
    assert bench.answer("b", "GET k") == '"1"'


def test_a_token_says_what_was_answered_before_it():
    """It waits for what the connection has sent before."""
    bench = with_copies()
    bench.answer("a", "CLIENT CAUSAL ON")
    bench.hold(1)
    assert bench.ask("a", "SET k 1 | CLIENT CAUSAL TOKEN") == ""
    bench.release(1)
    bench.until(lambda: len(bench.events) == 2)
    token = bench.events[1][1].strip('"')
    assert bench.answer("b", f"CLIENT CAUSAL ON {token}") == "+OK" and past_of(bench, "b").parts == 1


def test_a_reset_and_a_new_connection_begin_without():
    bench = with_copies()
    bench.say("a", "CLIENT CAUSAL ON | SET k 1")
    assert bench.answer("a", "RESET") == "+RESET" and past_of(bench, "a") is None
    assert past_of(bench, "b") is None


def test_of_another_cluster():
    bench = with_copies()
    text = encode_token("beef", {})
    assert isinstance(text, bytes)
    answer = bench.answer("a", f"CLIENT CAUSAL ON {text.decode()}")
    assert answer == "-ERR this token is of another cluster" and past_of(bench, "a") is None


def test_what_is_of_groups_that_are_no_more_is_ignored():
    bench = with_copies()
    bench.say("a", "CLIENT CAUSAL ON | SET k 1")
    token = token_of(bench, "a")
    bench.answer("m@3", "KEYSPACE DROP 7 FORCE")
    bench.answer("m", "KEYSPACE CREATE 7 MODE eventual REPLICAS 3")
    bench.wait(200)
    assert bench.answer("b", f"CLIENT CAUSAL ON {token}") == "+OK" and past_of(bench, "b").clocks == {}
    assert bench.answer("a", "GET k") == "nil"
    assert bench.answer("a", "SET k 2") == "+OK"
    assert token_of(bench, "a") != token and len(past_of(bench, "a").clocks) == 2
    bench.answer("b", f"CLIENT CAUSAL ON {token_of(bench, 'a')}")
    assert len(past_of(bench, "b").clocks) == 1


def test_of_a_group_that_has_no_copies():
    bench = with_copies()
    assert bench.answer("a", f"CLIENT CAUSAL ON {made(1, 5)}") == "+OK" and past_of(bench, "a").clocks == {}


def test_a_group_that_is_not_known_here_yet_is_remembered():
    bench = with_copies()
    later = bench.node(1).front.cluster.next_group + 3
    assert bench.answer("a", f"CLIENT CAUSAL ON {made(later, 5)}") == "+OK"
    assert list(past_of(bench, "a").clocks) == [later]


def test_a_token_that_nobody_gave_harms_its_bearer_only():
    bench = with_copies()
    assert bench.answer("a", f"CLIENT CAUSAL ON {made(2, 99)}") == "+OK"
    assert bench.ask("a", "SET k 1") == ""
    assert bench.answer("b", "SET k 2") == "+OK"
    bench.wait(5_100)
    assert bench.events[-1][1].startswith("-TRYAGAIN this node has not heard yet")


def test_what_tokens_add_up_to_is_bounded():
    bench = with_copies()
    first = bench.node(1).front.cluster.next_group
    answers = [bench.answer("a", f"CLIENT CAUSAL ON {made(first + n, *[1] * 1_500)}") for n in range(20)]
    assert answers[0] == "+OK" and answers[-1].startswith("-ERR the tokens of this connection name more")
    assert past_of(bench, "a").parts <= PARTS_MAX
