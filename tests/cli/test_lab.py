"""`trivet lab`: its words, its exit codes, and how it behaves on a terminal and under Ctrl-C."""

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from trivet.cli.main import command

TRIVET = [sys.executable, "-m", "trivet", "lab"]
IMPATIENT = ["--set", "settle_ms=1", "--set", "liveness_ms=1", "--set", "core_rate=0"]


@pytest.mark.parametrize("name", ["run", "shrink", "draw", "list", "show", "judge"])
def test_each_command_explains_itself(cli, name):
    said = cli.invoke(command, ["lab", name, "--help"])
    assert said.exit_code == 0
    assert len(said.output.splitlines()) > 6
    assert name in cli.invoke(command, ["lab", "--help"]).output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "--nodes", "4"], "'4' is not one of"),
        (["run", "--set", "drop=1"], "did you mean drop_rate"),
        (["run", "--set", "drop_rate"], "write OPTION=VALUE"),
        (["run", "--set", "drop_rate=often"], "Expected `float`, got `str`"),
        (["run", "--set", "nodes=5"], "write --nodes 5"),
        (["run", "--workload", "register,nonsense"], "there is no workload nonsense; there are register"),
        (["run", "--replay", "x.json", "--ops", "5"], "leave out ops"),
        (["run", "--replay", "x.json"], "cannot read x.json"),
        (["shrink"], "name one run"),
        (["shrink", "x.json", "--seed", "1"], "name one run"),
        (["shrink", "x.json", "--set", "drop_rate=0"], "go with --seed"),
        (["draw", "--seed", "1"], "Missing option '--out'"),
        (["draw", "--seed", "1", "--out", "x.png"], "its name must end in .html, .svg"),
        (["draw", "--seed", "1", "--out", "x.svg", "--window", "5s"], "write FROM..TO"),
        (["draw", "--seed", "1", "--out", "x.svg", "--window", "5s..100ms"], "ends before it begins"),
        (["judge", "nowhere.json", "--model", "register"], "does not exist"),
    ],
)
def test_wrong_words_are_answered_with_what_would_be_right(cli, words, sentence):
    result = cli.invoke(command, ["lab", *words])
    assert result.exit_code == 2
    assert sentence in result.output


def test_run_shrink_and_replay_from_the_command_line(cli, tmp_path):
    where = ["--out", str(tmp_path)]
    failed = cli.invoke(command, ["lab", "run", "--seed", "4", "--ops", "10", *IMPATIENT, *where])
    assert failed.exit_code == 1
    file = str(tmp_path / "trivet-lab-seed-4.json")
    shrunk = cli.invoke(command, ["lab", "shrink", file, "--jobs", "0", *where])
    assert shrunk.exit_code == 1
    small = str(tmp_path / "trivet-lab-seed-4-shrunk.json")
    assert small in shrunk.output
    again = cli.invoke(command, ["lab", "run", "--replay", small])
    assert again.exit_code == 1
    assert again.output.endswith("digest: the same\ncomplaint: the same\n")


def test_a_run_with_one_workload_only(cli, tmp_path):
    words = ["lab", "run", "--seed", "2", "--ops", "20", "--workload", "register", "--out", str(tmp_path)]
    assert cli.invoke(command, words).exit_code == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("name", "opening"), [("x.svg", "<svg"), ("x.html", "<!"), ("x.shiviz", "")])
def test_any_run_can_be_drawn(cli, tmp_path, name, opening):
    out = tmp_path / name
    result = cli.invoke(command, ["lab", "draw", "--seed", "1", "--ops", "10", "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert f"written to {out}" in result.output
    drawn = out.read_text()
    assert opening.lower() in drawn.lower()
    assert len(drawn) > 1000
    plain = cli.invoke(command, ["lab", "run", "--seed", "1", "--ops", "10"]).output
    digest = plain.rsplit("digest ", 1)[1].strip()
    assert digest in result.output, "a recorder changes nothing"


def hears_ctrl_c():
    """What a shell starts in the background, such as these tests, and what that starts, is deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_ends_a_campaign_with_what_is_known_so_far(tmp_path):
    words = [*TRIVET, "run", "--seeds", "100000", "--ops", "10", "--jobs", "2", "--out", str(tmp_path)]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hears_ctrl_c
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("seed 1 ")
        process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=180)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130
    assert "of 100000 seeds (interrupted): 0 with complaints" in said
    assert errors == ""


def test_on_a_terminal_only_the_summary_remains(tmp_path):
    master, slave = pty.openpty()
    words = [*TRIVET, "run", "--seeds", "3", "--ops", "10", "--jobs", "1", "--out", str(tmp_path)]
    with subprocess.Popen(words, stdout=slave, stderr=slave, env={**os.environ, "COLUMNS": "100"}) as process:
        os.close(slave)
        said = b""
        try:
            while part := os.read(master, 4096):
                said += part
        except OSError:  # the other end is closed
            pass
    os.close(master)
    assert process.returncode == 0
    assert b"3 seeds: 0 with complaints" in said
    assert b"digest" not in said


def test_help_and_a_campaign_in_a_pipe_do_not_load_rich(tmp_path):
    code = (
        "import sys; from click.testing import CliRunner; from trivet.cli.main import command;"
        "CliRunner().invoke(command, ['lab', 'run', '--seeds', '2', '--ops', '5', '--jobs', '0']);"
        "print('rich' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout.strip() == "False"
    assert list(Path(tmp_path).iterdir()) == []
