"""Recordings to draw: a small made-up one in which everything occurs, a large one, and a real run."""

from trivet.core.base.prng import Prng
from trivet.lab.cluster import SimulatedCluster
from trivet.lab.history import FOREVER_US
from trivet.lab.recording import ClientOperation, Fate, Recorder
from trivet.lab.world.options import draw_options
from trivet.lab.world.real import RealNodes

NASTY = '</script><script>throw 1</script> & <b>"bold"</b> \' é \u2028 @DATA@ @TITLE@'


def everything(nasty=""):
    """Three nodes and two clients within 50 ms: every fate, every sign."""
    recorder = Recorder("A run in which everything occurs" + nasty, seed=9)
    for node in (1, 2, 3):
        recorder.lane(node, f"node {node}")
    for node in (1, 2, 3):
        recorder.state(0, node, "follower")
    recorder.state(1_000, 1, "candidate", 1)

    def send(at_us, source, target, label, took_us=200, fate=Fate.DELIVERED, kind="RequestVote", **marks):
        message = recorder.sent(at_us, source, target)
        message.kind, message.label, message.fields = kind, label, {"term": "1", "holds": label + nasty}
        for name, value in marks.items():
            setattr(message, name, value)
        if fate is not Fate.UNDER_WAY:
            recorder.ends(message, at_us + took_us, fate)
        return message

    send(1_000, 1, 2, "RequestVote t1")
    send(1_000, 1, 3, "RequestVote t1", 0, Fate.DROPPED)
    send(1_300, 2, 1, "vote t1", kind="Vote")
    recorder.state(1_500, 1, "leader", 1)
    for beat in range(4):
        send(2_000 + 1_000 * beat, 1, 2, "heartbeat", kind="Heartbeat", routine=True)
    recorder.wall(8_000, 1, [(1, 2), (2, 1), (1, 3), (3, 1)], "node 1 alone" + nasty)
    send(9_000, 1, 2, "AppendEntries t1 #1 commit 0", 300, Fate.BLOCKED, "AppendEntries")
    recorder.say(9_500, "story", "The leader does not know yet." + nasty)
    recorder.wall_falls(30_000, 1)
    send(31_000, 1, 3, "AppendEntries t1 #1 commit 0", 2_000, kind="AppendEntries", delayed=True)
    send(31_000, 1, 2, "AppendEntries t1 #1 commit 0", kind="AppendEntries")
    send(31_050, 1, 2, "AppendEntries t1 #1 commit 0", 900, kind="AppendEntries", duplicate=True)
    send(31_300, 2, 1, "ok #1", kind="AppendReply")
    recorder.point(31_600, 1, "commit", "commit #1")
    recorder.point(34_000, 3, "crash", "power cut")
    recorder.state(34_000, 3, "down")
    send(34_100, 1, 3, "AppendEntries t1 #2 commit 1", 200, Fate.LOST, "AppendEntries")
    recorder.state(36_000, 2, "paused", 1)
    recorder.point(38_000, 0, "calm", "all faults end")
    send(39_900, 1, 2, "AppendEntries t1 #3 commit 1", 0, Fate.UNDER_WAY, "AppendEntries")
    recorder.say(36_500, "linearizability", "client 2 read nothing after client 1 had written" + nasty, [1])
    recording = recorder.end(40_000)
    recording.operations = [
        operation(0, 1, 8_500, 31_700, "SET x 1" + nasty, "ok", "OK"),
        operation(1, 2, 32_000, 36_400, "GET x", "ok", "nil", "stale"),
        operation(2, 2, 36_600, FOREVER_US, "SET x 2", "info"),
        operation(3, 1, 33_000, 33_500, "INCR x", "fail", "NOTLEADER"),
    ]
    return recording


def operation(number, client, invoke_us, return_us, text, outcome, reply="", verdict=""):
    """One operation at node 1."""
    return ClientOperation(number, client, 1, invoke_us, return_us, text, outcome, reply, verdict)


def many(messages, seed=5):
    """A long made-up run of five nodes."""
    prng = Prng(seed)
    recorder = Recorder("A long run", seed)
    for node in range(1, 6):
        recorder.lane(node, f"node {node}")
        recorder.state(0, node, "follower")
    at_us = 0
    for number in range(messages):
        at_us += prng.between(1, 400)
        source = prng.between(1, 5)
        target = 1 + (source + prng.between(0, 3)) % 5
        message = recorder.sent(at_us, source, target)
        message.kind, message.label = (
            "AppendEntries",
            f"AppendEntries t{number // 500} #{number} commit {number}",
        )
        message.routine = number % 5 == 0
        fate = Fate.DROPPED if number % 31 == 0 else Fate.DELIVERED
        recorder.ends(message, at_us + prng.between(100, 900), fate)
        if number % 200 == 0:
            recorder.state(at_us, source, "leader" if number % 400 else "follower", number // 500)
    recorder.say(at_us // 2, "linearizability", "something that cannot be")
    return recorder.end(at_us + 1_000)


def real(seed, nodes=3, ops=30):
    """What a run of real nodes leaves."""
    options = draw_options(seed, nodes, ops)
    cluster = SimulatedCluster(options, RealNodes(options), recorder=Recorder("A real run", seed))
    cluster.run()
    return cluster.recording()
