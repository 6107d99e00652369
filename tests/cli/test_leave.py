"""``trivet leave``: drained, empty, gone; what it waits for; ways out. Against a stand-in for the cluster."""

import pytest

from trivet.cli import leaving
from trivet.cli.main import command

pytestmark = pytest.mark.usefixtures("soon")


def test_a_node_is_emptied_and_leaves(cli, fake):
    result = cli.invoke(command, ["leave", "3", "--node", fake.url])
    assert result.exit_code == 0, result.output
    assert result.output.splitlines() == [
        "node 3 is being drained",
        "node 3 still has 1 replica (group 1)",
        "node 3 has left",
        "stop its process; its directory is of no use any more",
    ]
    assert fake.told("CLUSTER", "DRAIN") == [["CLUSTER", "DRAIN", "3"]]
    assert fake.told("CLUSTER", "LEAVE") == [["CLUSTER", "LEAVE", "3"]]


def test_without_an_id_it_is_the_node_that_is_asked(cli, fake):
    result = cli.invoke(command, ["leave", "--node", fake.url])
    assert result.exit_code == 0, result.output
    assert "node 1 has left" in result.output
    assert cli.invoke(command, ["leave"]).exit_code == 2


def test_it_says_what_it_waits_for_and_gives_up_when_told(cli, fake, monkeypatch):
    monkeypatch.setattr(leaving, "STUCK_S", 0.05)
    fake.stuck = True
    fake.plan = ["no other node can take group 1: 3 replicas are wanted, and 2 nodes are up"]
    fake.groups[1]["leader"] = 3
    fake.groups[1]["target"] = [1, 2]
    result = cli.invoke(command, ["leave", "3", "--node", fake.url, "--timeout", "0.5"])
    assert result.exit_code == 1
    still = (
        "node 3 still has 1 replica (group 1), its vote in the system group, leads group 1; "
        "group 1 shall have the members 1, 2"
    )
    assert result.output.splitlines() == [
        "node 3 is being drained",
        still,
        f"  the cluster's plan: {fake.plan[0]}",
        f"Error: not within the time given; it waits for: {still}",
    ]


def test_moves_under_way_are_shown_with_their_progress(cli, fake):
    fake.on_cluster_split("1")
    view = leaving.Asker([("127.0.0.1", fake.port, "", "")]).view()
    said = leaving.waiting_for(view, 1, view.held_by(1))
    assert "under way: move 5, slots 8192-16383 from group 1 to 2 (50%)" in said


def test_refusals_say_what_to_do(cli, fake):
    result = cli.invoke(command, ["leave", "9", "--node", fake.url])
    assert result.exit_code == 1
    assert result.output == "Error: Unknown node 9: `trivet status` shows what there is\n"
    forced = cli.invoke(command, ["leave", "3", "--force", "--node", fake.url])
    assert forced.exit_code == 1
    assert "node 3 is still a member of group 0" in forced.output


def test_it_can_be_taken_back_and_forced(cli, fake):
    assert cli.invoke(command, ["leave", "3", "--cancel", "--node", fake.url]).output == "node 3 stays\n"
    fake.groups.clear()
    assert cli.invoke(command, ["leave", "3", "--force", "--node", fake.url]).output == "node 3 has left\n"
    assert fake.heard[-1] == ["CLUSTER", "LEAVE", "3", "FORCE"]
    assert cli.invoke(command, ["leave", "3", "--force", "--cancel", "--node", fake.url]).exit_code == 2


def test_nobody_answers(cli, ports):
    result = cli.invoke(command, ["leave", "3", "--node", f"127.0.0.1:{ports[0]}"])
    assert result.exit_code == 1
    assert "no node answers" in result.output
    assert "start a node, or name one that runs with --node" in result.output


def test_the_password_may_stand_in_a_file(cli, fake, tmp_path):
    fake.password = "secret"
    (tmp_path / "password").write_text("secret\n")
    words = ["leave", "3", "--cancel", "--node", fake.url]
    refused = cli.invoke(command, words)
    assert refused.exit_code == 1
    assert "--password-file" in refused.output
    assert cli.invoke(command, [*words, "--password-file", str(tmp_path / "password")]).exit_code == 0
    (tmp_path / "password").write_text("")
    assert cli.invoke(command, [*words, "--password-file", str(tmp_path / "password")]).exit_code == 2


def test_ctrl_c_says_how_to_go_on(cli, fake, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(leaving, "empty_and_leave", interrupted)
    result = cli.invoke(command, ["leave", "3", "--node", fake.url])
    assert result.exit_code == 130
    assert "`trivet leave 3 --cancel` ends it" in result.output
