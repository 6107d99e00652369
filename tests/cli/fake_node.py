"""A stand-in for a node: answers INFO and EXISTS on its client port as a node of a healthy cluster would.

Run as ``python fake_node.py --parent PID --config node.toml``. Files beside the configuration steer it:
``fail`` makes it print the file's text and exit with code 1. With FAKE_CLUSTER=port in the environment, CLUSTER …
is answered by the ``FakeCluster`` at that port.
"""

import os
import signal
import socket
import socketserver
import sys
import tomllib
from pathlib import Path

from trivet.cli.parent import stop_with_parent

if "--parent" in sys.argv:
    stop_with_parent(int(sys.argv[sys.argv.index("--parent") + 1]))
config_path = Path(sys.argv[sys.argv.index("--config") + 1])
config = tomllib.loads(config_path.read_text())
me = config["node"]
members = [*config.get("members", []), {"id": me, "client_port": config.get("client_port")}]
port = next(member["client_port"] for member in members if member["id"] == me)
fake_cluster = int(os.environ.get("FAKE_CLUSTER", "0"))
if (config_path.parent / "fail").exists():
    print((config_path.parent / "fail").read_text())
    sys.exit(1)

INFO = (
    "# Server\r\nredis_version:7.0.15\r\ntrivet_version:0.1.0\r\ntotal_commands_processed:7\r\n"
    f"# Raft\r\nraft_role:{'leader' if me == 1 else 'follower'}\r\nraft_term:3\r\nraft_leader:1\r\n"
    "raft_commit_index:12\r\nraft_applied_index:12\r\nraft_last_index:12\r\n"
    "# Keyspace\r\ndb0:keys=5,expires=1\r\n"
).encode()


def forward(words):
    """The raw answer of the stand-in for the cluster, which closes after an empty word."""
    with socket.create_connection(("127.0.0.1", fake_cluster)) as connection:
        parts = [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
        connection.sendall(b"*%d\r\n" % len(words) + b"".join(parts) + b"\r\n")
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
        return answer


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while (line := self.rfile.readline()).startswith(b"*"):
            words = []
            for _ in range(int(line[1:])):
                size = int(self.rfile.readline()[1:])
                words.append(self.rfile.read(size + 2)[:-2])
            if words[0] == b"CLUSTER" and fake_cluster:
                self.wfile.write(forward(words))
                continue
            self.wfile.write(b"$%d\r\n%s\r\n" % (len(INFO), INFO) if words[:1] == [b"INFO"] else b":0\r\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
Server(("127.0.0.1", port), Handler).serve_forever()
