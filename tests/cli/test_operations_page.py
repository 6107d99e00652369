"""Every command of docs/operations.md is one that this program knows, and does what the page says of it.

Here against a stand-in for the cluster; tests/cluster does it with real nodes.
"""

import pytest

from tests.operations_page import commands, with_places
from trivet.cli import join as join_module
from trivet.cli import orders
from trivet.cli import supervisor as supervisor_module
from trivet.cli.main import command

pytestmark = pytest.mark.usefixtures("soon")


def test_the_page_has_commands():
    names = {words[0] for words in commands()}
    assert names == {
        "up", "status", "scale", "join", "leave", "replace", "rebalance", "split", "merge", "keyspace",
    }  # fmt: skip


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_it_runs(cli, fake, tmp_path, ports, monkeypatch, words):
    ran = []
    monkeypatch.setattr(join_module, "run", lambda *facts: ran.append(facts))
    monkeypatch.setattr(orders, "send_order", lambda *facts: ran.append(facts))
    monkeypatch.setattr(supervisor_module.Supervisor, "run", lambda *facts: ran.append(facts) or 0)
    monkeypatch.chdir(tmp_path)
    fake.next_node = 4
    fake.answer(["CLUSTER", "JOIN", "127.0.0.1", "2", "3", "", "{}", "77"])
    fake.on_keyspace_info = lambda which: {"number": 20, "name": which, "keys": 0}
    fake.on_keyspace_drop = lambda which: "OK"
    if "--force" in words:
        fake.nodes[4]["alive"] = 0
    typed = with_places(words, f"127.0.0.1:{fake.port}", tmp_path / "node")
    typed = [str(ports[0]) if word == "7001" else word for word in typed]
    if words[0] == "up":
        typed += ["--port", str(ports[0])]
    if words[0] in ("keyspace", "split", "merge") or "--abort" in words:
        typed += ["--node", fake.url]
    result = cli.invoke(command, typed)
    assert result.exit_code == 0, result.output
    assert bool(ran) == (words[0] in ("join", "scale", "up") or "--data" in words)
