"""Generations: a group with one voter, which somebody outside of it may replace by force.

On the path: nowhere, but for one comparison per message of a leader. A group of mode ``primary`` has one
voter, the primary; what it syncs is committed. Who names another one (the cluster map) counts the
generations, and a generation stands in the upper bits of every term of it: so no term of an earlier one is
ever above it, however often the old primary starts again. The first entry of a generation is the membership
by which its primary is the voter; it carries the *lineage*: where in this log each generation began. By
that a member whose log is of an earlier generation knows exactly which of its entries are not in the new
primary's log. It does not overwrite them: it stands still, says so (``fork``), and its owner sets them
aside.
"""

from typing import Final

from trivet.core.base.entry import MEMBERSHIP, Entry
from trivet.core.base.ids import Index, NodeId, Term
from trivet.core.raft import election, quiet
from trivet.core.raft.membership import LINEAGE_MAX, Membership, encode_membership
from trivet.core.raft.messages import Lineage, LineageRequest
from trivet.core.raft.roles import become_follower, draw_timeout, set_leader
from trivet.core.raft.state import NEVER, Role, State
from trivet.core.raft.terms import first_term, generation_of

FOUNDING_LINEAGE: Final[tuple[tuple[int, Index], ...]] = ((0, 1),)
"""Of a group that has generations, at the beginning of its log."""


def take_over(s: State, generation: int, others: tuple[NodeId, ...]) -> bool:
    """Be the voter of ``generation``, ``others`` its learners; False: not this member, or not now.

    Once per generation: whoever has a later term of it, or entries of it, has done so before.
    """
    term = first_term(generation)
    log = s.log
    if s.full or s.term > term or generation_of(log.last_term) >= generation or s.fork:
        return False
    if s.quiet:
        quiet.wake(s)
    become_follower(s, term, 0)
    # What it may have forgotten counts no more: it was asked how far it is, and chosen by that.
    s.missing_to, s.suspect = 0, False
    lineage = with_generation(s.membership.lineage, generation, log.last_index + 1)
    learners = tuple(sorted([node for node in others if node != s.node]))
    membership = Membership((s.node,), (), learners, lineage)
    sound = s.append_membership(Entry(term, encode_membership(membership), MEMBERSHIP))
    assert sound, "the map names sound members only"
    election.on_timeout(s)
    return True


def with_generation(
    lineage: tuple[tuple[int, Index], ...], generation: int, index: Index
) -> tuple[tuple[int, Index], ...]:
    """One more. Of too many the oldest are taken together: who is that far behind sets aside too much."""
    pairs = [*lineage, (generation, index)]
    while len(pairs) > LINEAGE_MAX:
        oldest = pairs.pop(0)
        pairs[0] = (pairs[0][0], oldest[1])
    return tuple(pairs)


def depose(s: State, generation: int) -> bool:
    """There is a primary of ``generation``, says the map. True if it did not know: it leads no more."""
    term = first_term(generation)
    if s.term >= term:
        return False
    if s.quiet:
        quiet.wake(s)
    become_follower(s, term, 0)
    return True


def is_in_line(s: State, leader: NodeId) -> bool:
    """Whether this log is a part of that of ``leader``; else that one is asked where they part."""
    generation = generation_of(s.term)
    if generation_of(s.log.last_term) >= generation or s.cleared_generation == generation:
        return True
    if s.role is not Role.FOLLOWER:
        become_follower(s, s.term, 0)
    # Nobody reads here by an index of another log.
    set_leader(s, 0)
    draw_timeout(s)
    if not s.fork:
        s.send_after_vote(leader, LineageRequest(s.term))
    return False


def on_lineage_request(s: State, sender: NodeId, message: LineageRequest) -> None:
    """A member of an earlier generation asks the leader."""
    if s.role is Role.LEADER and generation_of(s.log.last_term) == generation_of(s.term):
        s.send(sender, Lineage(s.term, list(s.membership.lineage)))


def on_lineage(s: State, sender: NodeId, message: Lineage) -> None:
    """Where generations began in the leader's log: what this member has from there on is not in it."""
    if s.role is Role.LEADER or is_cleared(s) or s.fork:
        return
    fork = fork_of(s.log.last_term, message.generations)
    if s.log.last_index >= fork:
        s.fork = fork
        return
    s.cleared_generation = generation_of(s.term)


def is_cleared(s: State) -> bool:
    """Whether this log is known to be a part of the log of the present generation's primary."""
    return s.cleared_generation == generation_of(s.term)


def fork_of(last_term: Term, generations: list[tuple[int, Index]]) -> Index:
    """The first entry that a log which ends in ``last_term`` may have otherwise; ``NEVER``: none."""
    own = generation_of(last_term)
    return min([index for generation, index in generations if generation > own], default=NEVER)
