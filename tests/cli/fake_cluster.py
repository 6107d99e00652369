"""A stand-in for a cluster: answers on one port as the nodes of a cluster do, by the wire contract alone.

It knows nodes, groups and moves, and lets one thing happen per look at it (``CLUSTER STATE``): a draining node
gives up one replica, a move gets on. What it was told stands in ``heard``.
"""

import socketserver
import threading


class Refusal(Exception):
    pass


def encode(reply):
    if isinstance(reply, Refusal):
        return b"-%s\r\n" % str(reply).encode()
    if isinstance(reply, bool | int):
        return b":%d\r\n" % reply
    if reply is None:
        return b"$-1\r\n"
    if isinstance(reply, str):
        data = reply.encode()
        return b"$%d\r\n%s\r\n" % (len(data), data)
    if isinstance(reply, dict):
        reply = [part for pair in reply.items() for part in pair]
    return b"*%d\r\n" % len(reply) + b"".join(encode(part) for part in reply)


def node(number, port, zone="", state="up", alive=1, birth=0):
    return {
        "id": number, "name": "f" * 40, "host": "127.0.0.1", "client-port": port, "peer-port": port + 10_000,
        "zone": zone, "labels": {}, "state": state, "replaces": 0, "alive": alive, "silent-ms": 0 if alive else 7000,
        "groups": 0, "leads": 0, "birth": birth,
    }  # fmt: skip


def group(number, members, leader, slots="0-16383", keyspace=0, target=None, keys=7):
    return {
        "id": number, "keyspace": keyspace, "slots": slots, "members": list(members), "learners": [],
        "target": list(target or members), "leader": leader, "term": 3, "epoch": 1, "keys": keys, "bytes": 123_456,
        "ops": 55,
    }  # fmt: skip


DEFAULT = {
    "number": 0, "name": "default", "mode": "raft", "replicas": 3, "shards": "auto", "together": 0,
    "databases": list(range(16)), "groups": 1,
}  # fmt: skip


class FakeCluster:
    """Listens at once; ``close`` it."""

    def __init__(self, nodes=3, port=0):
        self.heard = []
        self.nodes = {}
        self.groups = {}
        self.keyspaces = {0: dict(DEFAULT)}
        self.moves = {}
        self.plan = []
        self.stuck = False
        self.password = ""
        self.next_node = nodes + 1
        fake = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                known = not fake.password
                while (line := self.rfile.readline()).startswith(b"*"):
                    words = []
                    for _ in range(int(line[1:])):
                        size = int(self.rfile.readline()[1:])
                        words.append(self.rfile.read(size + 2)[:-2].decode())
                    if words[0] == "AUTH":
                        known = words[-1] == fake.password
                        reply = "OK" if known else Refusal("WRONGPASS invalid username-password pair")
                    else:
                        reply = fake.answer(words) if known else Refusal("NOAUTH Authentication required.")
                    self.wfile.write(encode(reply))

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._lock = threading.Lock()
        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        for number in range(1, nodes + 1):
            here = number == 1  # the one port is node 1's
            self.nodes[number] = node(number, self.port if here else 1, alive=int(here))
        members = list(self.nodes)
        self.groups[0] = group(0, members, 1, "", -1)
        self.groups[1] = group(1, members, 1)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def answer(self, words):
        with self._lock:
            self.heard.append(words)
            try:
                name = (
                    "_".join(words[:2]).lower() if words[0] in ("CLUSTER", "KEYSPACE") else words[0].lower()
                )
                method = getattr(self, f"on_{name}", None)
                if method is None:
                    return Refusal(f"ERR unknown command '{words[0]}'")
                return method(*words[2:])
            except Refusal as refusal:
                return refusal

    def told(self, *start):
        """The calls that begin like this."""
        return [words for words in self.heard if words[: len(start)] == list(start)]

    def on_ping(self):
        return "PONG"

    def on_cluster_move(self, *words):
        return "OK"

    def on_exists(self):
        return 0

    def on_info(self):
        return "raft_leader:1\r\n"

    def on_cluster_state(self):
        self._advance()
        return {
            "cluster": "ab12", "epoch": 9, "node": 1, "nodes": list(self.nodes.values()),
            "keyspaces": list(self.keyspaces.values()), "groups": list(self.groups.values()),
            "moves": list(self.moves.values()),
        }  # fmt: skip

    def _advance(self):
        for one in self.nodes.values():
            if one["state"] == "joining":
                one["state"] = "up"
            if one["state"] == "draining" and not self.stuck:
                for held in self.groups.values():
                    if one["id"] in held["members"]:
                        held["members"].remove(one["id"])
                        held["target"] = list(held["members"])
                        if held["leader"] == one["id"]:
                            held["leader"] = held["members"][0]
                        break
        for move in list(self.moves.values()):
            move["sent"], move["left"] = move["sent"] + 10, move["left"] - 10
            if move["left"] < 0:
                del self.moves[move["id"]]

    def on_cluster_plan(self):
        plan, self.plan = self.plan, self.plan if self.stuck else []
        return plan

    def on_cluster_join(self, host, client_port, peer_port, zone, labels, birth, replaces="0"):
        for one in self.nodes.values():
            if one["birth"] == int(birth):
                return self._joined(one["id"])
        if replaces != "0":
            self._known(replaces)["state"] = "draining"
        one = node(self.next_node, int(client_port), zone, "joining", birth=int(birth))
        self.nodes[one["id"]] = one
        self.next_node += 1
        return self._joined(one["id"])

    def _joined(self, number):
        rows = [[n["id"], n["host"], n["client-port"], n["peer-port"]] for n in self.nodes.values()]
        return [number, "ab12", rows]

    def _known(self, number):
        if int(number) not in self.nodes:
            raise Refusal(f"ERR Unknown node {number}")
        return self.nodes[int(number)]

    def on_cluster_drain(self, number):
        self._known(number)["state"] = "draining"
        return "OK"

    def on_cluster_undrain(self, number):
        self._known(number)["state"] = "up"
        return "OK"

    def on_cluster_leave(self, number, force=""):
        row = self._known(number)
        for held in self.groups.values():
            if row["id"] in held["members"]:
                raise Refusal(f"ERR node {number} is still a member of group {held['id']}: drain it first")
        del self.nodes[row["id"]]
        return "OK"

    def on_cluster_replace(self, old, new):
        self._known(new)
        self._known(old)["state"] = "draining"
        return "OK"

    def on_cluster_split(self, number, slot="8192"):
        if int(number) not in self.groups:
            raise Refusal(f"ERR no such group: {number}")
        return self._move(int(number), 2, f"{slot}-16383")

    def on_cluster_merge(self, number, into):
        return self._move(int(number), int(into), "0-16383")

    def _move(self, source, target, slots):
        number = 5
        self.moves[number] = {
            "id": number, "source": source, "target": target, "slots": slots, "phase": "copy", "started-ms": 1,
            "age-ms": 61_000, "reason": "an administrator wants it", "sent": 0, "left": 20,
        }  # fmt: skip
        return number

    def on_keyspace_create(self, db, *options):
        self.keyspaces[int(db)] = {**DEFAULT, "number": int(db), "name": f"db{db}", "databases": [int(db)]}
        return "OK"

    def on_keyspace_list(self):
        return list(self.keyspaces.values())

    def on_keyspace_info(self, which):
        if int(which) not in self.keyspaces:
            raise Refusal(f"ERR no such keyspace: {which}")
        groups = [{"id": 1, "slots": "0-16383", "members": [1, 2, 3], "leader": 2}]
        return {**self.keyspaces[int(which)], "groups": groups, "keys": 12}

    def on_keyspace_drop(self, which, force=""):
        if not force:
            raise Refusal("ERR the keyspace holds 3 keys: empty it first, or say FORCE")
        del self.keyspaces[int(which)]
        return "OK"
