"""The whole lab over a toy cluster: silent when it is right, loud about each flaw."""

import io

import msgspec
import pytest
from toy_nodes import ToyNodes

from trivet.lab.runner import RunResult, run
from trivet.lab.search.report import report
from trivet.lab.world.options import RunOptions, draw_options


def toy_run(seed: int, flaw: str = "") -> RunResult:
    options = msgspec.structs.replace(
        draw_options(seed, 3, 150),
        workloads="register,counter,set,tokens,mixed",
        weight_watch=0,
        bit_rot_every_ms=0,
        disk_full_every_ms=0,
        misdirect_every_ms=0,
        core_rate=0.0,
        second_rate=0.0,
        move_every_ms=0,
        pipeline_max=1,
    )
    return run(options, lambda options: ToyNodes(options, flaw))


@pytest.mark.parametrize("seed", range(1, 21))
def test_a_right_cluster_raises_no_complaint(seed: int) -> None:
    result = toy_run(seed)
    assert [c.text() for c in result.complaints] == []
    assert result.unknown == 0
    assert result.ok > 150


@pytest.mark.parametrize(
    ("flaw", "judges"),
    [
        ("early-reply", ["linearizability", "durability", "exactly-once", "set"]),
        ("no-dedupe", ["linearizability", "exactly-once", "set"]),
        ("stale-local", ["linearizability", "set"]),
        ("hang", ["liveness"]),
        ("crash", ["crash"]),
        ("two-leaders", ["invariants"]),
    ],
)
def test_each_flaw_is_noticed(flaw: str, judges: list[str]) -> None:
    for seed in range(1, 60):
        complaints = toy_run(seed, flaw).complaints
        if complaints:
            assert complaints[0].judge in judges
            return
    pytest.fail(f"{flaw} was never noticed")


def test_a_run_says_how_to_repeat_itself() -> None:
    result = toy_run(3, "crash")
    out = io.StringIO()
    report(result, out)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("options {")
    options = msgspec.json.decode(lines[0].removeprefix("options "), type=RunOptions)
    assert options == result.options
    assert lines[-1].endswith("digest " + result.digest)
    assert run(options, lambda options: ToyNodes(options, "crash")).digest == result.digest


def test_equal_seeds_equal_digests_and_other_seeds_other_digests() -> None:
    assert toy_run(5).digest == toy_run(5).digest != toy_run(6).digest
