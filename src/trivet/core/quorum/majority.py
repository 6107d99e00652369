"""One set of voters: what a majority of it has reached or said.

On the path: acknowledged indexes -> committed index, votes -> outcome. Sorting
three or five small integers is the whole cost.
"""

from collections.abc import Mapping
from enum import IntEnum


class Outcome(IntEnum):
    """How a vote stands."""

    OPEN = 0
    WON = 1
    LOST = 2


def majority(count: int) -> int:
    """How many of ``count`` voters make a majority (rule 1)."""
    assert count >= 1
    return count // 2 + 1


def agreed(voters: tuple[int, ...], reached: Mapping[int, int]) -> int:
    """The greatest value that a majority of ``voters`` has reached (rule 2).

    ``reached`` maps a voter to a value >= 0; a missing voter has reached 0.
    """
    values = [reached.get(voter, 0) for voter in voters]
    values.sort()
    # Ascending: everyone from this position on, a majority, has reached at least this.
    return values[(len(values) - 1) // 2]


def agreed_without(voters: tuple[int, ...], absent: int, reached: Mapping[int, int]) -> int:
    """The greatest value that somebody else has reached in every majority with ``absent`` (rule 7)."""
    if absent not in voters:
        return agreed(voters, reached)
    values = [reached.get(voter, 0) for voter in voters if voter != absent]
    if not values:
        return 0
    values.sort()
    # So many may not have reached it that a majority needs one more than these and the absent one.
    return values[majority(len(voters)) - 2]


def tally(voters: tuple[int, ...], votes: Mapping[int, bool]) -> Outcome:
    """How the vote stands (rule 3). ``votes`` maps a voter to its answer, if it gave one."""
    needed = majority(len(voters))
    yes = 0
    no = 0
    for voter in voters:
        vote = votes.get(voter)
        if vote is None:
            continue
        if vote:
            yes += 1
        else:
            no += 1
    if yes >= needed:
        return Outcome.WON
    if no > len(voters) - needed:
        return Outcome.LOST
    return Outcome.OPEN
