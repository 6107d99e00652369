"""All scenarios, in the order in which they are best read."""

from trivet.lab.scenarios import (
    commit_endings,
    register_changes,
    register_shortcuts,
    register_stories,
    transaction_stories,
)
from trivet.lab.scenarios.commit_stories import BLOCKED, COMMIT
from trivet.lab.scenarios.copies_story import PARTITION
from trivet.lab.scenarios.paxos_stories import CLEAN, DUEL
from trivet.lab.scenarios.raft_elections import ELECTION, PRE_VOTE, SPLIT_VOTE
from trivet.lab.scenarios.raft_logs import LEADER_CRASH, LOG_REPAIR, SNAPSHOT
from trivet.lab.scenarios.raft_reads import STALE_READ
from trivet.lab.scenarios.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = (
    ELECTION,
    SPLIT_VOTE,
    LEADER_CRASH,
    LOG_REPAIR,
    STALE_READ,
    PRE_VOTE,
    SNAPSHOT,
    transaction_stories.COMMIT,
    transaction_stories.EARLY,
    transaction_stories.LOCKED,
    transaction_stories.DECIDED,
    transaction_stories.LEADER,
    transaction_stories.CONFLICT,
    register_stories.CLEAN,
    register_stories.DUEL,
    register_stories.TAKEOVER,
    register_changes.DELETE,
    register_changes.MEMBERS,
    COMMIT,
    BLOCKED,
    commit_endings.DECIDED,
    commit_endings.PARTICIPANT,
    commit_endings.CONFLICT,
    CLEAN,
    DUEL,
    register_shortcuts.UNDEAD,
    register_shortcuts.HASTY_MEMBERS,
    PARTITION,
)

BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
