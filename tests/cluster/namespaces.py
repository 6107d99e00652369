"""Nodes in network namespaces of their own, joined by a bridge: real partitions (root on Linux only).

Node i has address 10.203.N.i and listens there; the test stands on the bridge at 10.203.N.254, so it can
always reach every node. A cut drops what one node sends to another, by iptables in the receiver's namespace.
"""

import os
import shutil
import subprocess
import sys
import time

from tests.cluster.harness import code_under_test, wait_until
from trivet.cli.layout import node_toml
from trivet.cli.probe import Probe, ProbeError

CLIENT_PORT = 7001
PEER_PORT = 17001


def sh(*words, check=True):
    """Run a command; its output."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.returncode == 0


def why_not():
    """Why namespaces cannot be used here; empty when they can."""
    if os.geteuid() != 0:
        return "needs root"
    for tool in ("ip", "iptables"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    name = f"tv{os.getpid()}probe"
    if not sh("ip", "netns", "add", name, check=False):
        return "network namespaces cannot be made here"
    works = sh("ip", "netns", "exec", name, "iptables", "-L", "-n", check=False)
    sh("ip", "netns", "del", name, check=False)
    return "" if works else "iptables does not work in a namespace here"


class NamespacedCluster:
    """A few nodes, each in its namespace."""

    def __init__(self, directory, settings="", nodes=3):
        self.nodes = list(range(1, nodes + 1))
        self.number = os.getpid() % 250 + 1
        self.directory = directory
        self.processes = {}
        self.cuts = []
        self.bridge = f"tvb{self.number}"
        sh("ip", "link", "add", self.bridge, "type", "bridge")
        try:
            self._build(settings)
        except BaseException:
            self.stop()
            raise

    def _build(self, settings):
        sh("ip", "addr", "add", f"{self.address(254)}/24", "dev", self.bridge)
        sh("ip", "link", "set", self.bridge, "up")
        members = [{"id": n, "client_port": CLIENT_PORT, "peer_port": PEER_PORT} for n in self.nodes]
        for node in self.nodes:
            self._namespace(node)
            directory = self.directory / f"node-{node}"
            directory.mkdir()
            row = {"id": node, "directory": str(directory)}
            hosts = [{**member, "host": self.address(member["id"])} for member in members]
            text = node_toml(row, {"cluster": "ab" * 16, "nodes": members}, settings)
            for member in hosts:
                text = text.replace(
                    f'id = {member["id"]}\nhost = "127.0.0.1"',
                    f'id = {member["id"]}\nhost = "{member["host"]}"',
                )
            (directory / "node.toml").write_text(text)
        for node in self.nodes:
            self._start(node)
        self.wait_leader()
        self.wait_whole()

    def _namespace(self, node):
        name, veth = self.name(node), self.veth(node)
        sh("ip", "netns", "add", name)
        sh("ip", "link", "add", veth, "type", "veth", "peer", "name", "eth0", "netns", name)
        sh("ip", "link", "set", veth, "master", self.bridge)
        sh("ip", "link", "set", veth, "up")
        sh("ip", "-n", name, "addr", "add", f"{self.address(node)}/24", "dev", "eth0")
        sh("ip", "-n", name, "link", "set", "eth0", "up")
        sh("ip", "-n", name, "link", "set", "lo", "up")

    def _start(self, node):
        directory = self.directory / f"node-{node}"
        words = ["ip", "netns", "exec", self.name(node), sys.executable, "-m", "trivet", "node"]
        with (directory / "node.log").open("ab") as log:
            self.processes[node] = subprocess.Popen(
                [*words, "--config", str(directory / "node.toml")],
                stdout=log,
                stderr=log,
                env=code_under_test(),
            )

    def name(self, node):
        """The namespace of a node."""
        return f"tv{self.number}n{node}"

    def veth(self, node):
        """The bridge's end of a node's cable."""
        return f"tvv{self.number}n{node}"

    def address(self, node):
        """The address of a node; 254 is the test's own."""
        return f"10.203.{self.number}.{node}"

    def info(self, node):
        """INFO of a node, or nothing."""
        probe = Probe(self.address(node), CLIENT_PORT)
        try:
            return probe.info()
        except ProbeError:
            return {}
        finally:
            probe.close()

    def facts(self, node):
        """INFO of a node that lives and can be reached; asked again when it did not answer in time."""
        return wait_until(lambda: self.info(node), f"node {node} answers")

    def wait_leader(self, among=None):
        """Wait for a leader; its number."""
        return wait_until(lambda: self.leader(among), "a leader")

    def leader(self, among=None):
        """The leader in the highest term, 0 when there is none."""
        infos = {node: self.info(node) for node in among or self.nodes}
        leading = [(int(i["raft_term"]), n) for n, i in infos.items() if i.get("raft_role") == "leader"]
        return max(leading)[1] if leading else 0

    def cut(self, sender, receiver):
        """From now on nothing that ``sender`` sends reaches ``receiver``."""
        rule = ["INPUT", "-s", self.address(sender), "-j", "DROP"]
        sh("ip", "netns", "exec", self.name(receiver), "iptables", "-A", *rule)
        self.cuts.append((receiver, rule))

    def isolate(self, node):
        """Cut a node off from the others, both ways."""
        for other in self.nodes:
            if other != node:
                self.cut(node, other)
                self.cut(other, node)

    def heal(self):
        """Undo all cuts."""
        for receiver, rule in self.cuts:
            sh("ip", "netns", "exec", self.name(receiver), "iptables", "-D", *rule)
        self.cuts.clear()

    def wait_whole(self, seconds=60.0):
        """Wait until all nodes agree on a leader and have applied what it has committed."""

        def whole():
            infos = [self.info(node) for node in self.nodes]
            leaders = {info.get("raft_leader", "0") for info in infos}
            if len(leaders) != 1 or leaders & {"0", ""}:
                return False
            commit = int(infos[int(leaders.pop()) - 1]["raft_commit_index"])
            return all(int(info["raft_applied_index"]) >= commit - 200 for info in infos)

        wait_until(whole, "all nodes whole", seconds)

    def stop(self):
        """Stop the nodes and remove the namespaces."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for node in self.nodes:
            # The kernel takes a namespace's links down in its own time; the next cluster needs the names now.
            sh("ip", "link", "del", self.veth(node), check=False)
            sh("ip", "netns", "del", self.name(node), check=False)
        sh("ip", "link", "del", self.bridge, check=False)


def hold(seconds):
    """Let a state last for so long (a partition has to be longer than an election)."""
    end_s = time.monotonic() + seconds
    wait_until(lambda: time.monotonic() > end_s, "time to pass", seconds + 5)
