"""Names of transactions and branches: their limits, whose they are, where their records lie."""

from hypothesis import given, settings
from hypothesis import strategies as st

from trivet.transactions.names import (
    Name,
    cluster_mark,
    is_transaction_id,
    new_id,
    parse,
    record_key,
    slot_of,
)

CLUSTER = "0123456789abcdef" * 2
BRANCHES = st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True)


@settings(max_examples=50, deadline=None)
@given(st.text(min_size=1, max_size=60), st.integers(0, 9999), BRANCHES)
def test_names_fit_and_are_read_back(cluster, db, branch):
    name = Name(cluster_mark(cluster), db, new_id(None))
    assert len(name.gtrid.encode()) <= 64 and len(branch) <= 64 and len(name.branch(branch).encode()) <= 200
    assert parse(name.branch(branch)) == (name, branch)


def test_a_usual_cluster_is_named_as_it_is():
    assert cluster_mark(CLUSTER) == CLUSTER
    assert len(Name(CLUSTER, 9999, new_id(None)).gtrid) == 64
    assert cluster_mark("a:b") != "a:b" and len(cluster_mark("x" * 40)) == 32


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=1, max_size=20))
def test_the_record_lies_near_its_key(key):
    transaction = new_id(key)
    assert is_transaction_id(transaction)
    assert slot_of(record_key(transaction)) == slot_of(key)


def test_slots_are_those_of_redis_cluster():
    assert slot_of(b"foo") == 12182 and slot_of(b"{foo}bar") == 12182 and slot_of(b"{}foo") != 12182


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=120))
def test_what_is_not_ours_is_not_read(text):
    found = parse(text)
    assert found is None or text == found[0].branch(found[1])


def test_strangers():
    good = Name(CLUSTER, 0, "a" * 19)
    assert parse(good.branch("postgres")) == (good, "postgres")
    for text in (
        good.gtrid,
        good.branch("Postgres"),
        "x" + good.branch("p"),
        good.branch("p").replace(":0:", ":x:"),
    ):
        assert parse(text) is None
