"""Replay files: written, read back, refused with a reason, compared with what happens now."""

from pathlib import Path

import msgspec
import pytest
from failing_runs import impatient, raising

from trivet.lab.judges.complaint import Complaint
from trivet.lab.search.replay import Replay, ReplayError, compare, read_replay, replay_of, write_replay
from trivet.lab.search.workers import perform
from trivet.lab.world.options import RunOptions, draw_options


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "deep" / "run.json"
    write_replay(path, replay_of(perform(impatient())))
    return path


def test_it_holds_all_options_the_code_the_digest_and_the_complaint(file: Path) -> None:
    replay = read_replay(file)
    assert replay.options == impatient()
    assert len(replay.digest) == 32
    assert replay.complaint is not None
    assert replay.complaint.judge == "liveness"
    assert replay.code.version
    assert len(replay.code.sources) == 16


def test_the_same_run_is_called_the_same(file: Path) -> None:
    replay = read_replay(file)
    assert compare(replay, perform(replay.options)) == ["digest: the same", "complaint: the same"]


def test_every_difference_is_named(file: Path) -> None:
    replay = read_replay(file)
    now = perform(replay.options)

    def said(**changes: object) -> str:
        return "\n".join(compare(msgspec.structs.replace(replay, **changes), now))

    assert "digest: differs, the file says 00ff" in said(digest="00ff")
    assert "code: differs" in said(code=msgspec.structs.replace(replay.code, sources="0" * 16))
    assert "complaint: new, the file has none" in said(complaint=None)
    assert "complaint: of another judge" in said(complaint=Complaint("durability", "a write is lost"))
    assert "complaint: of the same judge, but differs" in said(complaint=Complaint("liveness", "other"))
    good = perform(draw_options(1, 3, 10))
    assert "complaint: gone; the file says liveness" in "\n".join(compare(replay, good))


def test_a_run_that_raises_is_written_and_compared_too(tmp_path: Path) -> None:
    outcome = perform(raising(1))
    path = tmp_path / "error.json"
    write_replay(path, replay_of(outcome))
    replay = read_replay(path)
    assert "ValueError" in replay.error
    assert compare(replay, outcome)[0].startswith("error: the same: ValueError")
    assert "error: gone" in "\n".join(compare(replay, perform(draw_options(1, 3, 10))))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda data: data["options"].update(new_fault_rate=0.1), "unknown field `new_fault_rate`"),
        (lambda data: data["options"].pop("seed"), "missing required field `seed`"),
        (lambda data: data.pop("options"), "missing required field `options`"),
        (
            lambda data: data["options"].update(nodes="three"),
            "Expected `int`, got `str` - at `$.options.nodes`",
        ),
        (lambda data: data.update(trivet_lab_replay=9), "has format 9, this lab reads format 1"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_a_reason(file: Path, change, sentence: str) -> None:
    data = msgspec.json.decode(file.read_bytes())
    change(data)
    file.write_bytes(msgspec.json.encode(data))
    with pytest.raises(ReplayError) as refused:
        read_replay(file)
    assert sentence in str(refused.value)
    assert str(file) in str(refused.value)


def test_what_is_no_replay_file_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    with pytest.raises(ReplayError, match="No such file"):
        read_replay(path)
    path.write_text("seed 5")
    with pytest.raises(ReplayError, match="is not a replay file"):
        read_replay(path)
    with pytest.raises(ReplayError, match="choose another place"):
        write_replay(
            path / "y.json", Replay(options=RunOptions(seed=1), code=replay_of(perform(impatient())).code)
        )
