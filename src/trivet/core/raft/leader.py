"""The leader: replicate, count, confirm reads, notice when it leads nobody any more.

On the path: proposals -> AppendEntries, which leave *before* the leader's own sync
(§10.2.1); acknowledgements -> commit index. Nothing is sent while inputs are taken:
they only mark (``stirred``), and ``flush`` sends once per turn, so that everything of
one turn shares one message per follower.

Where there are generations entries leave *after* the leader's own sync (rule 22). Nobody waits for the
followers there, and one of them may be made the leader by force: it must have nothing that this one can
forget.
"""

from trivet.core.base.buggify import APPEND_ONE, COMMIT_WORD_LATE, FLUSH_LATE
from trivet.core.base.ids import Index, NodeId, Term
from trivet.core.quorum.majority import Outcome
from trivet.core.raft import change
from trivet.core.raft.messages import (
    AppendEntries,
    AppendReply,
    Entry,
    Heartbeat,
    HeartbeatReply,
    ReadIndexReply,
    ReadIndexRequest,
    SnapshotReply,
    TimeoutNow,
)
from trivet.core.raft.progress import Mode, Progress
from trivet.core.raft.quiet import rest_when_idle
from trivet.core.raft.roles import become_follower
from trivet.core.raft.state import LeaderState, State


def begin(s: State) -> None:
    """The first act of a leader: an empty entry of its own term (§6.4), and word to everyone."""
    leading = s.leading
    assert leading is not None
    s.append(Entry(s.term, b""))
    assert s.log.last_index == leading.noop_index
    leading.stirred = True


def propose(s: State, payload: bytes) -> Index:
    """Append one entry; its index, or 0 if this member cannot take it now."""
    leading = s.leading
    if leading is None or leading.transfer_to or s.full:
        return 0
    size_bytes = len(payload)
    if s.uncommitted_bytes and s.uncommitted_bytes + size_bytes > s.config.uncommitted_bytes_max:
        return 0
    if s.log.memory_bytes > s.config.log_memory_bytes_max:
        return 0
    s.uncommitted_bytes += size_bytes
    s.append(Entry(s.term, payload))
    leading.stirred = True
    return s.log.last_index


# --- counting -------------------------------------------------------------------------


def has_no_room(s: State, leading: LeaderState) -> bool:
    """Whether the disks of so many voters are full that nothing would be committed."""
    if not any(progress.full for progress in leading.voting):
        return False
    room = {s.node: not s.full}
    for progress in leading.voting:
        room[progress.peer] = not progress.full
    return s.electorate.tally(room) is Outcome.LOST


def count_commit(s: State, leading: LeaderState) -> None:
    """Commit what a quorum has made durable, if it is of the leader's own term (§3.6.2).

    The leader's own log counts only as far as it is durable, like everyone else's.
    """
    reached = {s.node: s.saves.stable}
    for progress in leading.voting:
        reached[progress.peer] = progress.match
    index = s.electorate.agreed(reached)
    if index > s.commit and s.log.term_at(index) == s.term:
        s.commit_to(index)
        leading.stirred = True
        if index >= s.unsettled_from:
            change.go_on(s, leading)


def _count_reads(s: State, leading: LeaderState) -> None:
    """Confirm the rounds of reads that a quorum has answered."""
    reads = leading.reads
    if not reads.rounds_count and not reads.recalls:
        return
    reached = {s.node: reads.seq}
    for progress in leading.voting:
        reached[progress.peer] = progress.read_seq
    for confirmed in reads.confirmed(s.electorate.agreed(reached)):
        index = confirmed.index
        for peer, seq in confirmed.asked:
            if peer == 0:
                s.out.reads.append((seq, index))
            else:
                s.send(peer, ReadIndexReply(s.term, seq, index, True))
    if reads.recalls:
        _count_recalls(s, leading, reached)
    if reads.open:
        leading.stirred = True


def _count_recalls(s: State, leading: LeaderState, reached: dict[NodeId, int]) -> None:
    """As reads, but for the word of whoever asks: it may be promised to a later leader (rule 10)."""
    recalls = leading.reads.recalls
    for peer, recall in list(recalls.items()):
        if recall.seq and s.electorate.agreed_without(peer, reached) >= recall.seq:
            del recalls[peer]
            s.send(peer, ReadIndexReply(s.term, recall.asked, recall.index, True))


def _heard(s: State, leading: LeaderState, progress: Progress, read_seq: int, full: bool) -> None:
    """What every answer of a follower tells."""
    progress.active = True
    progress.silent = False
    if full and not progress.full and progress.mode is Mode.REPLICATE:
        # What is on its way there is ignored: go back to what it has.
        progress.probe(progress.match + 1)
    progress.full = full
    if read_seq > progress.read_seq and read_seq <= leading.reads.seq:
        progress.read_seq = read_seq
        _count_reads(s, leading)


def _acknowledged(s: State, leading: LeaderState, progress: Progress, index: Index) -> None:
    """A follower is durable up to ``index``."""
    news = progress.acknowledge(index)
    if progress.mode is Mode.SNAPSHOT and progress.match >= s.log.snapshot_index:
        progress.probe(progress.match + 1)
    if progress.next <= s.log.last_index:
        leading.stirred = True
    if news and index > s.commit:
        count_commit(s, leading)
    if leading.transfer_to == progress.peer and progress.match == s.log.last_index:
        s.send(progress.peer, TimeoutNow(s.term))


def log_reaches_back(s: State, leading: LeaderState) -> None:
    """Entries that were forgotten are here again: who waits for a snapshot may not need one any more."""
    for progress in leading.progress.values():
        if progress.mode is Mode.SNAPSHOT and progress.match >= s.log.snapshot_index:
            progress.probe(progress.match + 1)
            leading.stirred = True


# --- messages -------------------------------------------------------------------------


def on_append_reply(s: State, sender: NodeId, message: AppendReply) -> None:
    """An acknowledgement, or a refusal with a hint."""
    leading = s.leading
    if leading is None:
        return
    progress = leading.progress[sender]
    _heard(s, leading, progress, message.read_seq, message.full)
    if message.ok:
        if message.index <= s.log.last_index:
            _acknowledged(s, leading, progress, message.index)
        return
    if not message.lost and progress.is_stale_refusal(message.index):
        return
    agree = s.log.last_not_above(message.hint_index, message.hint_term)
    if message.lost:
        progress.vouches = False
        progress.lower(agree)
        if progress.mode is Mode.SNAPSHOT:
            return
    refuses_own_word = message.index <= progress.match and not message.lost
    progress.probe(min(message.index, agree + 1) if message.index else agree + 1)
    if refuses_own_word:
        # It has forgotten what it acknowledged, and does not know it (a wiped disk): no use to
        # hurry, one probe per heartbeat. The next leader starts from what it really has.
        progress.paused = True
    else:
        leading.stirred = True


def on_heartbeat_reply(s: State, sender: NodeId, message: HeartbeatReply) -> None:
    """A sign of life; makes good for acknowledgements that were lost."""
    leading = s.leading
    if leading is None:
        return
    progress = leading.progress[sender]
    progress.vouches = not message.doubtful
    _heard(s, leading, progress, message.read_seq, message.full)
    if progress.match < message.match <= s.log.last_index:
        _acknowledged(s, leading, progress, message.match)
    if progress.mode is Mode.SNAPSHOT and progress.beaten:
        # Said again and again: the owner may have given up what it had begun.
        s.out.snapshots_wanted.append(sender)
    progress.heartbeat_answered(s.log.last_index)
    if progress.nudge or (progress.mode is Mode.PROBE and not progress.paused):
        leading.stirred = True


def on_snapshot_reply(s: State, sender: NodeId, message: SnapshotReply) -> None:
    """For the group, which streams the snapshot."""
    leading = s.leading
    if leading is None:
        return
    leading.progress[sender].active = True
    s.out.snapshot_replies.append((sender, message))


def on_read_index_request(s: State, sender: NodeId, message: ReadIndexRequest) -> None:
    """A follower's reads join the next round."""
    leading = s.leading
    if leading is not None and message.lost:
        if leading.reads.recall(sender, message.seq):
            leading.stirred = True
        return
    if leading is None or not _has_room_for_reads(s, leading):
        s.send_after_vote(sender, ReadIndexReply(s.term, message.seq, 0, False))
        return
    leading.reads.open.append((sender, message.seq))
    leading.stirred = True


def read(s: State, leading: LeaderState, read_id: int) -> None:
    """A read of this node's own."""
    if not _has_room_for_reads(s, leading):
        s.out.reads_dropped.append(read_id)
        return
    leading.reads.open.append((0, read_id))
    leading.stirred = True


def _has_room_for_reads(s: State, leading: LeaderState) -> bool:
    return leading.reads.waiting_count + len(leading.reads.open) < s.config.reads_max


# --- sending --------------------------------------------------------------------------


def flush(s: State, leading: LeaderState) -> None:
    """Send what this turn made necessary: entries first, a heartbeat where nothing else goes.

    A heartbeat that is due goes in any case: its answer does not wait for a disk.
    """
    if s.buggify is not None and s.buggify.rare(FLUSH_LATE):
        return
    leading.stirred = False
    reads = leading.reads
    # A leader that has committed nothing in its term does not know the commit index yet (§6.4).
    asks = s.commit >= leading.noop_index and reads.start_round(s.commit)
    if reads.recalls and s.commit >= leading.noop_index and reads.start_recalls(s.commit):
        asks = True
    if asks and not leading.voting:
        _count_reads(s, leading)
    beat = leading.heartbeat_due
    leading.heartbeat_due = False
    heartbeat: Heartbeat | None = None
    for progress in leading.progress.values():
        fed = _feed(s, leading, progress)
        wanted = asks or (progress.commit_wanted > progress.commit_sent and s.commit > progress.commit_sent)
        if wanted and not asks and s.buggify is not None and s.buggify.rare(COMMIT_WORD_LATE):
            wanted = False
        if beat:
            progress.beaten = True
        if beat or (wanted and not fed):
            if heartbeat is None:
                heartbeat = Heartbeat(s.term, s.commit, reads.seq)
            progress.commit_sent = s.commit
            s.send(progress.peer, heartbeat)
    leading.shared = None


def _feed(s: State, leading: LeaderState, progress: Progress) -> bool:
    """Send one follower the entries that its mode and window allow; True if anything went."""
    if progress.mode is Mode.SNAPSHOT or (progress.full and progress.next != leading.noop_index):
        return False  # Rule 12: without room it takes what this leader began with, and no more
    if progress.mode is Mode.PROBE:
        return not progress.paused and _send_append(s, leading, progress)
    config = s.config
    last_index = _last_to_send(s)
    fed = False
    while (
        progress.next <= last_index
        and progress.inflight_count < config.inflight_messages_max
        and progress.inflight_bytes < config.inflight_bytes_max
    ):
        if not _send_append(s, leading, progress):
            return fed
        fed = True
    if progress.nudge:
        progress.nudge = False
        if not fed:
            return _send_nothing(s, leading, progress)
    return fed


def _send_append(s: State, leading: LeaderState, progress: Progress) -> bool:
    """Send the next entries, or none as a probe. False: the log does not reach back so far."""
    log = s.log
    prev_index = progress.next - 1
    message = leading.shared
    if message is None or message.prev_index != prev_index:
        prev_term = log.term_at(prev_index)
        if prev_term < 0:
            _await_snapshot(s, progress)
            return False
        entries: list[Entry] = []
        last_index = _last_to_send(s)
        if prev_index < last_index:
            alone = s.buggify is not None and s.buggify.rare(APPEND_ONE)
            entries = log.upto(prev_index + 1, last_index, 0 if alone else s.config.append_bytes_max)
        message = _append_message(s, leading, prev_index, prev_term, entries)
        leading.shared = message
    size_bytes = 0
    for entry in message.entries:
        size_bytes += len(entry.payload)
    progress.sent(prev_index + len(message.entries), size_bytes)
    progress.commit_sent = s.commit
    s.send(progress.peer, message)
    return True


def _last_to_send(s: State) -> Index:
    """Rule 22."""
    return s.saves.stable if s.membership.lineage else s.log.last_index


def _send_nothing(s: State, leading: LeaderState, progress: Progress) -> bool:
    """Send no entries, but the place after which the next would go: refused if something is missing."""
    prev_index = progress.next - 1
    prev_term = s.log.term_at(prev_index)
    if prev_term < 0:
        _await_snapshot(s, progress)
        return False
    progress.commit_sent = s.commit
    s.send(progress.peer, _append_message(s, leading, prev_index, prev_term, []))
    return True


def _await_snapshot(s: State, progress: Progress) -> None:
    """What this follower needs next is forgotten here."""
    progress.await_snapshot()
    s.out.snapshots_wanted.append(progress.peer)


def _append_message(
    s: State, leading: LeaderState, prev_index: Index, prev_term: Term, entries: list[Entry]
) -> AppendEntries:
    assert prev_term >= 0
    index, digest = s.digest
    return AppendEntries(s.term, prev_index, prev_term, s.commit, entries, leading.reads.seq, index, digest)


# --- time and the outside -------------------------------------------------------------


def tick(s: State, leading: LeaderState) -> None:
    """One tick passed."""
    config = s.config
    leading.quorum_elapsed += 1
    if leading.quorum_elapsed >= config.election_ticks:
        leading.quorum_elapsed = 0
        if not _quorum_answers(s, leading):
            become_follower(s, s.term, 0)
            return
    if leading.transfer_to:
        leading.transfer_elapsed += 1
        if leading.transfer_elapsed >= config.election_ticks:
            leading.transfer_to = 0
    if leading.departing_ticks and _departed(s, leading):
        return
    leading.aside_elapsed += 1
    leading.heartbeat_elapsed += 1
    if leading.heartbeat_elapsed >= config.heartbeat_ticks:
        leading.heartbeat_elapsed = 0
        if config.quiet_ticks and rest_when_idle(s, leading):
            return
        leading.heartbeat_due = True
        leading.stirred = True
        if s.commit >= s.unsettled_from:
            change.go_on(s, leading)
        _retry_transfer(s, leading)
        _step_aside(s, leading)


def _quorum_answers(s: State, leading: LeaderState) -> bool:
    """A quorum was heard of since the last check (§6.2); the next check starts from nothing."""
    votes = {s.node: True}
    for peer, progress in leading.progress.items():
        votes[peer] = progress.active
        progress.silent = not progress.active
        progress.active = False
    return s.electorate.tally(votes) is Outcome.WON


def _departed(s: State, leading: LeaderState) -> bool:
    """Rule 17: who leads without being a voter hands over, or steps down after a while. True: it did."""
    leading.departing_ticks += 1
    if leading.departing_ticks > 2 * s.config.election_ticks:
        become_follower(s, s.term, 0)
        return True
    if not leading.transfer_to and (to := successor(s, leading)):
        transfer(s, leading, to)
    return False


def _retry_transfer(s: State, leading: LeaderState) -> None:
    """Tell the successor again, should the first word have been lost."""
    if leading.transfer_to:
        progress = leading.progress[leading.transfer_to]
        if progress.match == s.log.last_index:
            s.send(progress.peer, TimeoutNow(s.term))


def _step_aside(s: State, leading: LeaderState) -> None:
    """A leader whose disk is full, hangs, or takes no snapshot that is waited for, hands over."""
    if leading.transfer_to and leading.progress[leading.transfer_to].full:
        leading.transfer_to = 0
        leading.aside_elapsed = s.config.election_ticks
    hindered = s.full or s.no_snapshots or s.saves.waiting_ticks >= s.config.disk_patience_ticks
    if not hindered or leading.transfer_to or leading.aside_elapsed < s.config.election_ticks:
        return
    to = successor(s, leading)
    if to:
        leading.aside_elapsed = 0
        transfer(s, leading, to)


def successor(s: State, leading: LeaderState) -> NodeId:
    """The voter that would lead best: in touch, with room, furthest on; 0 if there is none."""
    best = 0
    best_match = s.commit - 1
    for progress in leading.voting:
        if progress.mode is not Mode.REPLICATE or progress.full or progress.match <= best_match:
            continue
        if progress.silent:
            continue  # its link may not tell; and who tries again is to try another
        if progress.peer in s.membership.voters:
            best = progress.peer
            best_match = progress.match
    return best


def transfer(s: State, leading: LeaderState, to: NodeId) -> bool:
    """Hand leadership to ``to`` (§3.10): take no proposals, catch it up, tell it. False if it cannot be."""
    progress = leading.progress.get(to)
    if progress is None or to not in s.membership.voters:
        return False
    leading.transfer_to = to
    leading.transfer_elapsed = 0
    leading.stirred = True
    if progress.match == s.log.last_index:
        s.send(to, TimeoutNow(s.term))
    return True


def peer_lost(leading: LeaderState, progress: Progress) -> None:
    """The connection broke: whatever was on its way may be gone, a snapshot's chunks included."""
    progress.probe_again()
    progress.paused = True
    if leading.transfer_to == progress.peer:
        leading.transfer_to = 0


def peer_up(leading: LeaderState, progress: Progress) -> None:
    """The connection is there again: ask at once how far the follower is."""
    if progress.mode is not Mode.SNAPSHOT:
        progress.probe_again()
    leading.heartbeat_due = True
    leading.stirred = True


def snapshot_finished(leading: LeaderState, progress: Progress, index: Index, ok: bool) -> None:
    """The group's streaming to this follower ended."""
    if progress.mode is not Mode.SNAPSHOT:
        return
    if ok:
        progress.probe(index + 1)
        leading.stirred = True
    else:
        # Wait for a sign of life before the next try.
        progress.probe(progress.match + 1)
        progress.paused = True


def want_commit(s: State, leading: LeaderState, progress: Progress) -> None:
    """Tell this follower of every commit at once until it knows of the present last entry's."""
    progress.commit_wanted = s.log.last_index
    leading.stirred = True
