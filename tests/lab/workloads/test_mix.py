"""The mix: which workloads a run has, whose keys are whose, and what the clients of a run really do."""

import msgspec
import pytest

from trivet.core.base.prng import Prng
from trivet.core.cluster.slots import slot_of
from trivet.core.group.register_keys import place_key
from trivet.lab.history import IN_ORDER, SIDE_BY_SIDE, Outcome
from trivet.lab.resp import OK, ReplyError
from trivet.lab.runner import run
from trivet.lab.workloads import REGISTRY, Mix, workload_names
from trivet.lab.workloads.mix import REGISTER_DATABASE
from trivet.lab.workloads.places import Place
from trivet.lab.world.client import Call
from trivet.lab.world.options import RunOptions, draw_options

NAMES = list(REGISTRY)


def test_every_prefix_and_every_weight_has_one_owner() -> None:
    options = RunOptions(seed=1)
    workloads = [make(options, Prng(1)) for make in REGISTRY.values()]
    prefixes = [prefix for workload in workloads for prefix in workload.prefixes]
    assert all(len(prefix) == 2 for prefix in prefixes)
    assert len(prefixes) == len(dict.fromkeys(prefixes))
    weights = [weight for workload in workloads for weight in workload.weights]
    assert sorted(weights) == sorted(f for f in RunOptions.__struct_fields__ if f.startswith("weight_"))


def test_weights_choose() -> None:
    assert list(Mix(RunOptions(seed=1, workloads="bank, queue")).workloads) == ["bank", "queue"]
    assert list(Mix(RunOptions(seed=1)).workloads) == ["register", "counter", "set", "tokens", "mixed"]
    assert list(Mix(RunOptions(seed=1, weight_lock=2)).workloads)[-2:] == ["lock", "mixed"]


def test_a_name_that_is_none_is_refused() -> None:
    assert workload_names("") == []
    with pytest.raises(ValueError, match=r"no workload 'bnak': choose from register, counter, .*mixed"):
        Mix(RunOptions(seed=1, workloads="bnak"))


def test_a_mix_of_nothing_is_refused() -> None:
    weights = {f: 0 for f in RunOptions.__struct_fields__ if f.startswith("weight_")}
    with pytest.raises(ValueError, match="no workload has a weight above zero"):
        Mix(msgspec.structs.replace(RunOptions(seed=1), **weights))


def test_draws_have_few_or_many_workloads_and_forget_none() -> None:
    drawn = [Mix(draw_options(seed, 3, 100)).workloads for seed in range(1, 201)]
    counts = [len(workloads) for workloads in drawn]
    assert counts.count(1) > 30
    assert counts.count(2) > 30
    apart = ("copies", "primary", "sessions")
    assert max(counts) == len(NAMES) - len(apart), (
        "all but those of other modes, which no seed draws by itself"
    )
    for name in NAMES:
        assert name in apart or sum(name in workloads for workloads in drawn) > 30


@pytest.mark.parametrize("name", NAMES)
def test_calls_stay_on_their_keys_and_can_be_read_at_the_end(name: str) -> None:
    mix = Mix(RunOptions(seed=5, ops=300, readers=1, workloads=name))
    workload = mix.workloads[name]
    prng = Prng(7)
    while not mix.done():
        for client in (1, 2):
            for call in mix.next_calls(client, prng):
                assert call.keys
                assert all(key[:2] in workload.prefixes for key in call.keys)
                named = {
                    word for command in call.commands for word in command if word[:2] in workload.prefixes
                }
                assert named <= set(call.keys)
                if name not in ("families", "sessions"):  # some of their commands have no keys
                    assert all(any(key in command for key in call.keys) for command in call.commands)
    finals = mix.final_calls()
    assert finals
    assert all(call.final and call.keys for call in finals)


@pytest.mark.parametrize("name", NAMES)
def test_readers_only_read(name: str) -> None:
    mix = Mix(RunOptions(seed=5, ops=200, readers=1, workloads=name))
    prng = Prng(7)
    asked: dict[bytes, None] = {}
    while not mix.done():
        mix.next_calls(2, prng)  # so that there is something to read
        calls = mix.next_calls(1, prng)
        asked |= {command[0]: None for call in calls for command in call.commands}
    assert asked
    assert set(asked) <= {
        b"ACT",
        b"EVAL_RO",
        b"GET",
        b"MGET",
        b"LRANGE",
        b"SUNION",
        b"SMEMBERS",
        b"HGETALL",
        b"ZRANGE",
        b"PTTL",
        b"XRANGE",
        b"TYPE",
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_run_of_each(name: str) -> None:
    result = run(msgspec.structs.replace(draw_options(11, 3, 60), workloads=name))
    assert [c.text() for c in result.complaints] == []
    assert result.metrics[f"{name}.ok"] > 30
    assert all(what.startswith(f"{name}.") for what in result.metrics)


def test_the_interesting_things_do_happen() -> None:
    names = "bank,lock,queue,expiry"
    total = run(RunOptions(seed=1, ops=400, workloads=names, think_ms_max=300)).metrics
    for what in (
        "bank.transfers", "bank.audits", "bank.too_poor", "lock.grants", "lock.busy", "lock.leases_run_out",
        "lock.overlaps", "lock.writes", "lock.stale_writes_refused", "queue.pushes", "queue.pops", "queue.takes", "queue.finishes",
        "expiry.pairs", "expiry.looks",
    ):  # fmt: skip
        assert total.get(what), what


def test_a_database_that_could_not_be_chosen_leaves_open_where_the_rest_happened() -> None:
    refused, ok = ReplyError("CLUSTERDOWN no majority"), OK
    call = Place(0, ()).dress(Call([[b"SET", b"r:0", b"1"]], [b"r:0"], [[b"SET", b"r:0", b"1"]]))
    assert call.wire == [[b"SELECT", b"0"], [b"SET", b"r:0", b"1"]]
    assert call.pick([ok, ok])[0] is Outcome.OK
    assert call.pick([refused, refused])[0] is Outcome.FAIL
    assert call.pick([refused, ok])[0] is Outcome.INFO
    assert call.pick([refused, ReplyError("TIMEOUT perhaps")])[0] is Outcome.INFO


def test_what_may_be_in_several_groups_has_a_lane_for_each_slot() -> None:
    def lane(place: Place, *keys: bytes) -> int:
        return place.dress(Call([[b"MGET", *keys]], list(keys), [[b"MGET", *keys]])).lane

    apart, together = Place(0, (), apart=True), Place(0, (b"a:",))
    assert lane(apart, b"a:1") == lane(apart, b"{a:1}b", b"a:1") == slot_of(b"a:1")
    assert lane(apart, b"a:1", b"a:2") == SIDE_BY_SIDE
    assert lane(together, b"a:1", b"a:2") == lane(Place(0, ()), b"a:1", b"a:2") == IN_ORDER


def test_registers_that_nobody_meant_to_touch_are_read_too() -> None:
    mix = Mix(RunOptions(seed=5, ops=50, workloads="register,keyspaces", register_rate=1.0))
    while not mix.done():
        mix.next_calls(1, Prng(mix._left))
    meant = [place_key(db, key) for db, key in mix.used_keys() if db == REGISTER_DATABASE]
    assert meant
    strays = mix.stray_calls([*meant, place_key(REGISTER_DATABASE, b"v:0")])
    assert [call.wire for call in strays] == [[[b"SELECT", b"7"], [b"GET", b"v:0"]]]
    assert strays[0].pick([OK, None])[0] is Outcome.OK
    assert strays[0].pick([ReplyError("CLUSTERDOWN no majority"), None])[0] is Outcome.FAIL


@pytest.mark.parametrize(("spread_rate", "tagged"), [(0.0, True), (1.0, False)])
def test_keys_that_are_used_together_share_a_slot_or_fall_where_they_fall(
    spread_rate: float, tagged: bool
) -> None:
    names = "append,bank,across,script"
    mix = Mix(RunOptions(seed=5, ops=200, workloads=names, second_rate=1.0, spread_rate=spread_rate))
    while not mix.done():
        mix.next_calls(1, Prng(mix._left))
    used = mix.used_keys()
    assert len(used) > 10
    assert all(key.startswith(b"{") is tagged for _, key in used)


def test_what_waits_for_several_keys_is_not_spread() -> None:
    mix = Mix(RunOptions(seed=5, ops=100, workloads="queue,waiting,expiry", second_rate=1.0, spread_rate=1.0))
    while not mix.done():
        mix.next_calls(1, Prng(mix._left))
    assert any(key.startswith(b"{") for _, key in mix.used_keys())
