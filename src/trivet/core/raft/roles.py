"""The only places where a role or a term changes, and the timer that goes with it.

On the path: nowhere; it is the machinery of elections. Each function leaves the
member in a complete state of the new role.
"""

from trivet.core.base.ids import NodeId, Term
from trivet.core.raft.messages import ReadIndexReply
from trivet.core.raft.state import CampaignState, LeaderState, Role, State


def draw_timeout(s: State) -> None:
    """Start the election timer anew, with a new random length (§3.4).

    With a leader: [election_ticks, 2 * election_ticks). Without one nobody can work, so
    the first tries come sooner; each vote that led to nothing doubles the wait, so that
    a slow disk or network is outwaited in the end.
    """
    config = s.config
    low = config.election_ticks
    if s.leader == 0:
        low = min(low, config.campaign_ticks << min(s.failed_rounds, 16))
    s.election_elapsed = 0
    s.election_timeout = s.prng.between(low, 2 * low - 1)


def become_follower(s: State, term: Term, leader: NodeId) -> None:
    """Follow ``leader`` (0: not known yet) in ``term``, which is not below the present one."""
    assert term >= s.term, "a term never falls"
    if term > s.term:
        s.term = term
        s.vote = 0
        s.saves.hard_changed()
        s.matched = s.commit
    if s.leading is not None:
        _refuse_reads(s, s.leading)
        # A chunk sent from now on would pass for one of this term's leader.
        s.out.snapshots_wanted.clear()
    s.role = Role.FOLLOWER
    s.leading = None
    s.campaign = None
    set_leader(s, leader)
    draw_timeout(s)


def set_leader(s: State, leader: NodeId) -> None:
    """Note who leads this term; reads that were asked of another are dropped."""
    s.leader_lost = False
    if leader:
        s.failed_rounds = 0
        s.gave_way = False
    if leader == s.leader:
        return
    s.leader = leader
    s.out.reads_dropped.extend(s.follower_reads.drain())


def become_pre_candidate(s: State) -> None:
    """Ask whether an election could be won, without disturbing anyone (§9.6)."""
    assert s.role is not Role.LEADER
    s.role = Role.PRE_CANDIDATE
    s.gave_way = False
    s.campaign = CampaignState(False)
    s.campaign.votes[s.node] = True
    set_leader(s, 0)
    draw_timeout(s)


def become_candidate(s: State, transfer: bool) -> None:
    """Open a new term and vote for oneself; the vote counts when it is durable."""
    assert s.role is not Role.LEADER
    assert s.may_vote()
    s.role = Role.CANDIDATE
    s.term += 1
    s.vote = s.node
    s.matched = s.commit
    s.saves.hard_changed()
    s.campaign = CampaignState(transfer)
    s.campaign.own_vote_save_id = s.saves.hard_id
    s.failed_rounds += 1
    set_leader(s, 0)
    draw_timeout(s)


def become_leader(s: State) -> None:
    """Lead the present term, which a quorum has granted."""
    assert s.role is Role.CANDIDATE
    assert s.vote == s.node
    s.role = Role.LEADER
    s.campaign = None
    s.leading = LeaderState(s.peers, s.log.last_index + 1, s.config.read_rounds_max)
    set_leader(s, s.node)
    s.election_elapsed = 0
    s.uncommitted_bytes = 0
    for index in range(s.handed + 1, s.log.last_index + 1):
        s.uncommitted_bytes += len(s.log.entry(index).payload)


def _refuse_reads(s: State, leading: LeaderState) -> None:
    """A leader that steps down answers every read that it cannot confirm any more."""
    for peer, seq in leading.reads.drain():
        if peer == 0:
            s.out.reads_dropped.append(seq)
        else:
            s.send_after_vote(peer, ReadIndexReply(s.term, seq, 0, False))
