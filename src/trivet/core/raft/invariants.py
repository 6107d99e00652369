"""What is true of a member after every input; the lab calls ``check`` each time.

On the path: nowhere. Each line is an invariant that stands at a field.
"""

from trivet.core.raft.progress import Mode
from trivet.core.raft.quiet import check_quiet
from trivet.core.raft.state import LeaderState, Role, State


def check(s: State) -> None:
    """Assert everything that one member can know about itself."""
    log = s.log
    assert log.snapshot_index <= s.handed <= s.commit <= log.last_index
    assert s.commit <= s.matched or s.role is not Role.FOLLOWER or s.leader == 0
    assert s.matched <= log.last_index
    assert s.saves.stable < s.saves.unsaved_from <= log.last_index + 1
    assert s.saves.saved_id < s.saves.next_id
    assert s.saves.hard_id <= s.saves.latest()
    assert log.last_term <= s.term
    start = max(log.snapshot_index, log.checked_index)
    before = log.term_at(start)
    for index in range(start + 1, log.last_index + 1):
        assert log.term_at(index) >= before, "terms never fall along a log"
        before = log.term_at(index)
    assert before == log.last_term
    log.checked_index = log.last_index
    _check_membership(s)
    _check_role(s)
    if s.quiet:
        check_quiet(s)


def _check_membership(s: State) -> None:
    """It goes by the newest membership in its log, and everything derived from that fits it."""
    newest = s.memberships.latest
    assert s.membership is newest
    assert s.memberships.index <= s.log.last_index
    assert s.electorate.incoming == tuple(sorted(newest.voters))
    assert s.electorate.outgoing == tuple(sorted(newest.outgoing))
    assert s.is_voter == (s.node in s.electorate.members)
    assert s.node not in s.peers
    for index, membership in s.memberships.changes():
        assert s.log.snapshot_index < index
        if index > s.log.snapshot_index and index <= s.log.last_index:
            assert s.log.entry(index).kind, "a membership that no entry brought"
        assert membership.voters


def _check_role(s: State) -> None:
    """What belongs to a role is there in that role, and only then."""
    assert (s.leading is not None) == (s.role is Role.LEADER)
    assert (s.campaign is not None) == (s.role in (Role.PRE_CANDIDATE, Role.CANDIDATE))
    if s.role in (Role.CANDIDATE, Role.LEADER):
        assert s.vote == s.node
        assert s.may_vote()
    if s.role is Role.LEADER:
        assert s.electorate.members, "somebody elected it"
    if s.role is not Role.FOLLOWER:
        assert s.leader == (s.node if s.role is Role.LEADER else 0)
    if s.leading is not None:
        _check_leader(s, s.leading)


def _check_leader(s: State, leading: LeaderState) -> None:
    """What a leader believes of its followers is possible."""
    assert s.saves.stable <= s.log.last_index
    assert s.log.last_index >= leading.noop_index
    assert tuple(leading.progress) == s.peers
    assert tuple([progress.peer for progress in leading.voting]) == s.other_voters
    assert leading.transfer_to == 0 or leading.transfer_to in s.membership.voters
    for progress in leading.progress.values():
        assert progress.match < progress.next <= s.log.last_index + 1
        assert progress.inflight_count <= s.config.inflight_messages_max
        assert progress.mode is Mode.REPLICATE or progress.inflight_count == 0
        assert progress.inflight_bytes >= 0
        assert progress.read_seq <= leading.reads.seq
