"""Directories, ports and files of a cluster."""

import os
import socket
import tomllib

import pytest

from trivet.cli import layout


def make(data, nodes=3, port=None, fresh=False):
    lock = layout.open_directory(data, fresh)
    cluster = layout.plan(data, nodes, port)
    layout.write_nodes(cluster, "")
    layout.write_cluster(data, cluster)
    return lock, cluster


def test_a_new_cluster_has_ports_from_the_first_upwards(tmp_path, ports):
    _, cluster = make(tmp_path / "d", port=ports[0])
    assert [row["client_port"] for row in cluster["nodes"]] == ports[:3]
    assert len({row["peer_port"] for row in cluster["nodes"]} - set(ports[:3])) == 3
    assert oct((tmp_path / "d").stat().st_mode & 0o777) == "0o700"


def test_data_and_cluster_id_are_kept_and_ports_may_change(tmp_path, ports):
    lock, first = make(tmp_path, port=ports[0])
    os.close(lock)
    _, second = make(tmp_path, nodes=None, port=ports[3])
    assert second["cluster"] == first["cluster"]
    assert [row["client_port"] for row in second["nodes"]] == ports[3:6]


def test_another_number_of_nodes_is_refused(tmp_path, ports):
    lock, _ = make(tmp_path, port=ports[0])
    os.close(lock)
    with pytest.raises(layout.LayoutError, match="holds a cluster of 3 nodes: leave --nodes away"):
        layout.plan(tmp_path, 5, ports[0])


def test_fresh_removes_ours_and_nothing_else(tmp_path, ports):
    lock, first = make(tmp_path, port=ports[0])
    os.close(lock)
    (tmp_path / "mine.txt").write_text("keep")
    (tmp_path / "node-1" / "data").mkdir()
    _, second = make(tmp_path, port=ports[0], fresh=True)
    assert second["cluster"] != first["cluster"]
    assert (tmp_path / "mine.txt").read_text() == "keep"
    assert not (tmp_path / "node-1" / "data").exists()


@pytest.mark.parametrize("fresh", [False, True])
def test_a_directory_that_is_not_ours_is_left_alone(tmp_path, fresh):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(layout.LayoutError, match="holds other things"):
        layout.open_directory(tmp_path, fresh)
    assert os.listdir(tmp_path) == ["mine.txt"]


def test_two_supervisors_do_not_share_a_directory(tmp_path):
    lock = layout.open_directory(tmp_path / "d", False)
    with pytest.raises(layout.LayoutError, match="another `trivet up` is running"):
        layout.open_directory(tmp_path / "d", True)
    os.close(lock)
    os.close(layout.open_directory(tmp_path / "d", False))


def test_a_file_in_place_of_the_directory(tmp_path):
    (tmp_path / "f").write_text("")
    with pytest.raises(layout.LayoutError, match="is a file"):
        layout.open_directory(tmp_path / "f", False)


def test_a_taken_port_is_named(tmp_path, ports):
    with (
        socket.create_server(("127.0.0.1", ports[1])),
        pytest.raises(layout.LayoutError, match=f"port {ports[1]} is taken"),
    ):
        layout.plan(tmp_path, 3, ports[0])


def test_ports_beyond_the_last_one():
    with pytest.raises(layout.LayoutError, match="go beyond 65535"):
        layout.client_ports(65534, 3)


def test_peer_ports_are_found_elsewhere_when_taken(ports):
    with socket.create_server(("127.0.0.1", ports[1] + 10_000)):
        found = layout.peer_ports(ports[:3])
    assert len(set(found)) == 3
    assert found[0] > ports[2]
    assert found[0] != ports[0] + 10_000


def test_a_damaged_cluster_file_is_not_overwritten(tmp_path):
    (tmp_path / "cluster.json").write_text('{"cluster": "ab"')
    with pytest.raises(layout.LayoutError, match="is damaged"):
        layout.plan(tmp_path, 3, 7001)


def test_node_toml_has_shared_settings_where_toml_wants_them(tmp_path, ports):
    _, cluster = make(tmp_path, port=ports[0])
    text = layout.node_toml(
        cluster["nodes"][1], cluster, "election_ms = 500\n[limits]\nconnections_max = 7\n"
    )
    config = tomllib.loads(text)
    assert config["node"] == 2
    assert config["election_ms"] == 500
    assert config["limits"] == {"connections_max": 7}
    assert [member["id"] for member in config["members"]] == [1, 2, 3]
    assert config["cluster"] == cluster["cluster"]


def grown(data, first_port):
    """A cluster of three to which nodes 4 and 6 were added and of which node 2 has left."""
    lock, cluster = make(data, port=first_port)
    os.close(lock)
    del cluster["nodes"][1]
    for node in (4, 6):
        cluster["nodes"].append(layout.node_row(data, node, *layout.next_ports(cluster["nodes"])))
    layout.write_cluster(data, cluster)
    return cluster


def test_a_grown_cluster_keeps_its_nodes_and_their_ports(tmp_path, ports):
    grown(tmp_path, ports[0])
    again = layout.plan(tmp_path, None, None)
    assert [row["id"] for row in again["nodes"]] == [1, 3, 4, 6]
    assert [row["client_port"] for row in again["nodes"]] == [ports[i] for i in (0, 2, 3, 4)]
    moved = layout.plan(tmp_path, None, ports[1])
    assert [row["client_port"] for row in moved["nodes"]] == [ports[i] for i in (1, 3, 4, 5)]


def test_founders_go_on_as_founders_and_the_others_as_nodes_that_joined(tmp_path, ports):
    cluster = grown(tmp_path, ports[0])
    third, fourth = (tomllib.loads(layout.node_toml(row, cluster, "")) for row in cluster["nodes"][1:3])
    assert [member["id"] for member in third["members"]] == [1, 2, 3]
    assert [member["id"] for member in third["known"]] == [4, 6]
    assert "members" not in fourth
    assert [member["id"] for member in fourth["known"]] == [1, 3, 6]
    assert (fourth["node"], fourth["host"], fourth["client_port"]) == (4, "127.0.0.1", ports[3])


def test_zones_go_round_and_a_new_node_goes_where_the_fewest_are(tmp_path, ports):
    tmp_path.joinpath("d").mkdir()
    cluster = layout.plan(tmp_path / "d", 5, ports[0], ["a", "b", "c"])
    assert [row["zone"] for row in cluster["nodes"]] == ["a", "b", "c", "a", "b"]
    assert layout.next_zone(cluster["nodes"]) == "c"
    assert 'zone = "b"' in layout.node_toml(cluster["nodes"][1], cluster, "")
    layout.write_cluster(tmp_path / "d", cluster)
    again = layout.plan(tmp_path / "d", None, None)
    assert [row["zone"] for row in again["nodes"]] == ["a", "b", "c", "a", "b"]


def test_the_next_port_passes_over_what_is_taken(tmp_path, ports):
    _, cluster = make(tmp_path, port=ports[0])
    with socket.create_server(("127.0.0.1", ports[3])):
        assert layout.next_ports(cluster["nodes"]) == (ports[4], ports[4] + 10_000)
