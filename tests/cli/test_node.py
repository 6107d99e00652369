"""``trivet node``: configuration errors name the file and the setting."""

import os
import subprocess
import sys

import pytest

from trivet.cli.main import command

GOOD = """node = 1
cluster = "ab"
data = "data"
[[members]]
id = 1
host = "127.0.0.1"
client_port = 7001
peer_port = 17001
"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("node = ", "not TOML"),
        (GOOD.replace("node = 1", 'node = "one"'), "node: expected int"),
        (GOOD.replace("node = 1", "node = 2"), "node: 2 is not among the members"),
        (GOOD.replace("data =", "dta ="), "dta: there is no such setting"),
        (GOOD.replace('cluster = "ab"\n', ""), "cluster: missing"),
        (GOOD + "[limits]\nconnections_max = true\n", "limits.connections_max: expected int"),
    ],
)
def test_a_bad_configuration(cli, tmp_path, text, said):
    path = tmp_path / "node.toml"
    path.write_text(text)
    result = cli.invoke(command, ["node", "--config", str(path)])
    assert result.exit_code == 1
    assert f"{path}: " in result.output
    assert said in result.output


def test_no_configuration_at_all(cli, tmp_path):
    assert cli.invoke(command, ["node"]).exit_code == 2
    assert cli.invoke(command, ["node", "--config", str(tmp_path / "none.toml")]).exit_code == 2


def test_a_node_whose_parent_is_gone_does_not_start(tmp_path):
    path = tmp_path / "node.toml"
    path.write_text(GOOD)
    words = [sys.executable, "-m", "trivet", "node", "--config", str(path), "--parent", str(os.getpid() + 1)]
    assert subprocess.run(words, check=False, timeout=120).returncode == 1
