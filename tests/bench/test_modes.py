"""The tables of the modes."""

from bench.modes import Cells, lines_of, loopback_bytes


def row(ops_per_s):
    return {"ops_per_s": ops_per_s, "p50_ms": 1.0, "p99_ms": 9.0, "errors": 0, "first_error": "", "lost": 0}


def test_each_mode_stands_beside_raft_and_redis_last():
    raft: Cells = {("set", 1): [row(1_000.0), row(3_000.0), row(2_000.0)]}
    found = {"Redis, alone": {("set", 1): [row(8_000.0)]}, "mode raft": raft}
    found["mode eventual"] = {("set", 1): [row(3_000.0)]}
    head, _, *rows = [line.strip("| ").split(" | ") for line in lines_of(found) if line]
    assert head[1] == "SET, 1 conn."
    assert [line[0] for line in rows] == ["mode raft", "mode eventual", "Redis, alone"]
    assert [line[1] for line in rows] == [
        "2.00k (1.0 / 9), 1.00", "3.00k (1.0 / 9), 1.50", "8.00k (1.0 / 9), 4.00",
    ]  # fmt: skip


def test_what_travels_over_loopback_is_counted():
    assert loopback_bytes() >= 0
