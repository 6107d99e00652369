"""Elections: pre-vote, vote, and who may have one.

On the path: nowhere, but nothing moves without a leader. A member first asks whether
it could win (§9.6), which changes nothing anywhere; only then it opens a term. Whoever
hears from a leader refuses both (§4.2.3). Ties are broken before they cost a term: of
two pre-candidates with equal logs the one with the lower number goes on.
"""

from trivet.core.base.ids import NodeId
from trivet.core.quorum.majority import Outcome
from trivet.core.raft.leader import begin
from trivet.core.raft.messages import PreVote, PreVoteReply, RequestVote, RequestVoteReply, TimeoutNow
from trivet.core.raft.roles import (
    become_candidate,
    become_follower,
    become_leader,
    become_pre_candidate,
    draw_timeout,
)
from trivet.core.raft.state import Role, State


def may_campaign(s: State) -> bool:
    """This member could lead: it votes, it forgot nothing, and its disk has room and answers."""
    if not s.may_lead():
        return False
    return s.may_vote() and not s.full and s.saves.waiting_ticks < s.config.election_ticks


def sticks_to_leader(s: State) -> bool:
    """A leader was heard of lately, so nobody needs another (§4.2.3, §6.2)."""
    if s.role is Role.LEADER:
        return True
    return s.knows_leader() and s.election_elapsed < s.config.election_ticks


def on_timeout(s: State) -> None:
    """No leader for too long."""
    if may_campaign(s):
        pre_campaign(s)
    else:
        s.leader_lost = s.leader != 0
        draw_timeout(s)


def pre_campaign(s: State) -> None:
    """Ask everyone whether this member would be elected."""
    become_pre_candidate(s)
    log = s.log
    question = PreVote(s.term + 1, log.last_index, log.last_term)
    for peer in s.other_voters:
        s.send(peer, question)
    _count_votes(s)


def campaign(s: State, transfer: bool) -> None:
    """Open a new term. Asking waits for the disk: a vote that comes back must find this term remembered."""
    become_candidate(s, transfer)
    log = s.log
    request = RequestVote(s.term, log.last_index, log.last_term, transfer)
    for peer in s.other_voters:
        s.send_after_vote(peer, request)


def _count_votes(s: State) -> None:
    """Go on if the votes allow it."""
    assert s.campaign is not None
    outcome = s.electorate.tally(s.campaign.votes)
    if s.role is Role.PRE_CANDIDATE:
        # A lost pre-vote costs nothing: ask again when the timer says so.
        if outcome is Outcome.WON:
            campaign(s, False)
    elif outcome is Outcome.WON:
        become_leader(s)
        begin(s)
    elif outcome is Outcome.LOST:
        become_follower(s, s.term, 0)


def own_vote_saved(s: State) -> None:
    """The disk reported something: perhaps this candidate's own vote."""
    campaign_state = s.campaign
    if s.role is not Role.CANDIDATE or campaign_state is None:
        return
    if s.saves.saved_id >= campaign_state.own_vote_save_id and s.node not in campaign_state.votes:
        campaign_state.votes[s.node] = True
        _count_votes(s)


# --- pre-vote -------------------------------------------------------------------------


def on_pre_vote(s: State, sender: NodeId, message: PreVote) -> None:
    """Someone asks whether it would be elected; its term is not taken over."""
    refused = (
        message.term <= s.term
        or not s.may_vote()
        or sticks_to_leader(s)
        or not s.is_not_ahead_of(message.last_term, message.last_index)
    )
    if refused:
        s.send_after_vote(sender, PreVoteReply(s.term, False))
        return
    _let_pass(s, sender, message)
    s.send_after_vote(sender, PreVoteReply(message.term, True))


def _let_pass(s: State, sender: NodeId, message: PreVote) -> None:
    """Do not get into the way of one who may win: wait a little with an attempt of one's own.

    Once between two attempts: where links are missing, several may ask again and again who can never
    win, and the only one who could must not wait for them for ever.
    """
    if s.role is Role.PRE_CANDIDATE:
        log = s.log
        equal = message.last_term == log.last_term and message.last_index == log.last_index
        if equal and s.node < sender:
            return
        become_follower(s, s.term, 0)
    elif s.role is Role.FOLLOWER:
        if s.leader:
            become_follower(s, s.term, 0)
        elif not s.gave_way:
            s.gave_way = True
            draw_timeout(s)


def on_pre_vote_reply(s: State, sender: NodeId, message: PreVoteReply) -> None:
    """An answer to this member's question, if it still asks."""
    if s.role is not Role.PRE_CANDIDATE or s.campaign is None:
        return
    if message.granted:
        if message.term != s.term + 1:
            return
        s.campaign.votes[sender] = True
        _count_votes(s)


# --- vote -----------------------------------------------------------------------------


def on_request_vote(s: State, sender: NodeId, message: RequestVote) -> None:
    """A candidate of this term asks for the vote (§3.4, §3.6.1). One vote per term, durable first."""
    free = s.vote == sender or (s.vote == 0 and s.leader == 0)
    granted = (
        free
        and s.role in (Role.FOLLOWER, Role.PRE_CANDIDATE)
        and s.may_vote()
        and s.is_not_ahead_of(message.last_term, message.last_index)
    )
    if not granted:
        s.send_after_vote(sender, RequestVoteReply(s.term, False))
        return
    if s.vote != sender:
        s.vote = sender
        s.saves.hard_changed()
        s.failed_rounds += 1
    if s.role is Role.PRE_CANDIDATE:
        become_follower(s, s.term, 0)
    draw_timeout(s)
    s.send_after_save(sender, RequestVoteReply(s.term, True))


def on_request_vote_reply(s: State, sender: NodeId, message: RequestVoteReply) -> None:
    """A vote. A voter's word counts once, and its first word stands."""
    if s.role is not Role.CANDIDATE or s.campaign is None or sender in s.campaign.votes:
        return
    s.campaign.votes[sender] = message.granted
    _count_votes(s)


def on_timeout_now(s: State, sender: NodeId, message: TimeoutNow) -> None:
    """The leader of this term wants this member to lead (§3.10)."""
    if sender == s.leader and s.role is Role.FOLLOWER and may_campaign(s):
        campaign(s, True)
