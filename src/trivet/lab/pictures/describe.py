"""Says in words what a node's frames hold, so that pictures can label and fold them.

Strategy: a frame is decoded as its receiver would decode it. What needs memory (is this
acknowledgement news? how far has the leader committed?) is worked out in one pass over the
messages in the order of their sending. Messages that carry a label already are left alone:
textbook runs describe themselves. What the system group says, and what nodes say of themselves,
is routine; where there are several groups of data each message says whose it is.
"""

from collections.abc import Callable

import msgspec

from trivet.core.base.ids import SYSTEM_GROUP, GroupId
from trivet.core.group.messages import (
    BatchReplies,
    Follow,
    Forward,
    ForwardRead,
    Invalidate,
    KillScript,
    NotLeader,
    ReadReplies,
    Taken,
    Woken,
)
from trivet.core.group.register_messages import RegisterMessage
from trivet.core.machine.entry import Call, Verdict, decode_batch, decode_body
from trivet.core.node.hello import Beat, Hello, Stranger
from trivet.core.node.peers import NODE_GROUP, NodeMessage, decode_message
from trivet.core.pubsub.messages import Heard, Interest, Published, TellEverything
from trivet.core.raft.membership import decode_membership
from trivet.core.raft.messages import (
    AppendEntries,
    AppendReply,
    Entry,
    Heartbeat,
    HeartbeatReply,
    Lineage,
    LineageRequest,
    PreVote,
    PreVoteReply,
    ReadIndexReply,
    ReadIndexRequest,
    RequestVote,
    RequestVoteReply,
    SnapshotChunk,
    SnapshotReply,
    TimeoutNow,
)
from trivet.core.script.bridge import GO_ON, KILLED, LATE
from trivet.core.steward.messages import HowFar, LeadWish, NodeReport, PlanTold, SoFar
from trivet.core.wire.peer import FrameParser
from trivet.lab.pictures.copy_words import KINDS as COPY_KINDS
from trivet.lab.pictures.copy_words import CopyMessage, copy_text, is_routine
from trivet.lab.pictures.register_words import KINDS as REGISTER_KINDS
from trivet.lab.pictures.register_words import register_text
from trivet.lab.pictures.transaction_words import transaction_text
from trivet.lab.recording import Message, Point, Recording
from trivet.lab.seam import MAIN_GROUP

FRAME_BYTES_MAX = 1 << 30
COMMANDS_MAX = 8
_VERDICTS = {GO_ON: "goes on", KILLED: "is killed", LATE: "has run for too long"}
"""So many commands of one message are spelled out."""
COMMAND_CHARS_MAX = 60

Spoken = NodeMessage | Hello
"""What two nodes may say to each other."""

Said = tuple[GroupId, Spoken]


class Words(msgspec.Struct):
    """One message in words."""

    kind: str
    label: str
    fields: dict[str, str]
    routine: bool = False


def decode_frames(data: bytes) -> list[Said]:
    """What the frames in ``data`` say, and of which groups; those that do not check out are left away."""
    found: list[Said] = []
    for body in FrameParser(FRAME_BYTES_MAX).feed(data):
        try:
            found.append(decode_message(body))
        except msgspec.DecodeError:
            continue
    return found


def describe(recording: Recording) -> Recording:
    """Fill in kind, label, fields and routine of all messages, and the points at which leaders commit.

    Does nothing a second time. Returns the recording itself.
    """
    acknowledged: dict[tuple[GroupId, int, int], tuple[int, int]] = {}
    committed: dict[tuple[GroupId, int], int] = {}
    knows_commits = any(point.kind == "commit" for point in recording.points)
    told = [(m, decode_frames(m.frame)) for m in recording.messages if m.frame and not m.label]
    several = any(group > MAIN_GROUP for _, said in told for group, _ in said)
    for message, said in told:
        _put(message, [_words(*one, several) for one in said])
        for group, spoken in said:
            if isinstance(spoken, AppendReply) and _old_news(acknowledged, message, group, spoken):
                message.routine = True
            elif group == SYSTEM_GROUP or knows_commits or message.duplicate:
                continue
            elif isinstance(spoken, AppendEntries | Heartbeat) and spoken.commit > committed.get(
                (group, message.source), 0
            ):
                committed[(group, message.source)] = spoken.commit
                text = f"{_of(group, several)}commit #{spoken.commit}"
                recording.points.append(Point(message.sent_us, message.source, "commit", text))
    recording.points.sort(key=lambda point: point.at_us)
    return recording


def _of(group: GroupId, several: bool) -> str:
    """Whose message it is, where that is a question."""
    return f"g{group} " if several and group > SYSTEM_GROUP else ""


def _put(message: Message, words: list[Words]) -> None:
    if not words:
        message.kind, message.label = "bytes", f"{len(message.frame)} bytes"
        return
    first = next((word for word in words if not word.routine), words[0])
    message.kind = first.kind
    message.label = first.label + (f" (+{len(words) - 1})" if len(words) > 1 else "")
    message.routine = all(word.routine for word in words)
    message.fields = {}
    for number, word in enumerate(words):
        prefix = f"{number + 1}. " if len(words) > 1 else ""
        message.fields |= {prefix + name: value for name, value in word.fields.items()}
    message.fields["size"] = f"{len(message.frame)} bytes"


def _old_news(
    seen: dict[tuple[GroupId, int, int], tuple[int, int]],
    message: Message,
    group: GroupId,
    reply: AppendReply,
) -> bool:
    """Whether the acknowledgement says nothing that was not said before."""
    if not reply.ok:
        return False
    pair, news = (group, message.source, message.target), (reply.term, reply.index)
    old = news <= seen.get(pair, (0, 0))
    seen[pair] = max(seen.get(pair, (0, 0)), news)
    return old or reply.index == 0


def _words(group: GroupId, spoken: Spoken, several: bool) -> Words:
    words = _DESCRIBERS[type(spoken)](spoken)
    term = getattr(spoken, "term", None)
    if term is not None:
        words.fields = {"term": str(term), **words.fields}
    if group != NODE_GROUP:
        words.fields = {"group": "system" if group == SYSTEM_GROUP else str(group), **words.fields}
        words.label = _of(group, several) + words.label
        words.routine = words.routine or group == SYSTEM_GROUP
    return words


# -- elections


def _pre_vote(m: PreVote) -> Words:
    fields = {"last entry": f"#{m.last_index} of term {m.last_term}", "asks": "would you vote for me?"}
    return Words("PreVote", f"RequestVote t{m.term} (pre)", fields)


def _pre_vote_reply(m: PreVoteReply) -> Words:
    return Words("PreVoteReply", f"{'yes' if m.granted else 'no'} t{m.term} (pre)", _granted(m.granted))


def _request_vote(m: RequestVote) -> Words:
    fields = {"last entry": f"#{m.last_index} of term {m.last_term}"}
    if m.transfer:
        fields["transfer"] = "its leader asked for this"
    return Words("RequestVote", f"RequestVote t{m.term}", fields)


def _request_vote_reply(m: RequestVoteReply) -> Words:
    return Words("RequestVoteReply", f"{'vote' if m.granted else 'no vote'} t{m.term}", _granted(m.granted))


def _granted(granted: bool) -> dict[str, str]:
    return {"granted": "yes" if granted else "no"}


def _timeout_now(m: TimeoutNow) -> Words:
    return Words("TimeoutNow", f"TimeoutNow t{m.term}", {"asks": "campaign at once: you shall lead"})


# -- the log


def span(first: int, count: int) -> str:
    """The indexes of some entries, such as ``#5–7``."""
    return f"#{first}" if count == 1 else f"#{first}–{first + count - 1}"


def _append(m: AppendEntries) -> Words:
    fields = {"after": f"#{m.prev_index} of term {m.prev_term}", "commit": f"#{m.commit}"}
    if not m.entries:
        return Words("AppendEntries", f"AppendEntries t{m.term} (empty)", fields, routine=True)
    first = m.prev_index + 1
    fields["entries"] = f"{len(m.entries)} ({span(first, len(m.entries))})"
    for offset, entry in enumerate(m.entries[:COMMANDS_MAX]):
        fields[f"#{first + offset}"] = f"term {entry.term}: {entry_text(entry)}"
    said = _transactions(m.entries)
    if said:
        return Words("AppendEntries", f"{span(first, len(m.entries))} {said}", fields)
    label = f"AppendEntries t{m.term} {span(first, len(m.entries))} commit {m.commit}"
    return Words("AppendEntries", label, fields)


def _transactions(entries: list[Entry]) -> str:
    """What the entries say of transactions over groups; empty when that is nothing."""
    said = [transaction_text(call) for entry in entries if not entry.kind for call in _calls(entry)]
    return "; ".join([text for text in said if text])


def _calls(entry: Entry) -> list[Call]:
    if not entry.payload:
        return []
    try:
        body = decode_body(entry.payload)
        batches = [] if isinstance(body, Verdict) else body.batches
        return [c for batch in batches for c in decode_batch(batch).calls]
    except msgspec.DecodeError:
        return []


def _append_reply(m: AppendReply) -> Words:
    fields = {"ok": "yes" if m.ok else "no", "index": f"#{m.index}"}
    if m.ok:
        return Words("AppendReply", f"ok #{m.index}", fields)
    fields["may agree at"] = f"#{m.hint_index} of term {m.hint_term}"
    why = "full" if m.full else "lost entries" if m.lost else "no"
    return Words("AppendReply", f"{why} #{m.index}, try #{m.hint_index}", fields)


def _heartbeat(m: Heartbeat) -> Words:
    return Words(
        "Heartbeat", f"heartbeat t{m.term} commit {m.commit}", _read({"commit": f"#{m.commit}"}, m), True
    )


def _heartbeat_reply(m: HeartbeatReply) -> Words:
    return Words("HeartbeatReply", f"alive #{m.match}", _read({"match": f"#{m.match}"}, m), True)


def _read(fields: dict[str, str], m: Heartbeat | HeartbeatReply) -> dict[str, str]:
    return {**fields, "round of reads": str(m.read_seq)} if m.read_seq else fields


def entry_text(entry: Entry) -> str:
    """The commands in an entry."""
    if entry.kind:
        return _membership_text(entry.payload)
    if not entry.payload:
        return "a leader's empty entry"
    try:
        body = decode_body(entry.payload)
        if isinstance(body, Verdict):
            return f"the script in #{body.index}: {_VERDICTS.get(body.word, 'unknown')}"
        calls = [call for batch in body.batches for call in decode_batch(batch).calls]
    except msgspec.DecodeError:
        return f"{len(entry.payload)} bytes"
    return calls_text(calls) or "time moves on"


def _membership_text(payload: bytes) -> str:
    membership = decode_membership(payload)
    if membership is None:
        return f"{len(payload)} bytes"
    sets = (
        ("voters", membership.voters),
        ("outgoing", membership.outgoing),
        ("learners", membership.learners),
    )
    return ", ".join([f"{name} {' '.join(map(str, nodes))}" for name, nodes in sets if nodes])


def calls_text(calls: list[Call]) -> str:
    """Commands as people write them."""
    shown = [transaction_text(call) or _command(call[1]) for call in calls[:COMMANDS_MAX]]
    if len(calls) > COMMANDS_MAX:
        shown.append(f"… {len(calls) - COMMANDS_MAX} more")
    return "; ".join(shown)


def _command(arguments: list[bytes]) -> str:
    text = " ".join(_argument(argument) for argument in arguments)
    return text if len(text) <= COMMAND_CHARS_MAX else text[: COMMAND_CHARS_MAX - 1] + "…"


def _argument(argument: bytes) -> str:
    text = argument[:COMMAND_CHARS_MAX].decode(errors="replace")
    return text if text.isprintable() else f"<{len(argument)} bytes>"


# -- snapshots


def _snapshot(m: SnapshotChunk) -> Words:
    end = m.offset + len(m.data)
    fields = {"of": f"#{m.index} of term {m.snapshot_term}", "bytes": f"{m.offset} to {end}"}
    return Words("Snapshot", f"snapshot #{m.index} {size(end)}{' (last)' if m.last else ''}", fields)


def _snapshot_reply(m: SnapshotReply) -> Words:
    fields = {"of": f"#{m.index}", "wants byte": str(m.offset)}
    label = f"snapshot #{m.index} got {size(m.offset)}" if m.ok else f"snapshot #{m.index}: stop"
    return Words("SnapshotReply", label, fields)


def size(count_bytes: int) -> str:
    """Bytes for people."""
    if count_bytes < 10_000:
        return f"{count_bytes} B"
    return f"{count_bytes / 1024:.0f} KiB" if count_bytes < 10 << 20 else f"{count_bytes / (1 << 20):.0f} MiB"


# -- reads, forwarding, links


def _read_index(m: ReadIndexRequest) -> Words:
    return Words(
        "ReadIndex", "read index?", {"asks": "which index must my reads wait for?", "round": str(m.seq)}
    )


def _lineage_request(m: LineageRequest) -> Words:
    return Words("LineageRequest", "where do our logs part?", {})


def _lineage(m: Lineage) -> Words:
    begun = ", ".join([f"{generation} at #{index}" for generation, index in m.generations])
    return Words("Lineage", "generations", {"began": begun})


def _read_index_reply(m: ReadIndexReply) -> Words:
    fields = {"round": str(m.seq), "index": f"#{m.index}", "ok": "yes" if m.ok else "no"}
    return Words("ReadIndexReply", f"read at #{m.index}" if m.ok else "read refused", fields)


def _forward(m: Forward) -> Words:
    try:
        calls = decode_batch(m.batch).calls
    except msgspec.DecodeError:
        return Words("Forward", f"forward {len(m.batch)} bytes" if m.batch else "who leads?", {})
    more = f" (+{len(calls) - 1})" if len(calls) > 1 else ""
    said = transaction_text(calls[0]) if calls else ""
    label = said + more if said else f"forward {_command(calls[0][1]) if calls else 'nothing'}{more}"
    return Words("Forward", label, {"commands": calls_text(calls)})


def _forward_read(m: ForwardRead) -> Words:
    return Words("ForwardRead", f"read for me: {calls_text(m.calls[:1])}", {"commands": calls_text(m.calls)})


def _read_replies(m: ReadReplies) -> Words:
    return Words("ReadReplies", "replies to reads", {"replies": f"{len(m.replies)} bytes"})


def _batch_replies(m: BatchReplies) -> Words:
    return Words("BatchReplies", f"replies to batch {m.sequence}", {"replies": f"{len(m.replies)} bytes"})


def _not_leader(m: NotLeader) -> Words:
    who = f"node {m.leader} leads" if m.leader else "nobody leads"
    return Words("NotLeader", f"{who} t{m.term}", {"term": str(m.term)})


def _woken(m: Woken) -> Words:
    return Words("Woken", f"{len(m.clients)} woken", {"clients": " ".join(map(str, m.clients[:16]))})


def _follow(m: Follow) -> Words:
    return Words("Follow", "tell me of changes" if m.everything else "no more changes", {})


def _invalidate(m: Invalidate) -> Words:
    what = "all keys" if m.everything else f"{len(m.keys)} keys"
    return Words("Invalidate", f"changed: {what}", {})


def _kill_script(m: KillScript) -> Words:
    return Words("KillScript", f"kill script {m.script} of #{m.index}", {})


def _taken(m: Taken) -> Words:
    return Words("Taken", f"took {m.size_bytes} bytes", {}, True)


def _of_registers(m: RegisterMessage) -> Words:
    return Words(type(m).__name__, register_text(m), {})


def _of_copies(m: CopyMessage) -> Words:
    return Words(type(m).__name__, copy_text(m), {}, is_routine(m))


def _hello(m: Hello) -> Words:
    fields = {"cluster": m.cluster, "from": f"node {m.node}", "to": f"node {m.to}", "format": str(m.format)}
    return Words("Hello", "hello", fields, True)


def _stranger(m: Stranger) -> Words:
    return Words("Stranger", "you are not who you were", {"known": str(m.birth)})


def _of_nodes(m: Spoken) -> Words:
    """What nodes tell each other about themselves, and about subscribers."""
    return Words(type(m).__name__, _OF_NODES[type(m)], {}, True)


_OF_NODES: dict[type, str] = {
    Beat: "beat",
    NodeReport: "report",
    PlanTold: "plan",
    LeadWish: "lead that group",
    HowFar: "how far are you?",
    SoFar: "so far",
    Interest: "subscribers",
    Published: "published",
    TellEverything: "which subscribers?",
    Heard: "heard",
}

_DESCRIBERS: dict[type, Callable[..., Words]] = {
    PreVote: _pre_vote,
    PreVoteReply: _pre_vote_reply,
    RequestVote: _request_vote,
    RequestVoteReply: _request_vote_reply,
    AppendEntries: _append,
    AppendReply: _append_reply,
    Heartbeat: _heartbeat,
    HeartbeatReply: _heartbeat_reply,
    SnapshotChunk: _snapshot,
    SnapshotReply: _snapshot_reply,
    TimeoutNow: _timeout_now,
    ReadIndexRequest: _read_index,
    ReadIndexReply: _read_index_reply,
    LineageRequest: _lineage_request,
    Lineage: _lineage,
    Forward: _forward,
    ForwardRead: _forward_read,
    ReadReplies: _read_replies,
    BatchReplies: _batch_replies,
    NotLeader: _not_leader,
    Woken: _woken,
    Follow: _follow,
    Invalidate: _invalidate,
    Taken: _taken,
    KillScript: _kill_script,
    Hello: _hello,
    Stranger: _stranger,
    **dict.fromkeys(REGISTER_KINDS, _of_registers),
    **dict.fromkeys(COPY_KINDS, _of_copies),
    **dict.fromkeys(_OF_NODES, _of_nodes),
}
