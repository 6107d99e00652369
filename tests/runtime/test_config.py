"""The configuration file: what it may say, and how it is told what is wrong with it."""

from pathlib import Path

import pytest

from trivet.runtime.config import ConfigError, Route, load_config

GOOD = """
node = 2
cluster = "c0ffee"
data = "data"
{more}
[limits]
connections_max = 77
{limits}
[[members]]
id = 1
host = "127.0.0.1"
client_port = 7001
peer_port = 17001
[[members]]
id = 2
host = "127.0.0.1"
client_port = 7002
peer_port = 17002
[[members]]
id = 3
host = "127.0.0.1"
client_port = 7003
peer_port = 17003
"""


def write(tmp_path: Path, *, more: str = "", limits: str = "", text: str = GOOD) -> Path:
    path = tmp_path / "node.toml"
    path.write_text(text.replace("{more}", more).replace("{limits}", limits))
    return path


def test_a_good_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, more='log_level = "debug"\nelection_ms = 1500', limits=""))
    assert config.node.node == 2
    assert config.node.election_ms == 1500
    assert config.node.limits.connections_max == 77
    assert [member.client_port for member in config.node.members] == [7001, 7002, 7003]
    assert config.data == tmp_path / "data"
    assert config.settings.log_level == "debug"
    assert config.settings.routes == []


def test_a_peer_may_be_reached_elsewhere(tmp_path: Path) -> None:
    route = '[[routes]]\nid = 1\nhost = "localhost"\npeer_port = 9001'
    assert load_config(write(tmp_path, more=route)).settings.routes == [
        Route(id=1, host="localhost", peer_port=9001)
    ]
    with pytest.raises(ConfigError, match=r"routes.*port: there is no such setting"):
        load_config(write(tmp_path, more=route.replace("peer_port", "port")))


@pytest.mark.parametrize(
    ("more", "limits", "says"),
    [
        ('tick_ms = "fast"', "", "tick_ms: expected int, got str"),
        ("tack_ms = 5", "", "tack_ms: there is no such setting"),
        ("", "connection_max = 5", "limits.connection_max: there is no such setting"),
        ("", "segment_bytes = 1.5", "limits.segment_bytes: expected int, got float"),
        ("listen = 5", "", "listen: expected str, got int"),
        ('log_level = "loud"', "", "log_level: invalid enum value 'loud'"),
        ("election_ms = 10", "", "election_ms: at least three times heartbeat_ms, which is at least tick_ms"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, more: str, limits: str, says: str) -> None:
    path = write(tmp_path, more=more, limits=limits)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value) == f"{path}: {says}"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("node = 2\n", "", "node: missing"),
        ('data = "data"\n', "", "data: missing"),
        ("node = 2\n", "node = 4\n", "node: 4 is not among the members [1, 2, 3]"),
        ("client_port = 7002\n", "", "members[1].client_port: missing"),
        ("client_port = 7002\n", 'client_port = "x"\n', "members[1].client_port: expected int, got str"),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = write(tmp_path, text=GOOD.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}: {says}"), caught.value


def test_no_file_and_no_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        load_config(tmp_path / "node.toml")
    with pytest.raises(ConfigError, match=r"node\.toml: not TOML: .*line 1"):
        load_config(write(tmp_path, text="node = = 2"))
    (tmp_path / "node.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not TOML"):
        load_config(tmp_path / "node.toml")


JOINED = """
node = 4
cluster = "c0ffee"
data = "data"
host = "10.0.0.4"
client_port = 7001
peer_port = 17001
zone = "b"
labels = { rack = "7" }
[[known]]
id = 1
host = "10.0.0.1"
client_port = 7001
peer_port = 17001
"""


def test_the_file_of_a_node_that_joined(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, text=JOINED)).node
    assert (config.node, config.zone, config.labels) == (4, "b", {"rack": "7"})
    assert [member.id for member in config.known] == [1]
    assert config.address().client_port == 7001


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('host = "10.0.0.4"\n', "", "members: without any, the node joins: node, host"),
        ("zone = ", "zones = ", "zones: there is no such setting"),
        ("[[known]]", "[[knows]]", "knows: there is no such setting"),
        ('rack = "7"', "rack = 7", "labels[...]: expected str, got int"),
        ("node = 4\n", "node = 4\nbirth = 5\n", "birth: there is no such setting"),
    ],
)
def test_a_mistake_in_it_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    path = write(tmp_path, text=JOINED.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(caught.value).startswith(f"{path}: {says}"), caught.value
