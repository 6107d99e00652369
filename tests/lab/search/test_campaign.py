"""Campaigns: what they print, count and write down, and how they end."""

import io
import json
from pathlib import Path

import msgspec
import pytest

from trivet.lab.search.campaign import Plan
from trivet.lab.search.command import lab_replay, lab_run, lab_shrink, options_from
from trivet.lab.search.report import CAMPAIGN_SEEDS_MIN, Summary, never_may_be_zero

IMPATIENT = {"settle_ms": 1, "liveness_ms": 1, "core_rate": 0.0, "second_rate": 0.0, "spread_rate": 0.0}


def run(plan: Plan, **more: object) -> tuple[int, str]:
    out = io.StringIO()
    code = lab_run(plan, out, **more)
    return code, out.getvalue()


def test_a_line_per_seed_that_ends_in_its_digest_then_a_summary() -> None:
    code, said = run(Plan(seed=3, seeds=2, ops=20))
    lines = said.splitlines()
    assert code == 0
    assert [line.split()[1] for line in lines[:2]] == ["3", "4"]
    assert all(len(line.rsplit("digest ", 1)[1]) == 32 for line in lines[:2])
    assert lines[2] == "2 seeds: 0 with complaints, 0 parts unknown"
    assert [line.split()[0] for line in lines[3:] if line[2] != " "][:3] == ["ran", "faults", "reached"]


def test_a_failing_seed_is_printed_written_and_can_be_replayed(tmp_path: Path) -> None:
    code, said = run(Plan(seed=3, seeds=2, ops=10, overrides=IMPATIENT, out=str(tmp_path)))
    assert code == 1
    file = tmp_path / "trivet-lab-seed-3.json"
    assert f"written to {file}" in said
    assert f"next: trivet lab shrink {file}" in said
    assert "2 seeds: 2 with complaints" in said
    assert "\noptions {" in "\n" + said
    assert "\ncode trivet " in said
    assert "\nliveness: clients get no answers within 1 ms after healing" in said
    out = io.StringIO()
    assert lab_replay(str(file), out) == 1
    assert out.getvalue().endswith("digest: the same\ncomplaint: the same\n")


def test_a_run_that_raises_does_not_end_the_campaign_silently(tmp_path: Path) -> None:
    for jobs in (0, 2):
        code, said = run(
            Plan(seed=1, seeds=2, ops=10, jobs=jobs, overrides={"workloads": "x"}, out=str(tmp_path))
        )
        assert code == 3
        assert "seed 1 ERROR ValueError: " in said
        assert "seed 2 ERROR ValueError: " in said
        assert "Traceback" in said
        assert "2 seeds: 0 with complaints, 2 without a result" in said
    out = io.StringIO()
    assert lab_replay(str(tmp_path / "trivet-lab-seed-1.json"), out) == 3
    assert "error: the same: ValueError" in out.getvalue()


def test_the_summary_as_json(tmp_path: Path) -> None:
    file = tmp_path / "summary.json"
    run(Plan(seed=5, seeds=2, ops=20), json_file=str(file))
    summary = json.loads(file.read_text())
    assert (summary["first_seed"], summary["seeds"], summary["done"], summary["complaints"]) == (5, 2, 2, 0)
    assert summary["events"] == sum(one["events"] for one in summary["runs"])
    assert [len(one["digest"]) for one in summary["runs"]] == [32, 32]
    assert summary["reached"]["elections"] >= 2


def test_overrides_reach_the_run() -> None:
    plan = Plan(overrides={"drop_rate": 0.5, "workloads": "register"})
    assert plan.options(7).drop_rate == 0.5
    assert plan.options(7).workloads == "register"
    assert plan.options(7).net_us_max == Plan().options(7).net_us_max


def test_a_large_campaign_must_reach_what_is_interesting() -> None:
    summary = Summary(code="", first_seed=1, seeds=CAMPAIGN_SEEDS_MIN, nodes=3, ops=10)
    summary.done = CAMPAIGN_SEEDS_MIN
    summary.reached = dict.fromkeys(never_may_be_zero(), 1)
    summary.end(1.0)
    assert summary.exit_code() == 0
    missing = never_may_be_zero()[0]
    summary.reached[missing] = 0
    summary.end(1.0)
    assert summary.exit_code() == 1
    assert f"NEVER    {missing} (a campaign of this size has to)" in summary.text()
    summary.done = CAMPAIGN_SEEDS_MIN - 1
    assert summary.exit_code() == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, 0),
        ({"complaints": 1}, 1),
        ({"errors": 1, "complaints": 1}, 3),
        ({"interrupted": True, "errors": 1}, 130),
    ],
)
def test_exit_codes(change: dict[str, object], code: int) -> None:
    summary = Summary(code="", first_seed=1, seeds=5, nodes=3, ops=10)
    for name, value in change.items():
        setattr(summary, name, value)
    assert summary.exit_code() == code


def test_shrinking_writes_the_smaller_run_and_names_what_matters(tmp_path: Path) -> None:
    first = msgspec.structs.replace(Plan(ops=10, overrides=IMPATIENT).options(2))
    out = io.StringIO()
    assert lab_shrink(first, "seed 2", 0, 60, str(tmp_path), out) == 1
    said = out.getvalue()
    assert "nothing simpler fails" in said
    assert "liveness_ms" in said
    file = tmp_path / "trivet-lab-seed-2-shrunk.json"
    assert options_from(str(file), Plan).ops == 1
    assert json.loads(file.read_text())["shrunk_from"] == "seed 2"
    again = io.StringIO()
    assert lab_replay(str(file), again) == 1
    assert again.getvalue().endswith("digest: the same\ncomplaint: the same\n")


def test_a_run_that_does_not_fail_is_not_shrunk(tmp_path: Path) -> None:
    out = io.StringIO()
    assert lab_shrink(Plan(ops=10).options(1), "seed 1", 0, 60, str(tmp_path), out) == 0
    assert "nothing to shrink" in out.getvalue()
    assert list(tmp_path.iterdir()) == []
