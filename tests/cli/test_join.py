"""``trivet join`` and ``trivet replace``: the directory, the call, the configuration. The node is not run here."""

import os
import socket
import tomllib

import pytest

from trivet.cli import join as join_module
from trivet.cli.main import command
from trivet.runtime.config import load_config


@pytest.fixture
def ran(monkeypatch):
    """What would be run."""
    found = []
    monkeypatch.setattr(join_module, "run", lambda data, parent: found.append((data, parent)))
    return found


def words(fake, directory, ports, *more):
    seed = f"127.0.0.1:{fake.port}"
    return ["join", "--seed", seed, "--data", str(directory), "--port", str(ports[0]), *more]


def test_a_new_node_gets_a_number_and_a_configuration_and_runs(cli, fake, ran, tmp_path, ports):
    directory = tmp_path / "deep" / "node"
    more = ["--zone", "b", "--label", "rack=7", "--label", "disk=ssd"]
    result = cli.invoke(command, words(fake, directory, ports, *more))
    assert result.exit_code == 0, result.output
    assert result.output == f"joined cluster ab12 as node 4: redis://127.0.0.1:{ports[0]}\n"
    assert ran == [(directory, 0)]
    config = load_config(directory / "node.toml")
    assert config.node.problem() == ""
    assert (config.node.node, config.node.cluster, config.node.zone) == (4, "ab12", "b")
    assert config.node.labels == {"rack": "7", "disk": "ssd"}
    assert (config.node.host, config.node.client_port) == ("127.0.0.1", ports[0])
    assert config.node.peer_port == ports[0] + 10_000
    assert [member.id for member in config.node.known] == [1, 2, 3]
    assert config.data == directory / "data"
    birth = int((config.data / "birth").read_text())
    labels = '{"rack": "7", "disk": "ssd"}'
    said = ["127.0.0.1", str(ports[0]), str(ports[0] + 10_000), "b", labels, str(birth)]
    assert fake.told("CLUSTER", "JOIN") == [["CLUSTER", "JOIN", *said]]


def test_run_again_it_simply_starts(cli, fake, ran, tmp_path, ports):
    cli.invoke(command, words(fake, tmp_path, ports))
    fake.heard.clear()
    assert cli.invoke(command, ["join", "--data", str(tmp_path)]).exit_code == 0
    assert cli.invoke(command, words(fake, tmp_path, ports)).exit_code == 0
    assert len(ran) == 3
    assert not fake.heard


def test_a_join_that_broke_off_gets_the_same_number_again(cli, fake, ran, tmp_path, ports):
    cli.invoke(command, words(fake, tmp_path, ports))
    (tmp_path / "node.toml").unlink()
    result = cli.invoke(command, words(fake, tmp_path, ports))
    assert "as node 4:" in result.output
    assert list(fake.nodes) == [1, 2, 3, 4]


def test_password_and_settings_go_into_the_configuration(cli, fake, ran, tmp_path, ports):
    fake.password = 'se"cret'
    (tmp_path / "password").write_text('se"cret\n')
    (tmp_path / "settings.toml").write_text("election_ms = 700\n[limits]\nconnections_max = 9\n")
    directory = tmp_path / "node"
    assert cli.invoke(command, words(fake, directory, ports)).exit_code == 1
    more = [
        "--password-file",
        str(tmp_path / "password"),
        "--settings",
        str(tmp_path / "settings.toml"),
    ]
    assert cli.invoke(command, words(fake, directory, ports, *more)).exit_code == 0
    config = load_config(directory / "node.toml")
    assert config.node.password == 'se"cret'
    assert config.node.limits.connections_max == 9
    assert os.stat(directory / "node.toml").st_mode & 0o777 == 0o600


def test_what_is_wrong_is_said_before_the_cluster_is_asked(cli, fake, ran, tmp_path, ports):
    def said(*more, code=1):
        result = cli.invoke(command, words(fake, tmp_path / "node", ports, *more))
        assert result.exit_code == code, result.output
        return result.output

    with socket.create_server(("127.0.0.1", ports[0])):
        assert f"cannot listen on 127.0.0.1:{ports[0]}" in said()
    assert "choose --peer-port" in said("--peer-port", str(ports[0]))
    assert "--host must be an address of this machine" in said("--host", "192.0.2.7")
    assert "write it as name=value" in said("--label", "rack")
    (tmp_path / "node").mkdir()
    (tmp_path / "node" / "mine.txt").write_text("")
    assert "holds other things (mine.txt): name an empty directory" in said()
    (tmp_path / "node" / "mine.txt").unlink()
    (tmp_path / "node" / "data").mkdir()
    (tmp_path / "node" / "data" / "wal-1.log").write_text("")
    assert "node.toml is missing beside it" in said()
    assert not ran and not fake.told("CLUSTER", "JOIN")
    result = cli.invoke(command, ["join", "--data", str(tmp_path / "new")])
    assert result.exit_code == 2
    assert "--seed host:port" in result.output


def test_no_seed_answers(cli, ran, tmp_path, ports):
    seed = f"127.0.0.1:{ports[1]}"
    result = cli.invoke(command, ["join", "--seed", seed, "--data", str(tmp_path), "--port", str(ports[0])])
    assert result.exit_code == 1
    assert f"nobody listens at {seed}" in result.output


def test_the_next_seed_is_tried(cli, fake, ran, tmp_path, ports):
    first = ["join", "--seed", f"127.0.0.1:{ports[1]}"]
    assert cli.invoke(command, [*first, *words(fake, tmp_path, ports)[1:]]).exit_code == 0


def test_a_new_node_takes_the_place_of_a_dead_one(cli, fake, ran, tmp_path, ports):
    more = ["--node", fake.url, "--data", str(tmp_path), "--port", str(ports[0])]
    result = cli.invoke(command, ["replace", "3", *more])
    assert result.exit_code == 0, result.output
    assert "as node 4, in place of node 3" in result.output
    assert fake.told("CLUSTER", "JOIN")[0][-1] == "3"
    assert tomllib.loads((tmp_path / "node.toml").read_text())["node"] == 4
    more = ["--node", fake.url, "--data", str(tmp_path / "b"), "--port", str(ports[1])]
    unknown = cli.invoke(command, ["replace", "8", *more])
    assert unknown.exit_code == 1
    assert "Unknown node 8" in unknown.output


@pytest.mark.usefixtures("soon")
def test_a_node_that_has_joined_takes_the_place_of_a_dead_one(cli, fake):
    result = cli.invoke(command, ["replace", "3", "--with", "2", "--node", fake.url])
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0] == "node 2 takes the place of node 3"
    assert result.output.splitlines()[-1] == "node 3 has left"
    assert fake.told("CLUSTER", "REPLACE") == [["CLUSTER", "REPLACE", "3", "2"]]
    assert cli.invoke(command, ["replace", "3"]).exit_code == 2
