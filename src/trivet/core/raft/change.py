"""Changes of the membership, by the leader (§4).

On the path: the owner proposes who is to take part; an entry of kind ``MEMBERSHIP`` says so, and counts from
when it is in the log. Learners come and go by one entry. Voters change in two (§4.3): a joint membership, in
which the old and the new voters decide together, and, once that is committed, the new one alone. The second
entry is proposed by whoever leads then, unasked, so no group stays in between.
"""

from trivet.core.base.entry import MEMBERSHIP, Entry
from trivet.core.base.ids import Index, NodeId
from trivet.core.raft.membership import Membership, encode_membership, problem_of
from trivet.core.raft.progress import Mode, Progress
from trivet.core.raft.state import NEVER, LeaderState, State


def wanted(s: State, voters: tuple[NodeId, ...], learners: tuple[NodeId, ...]) -> Membership:
    """What the owner asks for, in order."""
    return Membership(tuple(sorted(voters)), (), tuple(sorted(learners)), s.membership.lineage)


def refusal(s: State, to: Membership) -> str:
    """Why this member does not change the membership into ``to`` now; "" when it may."""
    leading = s.leading
    if leading is None:
        return "this member does not lead the group"
    if leading.transfer_to or leading.departing_ticks:
        return "leadership is being handed over"
    if s.full:
        return "the disk is full"
    if s.commit < leading.noop_index:
        # Two leaders could each change a different membership, into two that do not meet (M1).
        return "the leader has not committed an entry of its term yet"
    if s.is_changing():
        return "another change is under way"
    wrong = problem_of(to)
    if wrong:
        return wrong
    if to == s.membership:
        return "this is the membership already"
    for node in to.voters:
        if node not in s.membership.voters and not is_caught_up(s, leading, node):
            return f"node {node} is not a learner that has caught up"
    if to.voters != s.membership.voters and not _would_commit(s, leading, to.voters):
        return "most of these voters are silent, full, far behind, or have forgotten something"
    return ""


def is_caught_up(s: State, leading: LeaderState, peer: NodeId) -> bool:
    """Whether ``peer`` would not hold up commitment as a voter (§4.2.1)."""
    progress = leading.progress.get(peer)
    if progress is None:
        return peer == s.node
    return _is_near(s, progress)


def _is_near(s: State, progress: Progress) -> bool:
    return progress.mode is Mode.REPLICATE and progress.vouches and _takes_part(s, progress)


def _takes_part(s: State, progress: Progress) -> bool:
    """Whether what is sent there may be acknowledged soon."""
    if progress.full or progress.silent:
        return False
    return progress.match + s.config.caught_up_entries >= s.commit


def _would_commit(s: State, leading: LeaderState, voters: tuple[NodeId, ...]) -> bool:
    """Whether most of ``voters`` take part: a joint entry counts at once, and holds up all behind it.

    Who has forgotten something does not vote before a leader has told it: should this one fall before, a
    membership that needs it would elect nobody ever.
    """
    able = 0
    for node in voters:
        progress = leading.progress.get(node)
        able += node == s.node if progress is None else progress.vouches and _takes_part(s, progress)
    return 2 * able > len(voters)


def propose(s: State, to: Membership) -> Index:
    """Begin the change into ``to``, which was not refused: the index of its entry."""
    now = s.membership
    if to.voters != now.voters:
        to = Membership(to.voters, now.voters, to.learners, to.lineage)
    return _append(s, to)


def _append(s: State, membership: Membership) -> Index:
    leading = s.leading
    assert leading is not None
    entry = Entry(s.term, encode_membership(membership), MEMBERSHIP)
    s.uncommitted_bytes += len(entry.payload)
    sound = s.append_membership(entry)
    assert sound, "a leader proposes sound memberships only"
    if leading.transfer_to and leading.transfer_to not in membership.voters:
        leading.transfer_to = 0
    leading.stirred = True
    return s.log.last_index


def go_on(s: State, leading: LeaderState) -> None:
    """The newest membership is committed, and so is an entry of this term: take the next step (rule 16)."""
    if s.commit < s.memberships.index or s.commit < leading.noop_index:
        return
    now = s.membership
    if not now.outgoing:
        s.unsettled_from = NEVER
        if not s.is_voter:
            leading.departing_ticks = 1
        return
    if not leading.transfer_to and not s.full:
        _append(s, Membership(now.voters, (), now.learners, now.lineage))
