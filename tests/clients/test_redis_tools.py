"""redis-cli and redis-benchmark, unmodified."""

import subprocess

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("cluster")]


def cli(path, port, *words, text=None):
    done = subprocess.run(
        [path, "-p", str(port), *words], input=text, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_redis_cli_one_command_at_a_time(cluster, tool):
    path = tool("redis-cli")
    assert cli(path, cluster.port(1), "set", "a", "hello world") == "OK\n"
    assert cli(path, cluster.port(2), "get", "a") == "hello world\n"
    assert cli(path, cluster.port(3), "-3", "hset", "h", "f", "1") == "1\n"
    assert cli(path, cluster.port(1), "--json", "hgetall", "h") == '{"f":"1"}\n'
    assert "raft_role:" in cli(path, cluster.port(1), "info", "raft")
    assert cli(path, cluster.port(1), "nonsense").startswith("ERR unknown command")


def test_redis_cli_from_standard_input(cluster, tool):
    path = tool("redis-cli")
    said = cli(path, cluster.port(2), text="multi\nset x 1\nincr x\nexec\nget x\n")
    assert said.split() == ["OK", "QUEUED", "QUEUED", "OK", "2", "2"]


def test_redis_cli_mass_insertion_scan_and_bigkeys(cluster, tool):
    path = tool("redis-cli")
    text = "".join(f"*3\r\n$3\r\nSET\r\n$6\r\nm{i:05}\r\n$1\r\nx\r\n" for i in range(2000))
    assert "errors: 0, replies: 2000" in cli(path, cluster.port(3), "--pipe", text=text)
    assert len(cli(path, cluster.port(1), "--scan", "--pattern", "m*").split()) == 2000
    assert "Biggest string found" in cli(path, cluster.port(2), "--bigkeys")


def test_redis_benchmark(cluster, tool):
    path = tool("redis-benchmark")
    words = ["-p", str(cluster.port(1)), "-n", "2000", "-c", "20", "-P", "4", "-r", "1000", "--csv"]
    names = "ping,set,get,incr,lpush,rpush,lpop,rpop,sadd,hset,spop,zadd,zpopmin,lrange_100,mset"
    done = subprocess.run(
        [path, *words, "-t", names], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "ERR" not in done.stdout + done.stderr
    assert len(done.stdout.splitlines()) >= 15
