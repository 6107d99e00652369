"""The follower: accept what the leader says, if it fits, and acknowledge what is durable.

On the path: AppendEntries -> entries in the log, a save, and the acknowledgement that
waits for it. ``matched`` is what this member itself has found equal to the leader's
log; the commit index never passes it, whatever a message claims (README rule 8).
"""

from trivet.core.base.ids import Index, NodeId, Term
from trivet.core.raft.membership import Membership, decode_membership
from trivet.core.raft.messages import (
    AppendEntries,
    AppendReply,
    Entry,
    Heartbeat,
    HeartbeatReply,
    ReadIndexReply,
    ReadIndexRequest,
    SnapshotChunk,
    SnapshotReply,
)
from trivet.core.raft.quiet import may_rest
from trivet.core.raft.roles import become_follower, draw_timeout, set_leader
from trivet.core.raft.state import UNKNOWN_TERM, Role, State


def follow(s: State, leader: NodeId) -> None:
    """Something came from the leader of this term: it lives, and everyone else follows it."""
    assert s.role is not Role.LEADER, "two leaders in one term"
    if s.role is not Role.FOLLOWER:
        become_follower(s, s.term, leader)
    elif s.leader != leader or s.leader_lost:
        set_leader(s, leader)
        draw_timeout(s)
    else:
        s.election_elapsed = 0


# --- entries --------------------------------------------------------------------------


def on_append_entries(s: State, sender: NodeId, message: AppendEntries) -> None:
    """Entries, or none: check that they fit, keep what is new, acknowledge (§3.5)."""
    follow(s, sender)
    prev_index = message.prev_index
    entries = message.entries
    if s.full and entries:
        entries = _without_growth(entries)
        if not entries:
            _decline_entries(s, sender, message)
            return
    if prev_index < s.commit:
        # What is committed here is in the leader's log as well: only what follows matters.
        entries = entries[s.commit - prev_index :]
        prev_index = s.commit
    elif s.log.term_at(prev_index) != message.prev_term:
        _refuse_entries(s, sender, message)
        return
    accepted = prev_index + len(entries)
    if entries and not _keep(s, prev_index, entries):
        return
    _accepted(s, sender, accepted)
    s.commit_to(min(message.commit, s.matched))
    if message.digest_index > s.digest_seen:
        s.digest_seen = message.digest_index
        s.out.digests.append((message.digest_index, message.digest))
    s.send_after_save(sender, AppendReply(s.term, True, accepted, 0, 0, message.read_seq, False, s.full))


def _keep(s: State, prev_index: Index, entries: list[Entry]) -> bool:
    """Append what is new. Only a real conflict removes anything: messages may be old or doubled.

    False: among them is one that this version does not understand; nothing from there on is taken.
    """
    log = s.log
    if prev_index < log.last_index:
        known = 0
        for entry in entries:
            index = prev_index + known + 1
            if index > log.last_index:
                break
            if log.term_at(index) != entry.term:
                assert index > s.commit, "a committed entry is never overwritten"
                s.truncate(index)
                break
            known += 1
        if known:
            entries = entries[known:]
    for entry in entries:
        if entry.kind:
            if not s.append_membership(entry):
                return False
        else:
            s.append(entry)
    return True


def _accepted(s: State, leader: NodeId, index: Index) -> None:
    """The log equals the leader's up to ``index``."""
    s.accepted_term = s.term
    if index > s.matched:
        s.matched = index
    if s.suspect:
        # A forgotten vote can only have been for a term up to now: in this one, stay with its leader.
        s.suspect = False
        s.vote = leader
        s.saves.hard_changed()
    if s.missing_to and (index >= s.missing_to or _holds_later_term(s, index)):
        s.missing_to = 0


def _holds_later_term(s: State, index: Index) -> bool:
    """The log equals the leader's up to an entry of its term, which began after anything was lost.

    Such a leader was elected without this member's help, so it has whatever was committed with it.
    """
    return s.term > s.trusted_term and s.log.term_at(index) == s.term


def _refuse_entries(s: State, sender: NodeId, message: AppendEntries) -> None:
    """They do not follow on anything here: say where the logs may still agree."""
    hint_index = s.log.last_not_above(message.prev_index, message.prev_term)
    hint_term = max(s.log.term_at(hint_index), 0)
    lost = s.missing_to > 0
    s.send_after_vote(
        sender,
        AppendReply(s.term, False, message.prev_index, hint_index, hint_term, message.read_seq, lost, s.full),
    )


def _without_growth(entries: list[Entry]) -> list[Entry]:
    """The empty entries at the beginning: a full disk has room for what a new leader begins with."""
    count = 0
    while count < len(entries) and not entries[count].payload:
        count += 1
    return entries[:count]


def _decline_entries(s: State, sender: NodeId, message: AppendEntries) -> None:
    """No room: acknowledge only what is there already."""
    durable = min(s.matched, s.saves.stable)
    s.send_after_vote(sender, AppendReply(s.term, True, durable, 0, 0, message.read_seq, False, True))


def on_heartbeat(s: State, sender: NodeId, message: Heartbeat) -> None:
    """The leader lives; perhaps more is committed."""
    follow(s, sender)
    s.commit_to(min(message.commit, s.matched))
    if message.quiet:
        s.quiet = may_rest(s, message)
        if s.quiet:
            return
    durable = min(s.matched, s.saves.stable)
    s.send_after_vote(sender, HeartbeatReply(s.term, durable, message.read_seq, s.full, not s.may_vote()))
    if s.missing_to and s.accepted_term != s.term:
        # The leader may believe that nothing is missing here, and have nothing new to send.
        last_index, last_term = s.log.last_index, s.log.last_term
        s.send_after_vote(sender, AppendReply(s.term, False, 0, last_index, last_term, 0, True, s.full))
    elif s.missing_to and s.trusted_term == UNKNOWN_TERM:
        _ask_what_is_missing(s, sender)


def _ask_what_is_missing(s: State, leader: NodeId) -> None:
    """One number for each term: repeated until it is answered.

    Not before the leader has lowered what it believes of this log: it commits nothing on old words then.
    """
    if s.recall_term != s.term:
        s.recall_term = s.term
        s.recall_seq = s.follower_reads.next_seq()
    s.send_after_vote(leader, ReadIndexRequest(s.term, s.recall_seq, True))


def _recalled(s: State, message: ReadIndexReply) -> None:
    """Whatever this member had helped to commit is in the leader's log, up to ``index``."""
    if not message.ok or not s.missing_to:
        return
    s.missing_to = min(s.missing_to, message.index)
    if s.matched >= s.missing_to:
        s.missing_to = 0


# --- snapshots ------------------------------------------------------------------------


def on_snapshot_chunk(s: State, sender: NodeId, message: SnapshotChunk) -> None:
    """A part of a snapshot: for the group, unless this member is past it."""
    follow(s, sender)
    if message.index <= s.commit:
        _accepted(s, sender, s.commit)
        s.send_after_vote(sender, SnapshotReply(s.term, message.index, 0, False))
        s.send_after_save(sender, AppendReply(s.term, True, s.commit, 0, 0, 0, False, s.full))
        return
    if message.membership and decode_membership(message.membership) is None:
        s.send_after_vote(sender, SnapshotReply(s.term, message.index, 0, False))
        return
    s.out.chunks.append((sender, message))


def restore(s: State, index: Index, term: Term, membership: bytes) -> bool:
    """The snapshot (index, term) is installed: the log goes on after it.

    Entries beyond it stay if the log holds (index, term) itself; otherwise nothing does,
    and True is returned. ``membership`` counts at ``index``, whatever the log before said (M4).
    The acknowledgement waits for the next save, before which the owner stages its own record of
    the snapshot.
    """
    log = s.log
    reset = False
    if index > s.handed:
        believed = s.memberships.at(index)
        reset = log.term_at(index) != term
        if reset:
            assert s.commit < index, "a snapshot contradicts what is committed"
            believed = s.memberships.at(s.commit)
            log.restart(index, term)
            s.saves.restarted(index)
        s.commit_to(index)
        s.handed = index
        _take_membership(s, index, membership, believed, reset)
        if index < s.saves.unsaved_from:
            s.compact(index)
        s.saves.dirty = True
    if s.leader and s.role is Role.FOLLOWER:
        _accepted(s, s.leader, s.commit)
        s.send_after_save(s.leader, AppendReply(s.term, True, s.commit, 0, 0, 0, False, s.full))
    return reset


def _take_membership(s: State, index: Index, data: bytes, believed: Membership, reset: bool) -> None:
    """Rule 15: the membership of a snapshot goes before what this member believed up to there."""
    # Without one the snapshot comes from a version under which memberships do not change.
    membership = decode_membership(data) if data else believed
    assert membership is not None, "an unsound one was refused with its chunk"
    if reset:
        s.memberships.restart(index, membership)
        s.adopt()
    elif s.memberships.correct(index, membership):
        s.adopt()


# --- reads ----------------------------------------------------------------------------


def read(s: State, read_id: int) -> None:
    """A read of this node's own: to be asked of the leader, if one is known."""
    reads = s.follower_reads
    if not s.knows_leader() or reads.count >= s.config.reads_max:
        s.out.reads_dropped.append(read_id)
        return
    reads.add(read_id)


def flush(s: State) -> None:
    """Ask the leader on behalf of everything that wants to read."""
    if s.follower_reads.open and s.knows_leader():
        seq = s.follower_reads.start_request()
        if seq:
            s.send_after_vote(s.leader, ReadIndexRequest(s.term, seq))


def on_read_index_reply(s: State, sender: NodeId, message: ReadIndexReply) -> None:
    """The leader confirmed a request, or refused it."""
    if message.seq == s.recall_seq and s.recall_term == s.term:
        _recalled(s, message)
        return
    read_ids = s.follower_reads.answered(message.seq)
    if not message.ok:
        s.out.reads_dropped.extend(read_ids)
        return
    for read_id in read_ids:
        s.out.reads.append((read_id, message.index))
