"""Section 2 of the fault matrix: elections and liveness (E1 to E5)."""

from mutants.model import Edit, Focus, Mutant, edit

AS_PLAYED: Focus = {}

NO_PRE_VOTE = Edit(
    "core/raft/election.py",
    "    if may_campaign(s):\n        pre_campaign(s)\n",
    "    if may_campaign(s):\n        campaign(s, False)\n",
)
FICKLE = Edit(
    "core/raft/election.py",
    "    if s.role is Role.LEADER:\n        return True\n    return s.knows_leader()",
    "    return False and s.knows_leader()",
)

ELECTIONS: list[Mutant] = [
    Mutant(
        "E1", "whoever does not hear the leader opens a new term, and everyone follows",
        [NO_PRE_VOTE, FICKLE],
        1, "progress", AS_PLAYED, liveness=True, scene="lost-link",
    ),
    Mutant(
        "E1", "a voter waits anew for everyone who asks, also for those who cannot win",
        edit("core/raft/election.py", "elif not s.gave_way:", "else:"),
        1, "progress", AS_PLAYED, liveness=True, scene="hub",
    ),
    Mutant(
        "E2", "a leader does not ask whether a quorum still answers",
        edit(
            "core/raft/leader.py",
            "        if not _quorum_answers(s, leading):\n",
            "        if not leading.progress:\n",
        ),
        1, "progress", AS_PLAYED, liveness=True, scene="deaf-leader",
    ),
    Mutant(
        "E3", "a returning node disturbs with the terms that it opened alone",
        [NO_PRE_VOTE],
        1, "progress", AS_PLAYED, liveness=True, scene="returning",
    ),
    Mutant(
        "E4", "the pre-vote of a voter with an older term never counts",
        [
            Edit(
                "core/raft/election.py",
                "PreVoteReply(message.term, True)",
                "PreVoteReply(s.term + 1, True)",
            ),
            Edit(
                "core/raft/raft.py",
                "if isinstance(message, PreVoteReply) and message.granted:",
                "if isinstance(message, PreVoteReply):",
            ),
        ],
        1, "progress", AS_PLAYED, liveness=True, scene="old-term",
    ),
    Mutant(
        "E4", "voters stick to the leader that hands over, so the handover fails",
        edit("core/raft/raft.py", "and not message.transfer and election", "and election"),
        1, "progress", AS_PLAYED, liveness=True, scene="leader-resigns",
    ),
    Mutant(
        "E5", "the commit index waits for the slowest member",
        edit("core/quorum/majority.py", "values[(len(values) - 1) // 2]", "values[0]"),
        1, "progress", AS_PLAYED, liveness=True, scene="leader-dies",
    ),
]  # fmt: skip
