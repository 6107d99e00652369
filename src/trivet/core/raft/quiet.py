"""Idle groups fall silent: no heartbeats, no clocks, until something happens.

On the path: nowhere; it spares a node with many groups the ticks of those in which nothing happens. A leader
whose group has been idle for ``quiet_ticks`` says so in one last heartbeat; followers that are in the same
state stop their election clocks and do not answer. Any input but an echo of that state wakes a member; a
woken leader beats at once, which wakes the others. A leader that dies meanwhile is noticed by the owner, who
knows the nodes: ``peer_lost``, or ``wake`` (README rule 20).
"""

from trivet.core.raft.messages import AppendReply, Heartbeat, HeartbeatReply, Message
from trivet.core.raft.progress import Mode
from trivet.core.raft.roles import draw_timeout
from trivet.core.raft.state import LeaderState, Role, State


def is_idle(s: State, leading: LeaderState) -> bool:
    """Everyone has everything and has lately said so, it is committed, handed out; nobody wants anything."""
    last_index = s.log.last_index
    if s.commit != last_index or s.handed != last_index or not _is_saved(s):
        return False
    if leading.transfer_to or leading.departing_ticks or s.full or s.is_changing():
        return False
    if leading.reads.open or leading.reads.rounds_count or leading.reads.recalls:
        return False
    for progress in leading.progress.values():
        if progress.match != last_index or progress.mode is not Mode.REPLICATE or not progress.active:
            return False
        if progress.full:
            return False  # it is to say when it has room again
        if not progress.vouches and not s.membership.is_voter(progress.peer):
            return False  # whoever awaits that it is fit to vote would wait for ever
    return True


def _is_saved(s: State) -> bool:
    return not s.saves.dirty and s.saves.outstanding_count == 0


def rest_when_idle(s: State, leading: LeaderState) -> bool:
    """A heartbeat is due: whether it is the last one, since the group has been idle for long enough."""
    config = s.config
    leading.idle_ticks = leading.idle_ticks + config.heartbeat_ticks if is_idle(s, leading) else 0
    if leading.idle_ticks < config.quiet_ticks:
        return False
    last_word = Heartbeat(s.term, s.commit, leading.reads.seq, True)
    for progress in leading.progress.values():
        progress.commit_sent = s.commit
        s.send(progress.peer, last_word)
    leading.heartbeat_due = False
    s.quiet = True
    return True


def may_rest(s: State, message: Heartbeat) -> bool:
    """Whether this follower has all that its silent leader has, and wants nothing."""
    if s.commit != message.commit or s.saves.stable < s.commit or not _is_saved(s):
        return False
    return s.may_vote() and not s.full and s.follower_reads.count == 0


def is_echo(s: State, message: Message) -> bool:
    """Whether a message says only what a silent member knows already."""
    if message.term != s.term:
        return False
    if isinstance(message, Heartbeat):
        return message.quiet
    last_index = s.log.last_index
    if isinstance(message, HeartbeatReply):
        return message.match == last_index and not message.full and not message.doubtful
    return (
        isinstance(message, AppendReply) and message.ok and message.index == last_index and not message.full
    )


def wake(s: State) -> None:
    """Something happens: clocks run again, and a leader lets everyone know."""
    s.quiet = False
    leading = s.leading
    if leading is None:
        draw_timeout(s)
        return
    leading.idle_ticks = 0
    leading.heartbeat_elapsed = 0
    leading.quorum_elapsed = 0
    leading.heartbeat_due = True
    leading.stirred = True
    for progress in leading.progress.values():
        # It rests again only when everyone has answered, and leads on only if a quorum has (section 6.2).
        progress.active = False


def check_quiet(s: State) -> None:
    """What is true of a silent member."""
    assert s.role in (Role.LEADER, Role.FOLLOWER)
    assert s.leader != 0
    assert s.commit <= s.saves.stable
    if s.leading is not None:
        assert is_idle(s, s.leading)
