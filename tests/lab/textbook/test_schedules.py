"""The textbook protocols under random schedules: letters lost, late and twice, machines that stop and come back.

Safety must hold in every run; the planted mistakes show that the judges would see it if it did not.
"""

import pytest

from trivet.core.base.prng import Prng
from trivet.lab.textbook.copies import Copy, Holdings, Stamped, judge_convergence
from trivet.lab.textbook.histories import judge_linearizability
from trivet.lab.textbook.paxos import Acceptor, Proposer, chosen_values, judge_agreement
from trivet.lab.textbook.post import Post, PostOptions
from trivet.lab.textbook.register import Register
from trivet.lab.textbook.two_phase_commit import Coordinator, Participant, judge_atomicity

SEEDS = 400


def rough_post(seed):
    chance = Prng(seed)
    return chance, Post(
        chance.u64(),
        PostOptions(
            delay_us_min=1_000,
            delay_us_max=1_000 + chance.below(60_000),
            sync_us=chance.below(5_000),
            drop_rate=chance.below(4) / 10,
            duplicate_rate=chance.below(4) / 10,
            duplicate_us_max=1 + chance.below(1_000_000),
        ),
    )


def trouble(chance, post, numbers, rounds):
    """Crashes, restarts and walls at random, then everybody is up and the network whole."""
    for _ in range(rounds):
        post.run_for(chance.below(80))
        number = numbers[chance.below(len(numbers))]
        what = chance.below(4)
        if what == 0:
            post.crash(number)
        elif what == 1:
            for other in numbers:
                post.start(other)
        elif what == 2:
            post.partition([number], [n for n in numbers if n != number])
        else:
            post.heal()
    post.heal()
    for number in numbers:
        post.start(number)


def play_paxos(seed, acceptor_class=Acceptor, proposer_class=Proposer):
    chance, post = rough_post(seed)
    numbers = list(range(1, 4 + 2 * chance.below(2)))
    acceptors = [acceptor_class(n) for n in numbers]
    proposers = [
        proposer_class(100 + rank, numbers, rank, 3, chance.fork(), chance.below(3)) for rank in (1, 2, 3)
    ]
    for machine in (*acceptors, *proposers):
        post.seat(machine, str(machine.number))
    everyone = [*numbers, *(p.number for p in proposers)]
    for rank, proposer in enumerate(proposers):
        post.request(rank, proposer.number, "propose", f"v{rank}")
        post.run_for(chance.below(60))
    trouble(chance, post, everyone, 12)
    for rank, proposer in enumerate(proposers):
        post.request(rank, proposer.number, "propose", f"v{rank}")
    ended = post.run_until(lambda: all(p.chosen for p in proposers), within_ms=60_000)
    return acceptors, proposers, ended


def test_paxos_never_chooses_two_values_and_ends_once_the_network_is_whole():
    ballots = set()
    for seed in range(SEEDS):
        acceptors, proposers, ended = play_paxos(seed)
        assert judge_agreement(acceptors, proposers) == [], seed
        assert ended, seed
        ballots.add(chosen_values(acceptors)[0][0])
    assert len(ballots) > 5, "the schedules are too kind"


class ForgetfulAcceptor(Acceptor):
    """Keeps its promise in memory only."""

    def start(self):
        self.promised = self.accepted = 0
        super().start()


class SelfishProposer(Proposer):
    """Proposes its own value whatever the promises say (breaks P2c)."""

    def _on_promise(self, sender, promise):
        self._highest = 1 << 60
        super()._on_promise(sender, promise)


@pytest.mark.parametrize(
    "mistake", [{"acceptor_class": ForgetfulAcceptor}, {"proposer_class": SelfishProposer}]
)
def test_the_judge_of_agreement_sees_broken_paxos(mistake):
    assert any(judge_agreement(*play_paxos(seed, **mistake)[:2]) for seed in range(SEEDS))


def play_register(seed, hasty=False, deletes=True, register_class=Register):
    chance, post = rough_post(seed)
    registers = [register_class(n, [1, 2, 3], chance.fork(), hasty) for n in (1, 2, 3)]
    for register in registers:
        post.seat(register, str(register.number))
    for number in range(12):
        node = 1 + chance.below(3)
        text = (f"SET k v{number}", "DEL k" if deletes else "GET k", "GET k")[chance.below(3)]
        post.request(number, node, *text.split(), text=text)
        if number % 3 == 0:
            trouble(chance, post, [1, 2, 3], 2)
        post.run_for(chance.below(150))
    post.heal()
    for node in (1, 2, 3):
        post.start(node)
    read = post.request(99, 1, "GET", "k", text="GET k")
    ended = post.run_until(lambda: read.outcome == "ok", within_ms=60_000)
    return post.operations, ended


def test_a_register_without_shortcuts_is_linearizable_and_answers_once_the_network_is_whole():
    answered = 0
    for seed in range(SEEDS // 4):
        operations, ended = play_register(seed)
        assert ended, seed
        assert judge_linearizability(operations) == [], seed
        answered += sum(operation.outcome == "ok" for operation in operations)
    assert answered > SEEDS, "the schedules are too hard"


class OwnRegister(Register):
    """Runs its command upon its own value, whatever the promises say."""

    def _on_promise(self, sender, promise):
        super()._on_promise(sender, type(promise)(promise.ballot, self.accepted, self.value))


@pytest.mark.parametrize("mistake", [{"hasty": True}, {"register_class": OwnRegister, "deletes": False}])
def test_the_judge_of_linearizability_sees_a_broken_register(mistake):
    assert any(judge_linearizability(play_register(seed, **mistake)[0]) for seed in range(SEEDS))


def test_a_late_letter_is_no_earlier_than_it_was_slowed_down():
    post = Post(1)
    registers = [Register(n, [1, 2, 3], Prng(n)) for n in (1, 2, 3)]
    for register in registers:
        post.seat(register, str(register.number))
    post.slow(1, 3, 500)
    write = post.request(1, 1, "SET", "k", "v", text="SET k v")
    post.slow(1, 3, 0)
    assert post.run_until(lambda: write.outcome == "ok")
    late = next(m for m in post.recording().messages if m.target == 3)
    assert late.delayed
    assert late.arrived_us < 0
    post.run_for(600)
    assert late.arrived_us - late.sent_us >= 500_000
    assert not any(m.delayed for m in post.recording().messages if m is not late)


def play_commit(seed, participant_class=Participant, trouble_rounds=10):
    chance, post = rough_post(seed)
    coordinator = Coordinator(1, {"a": 2, "b": 3, "c": 4})
    participants = [participant_class(n, 1, {account: 20}) for n, account in ((2, "a"), (3, "b"), (4, "c"))]
    for machine in (coordinator, *participants):
        post.seat(machine, str(machine.number))
    for number, changes in enumerate((["a:-15", "b:15"], ["b:-5", "c:5"], ["a:-15", "b:5", "c:10"])):
        post.request(number, 1, "transfer", f"T{number}", *changes)
        trouble(chance, post, [1, 2, 3, 4], trouble_rounds // 3)
    blocked = any(p.role == "blocked" for p in participants)
    post.run_until(lambda: not any(p.prepared for p in participants), within_ms=60_000)
    post.run_for(2_000)
    return coordinator, participants, blocked


def test_commit_never_mixes_and_ends_once_the_coordinator_is_back():
    outcomes = {}
    blocked = 0
    for seed in range(SEEDS):
        coordinator, participants, was_blocked = play_commit(seed)
        blocked += was_blocked
        assert judge_atomicity(coordinator, participants, 60) == [], seed
        assert not any(p.prepared for p in participants), seed
        for end in coordinator.decided.values():
            outcomes[end] = outcomes.get(end, 0) + 1
    assert min(outcomes[True], outcomes[False]) > SEEDS // 10, outcomes
    assert blocked, "it is known to block"


class BusybodyParticipant(Participant):
    """Asks everyone, also those who have no part in it: one that never voted vetoes what may be committed."""

    def _on_prepare(self, sender, prepare):
        super()._on_prepare(sender, type(prepare)(prepare.transaction, prepare.changes, [2, 3, 4]))


class ImpatientParticipant(Participant):
    """Aborts by itself when it has been in doubt for too long: the mistake everyone is tempted to make."""

    def on_timer(self, name):
        transaction = name.split()[1]
        if transaction in self.prepared:
            self._finish(transaction, False)


@pytest.mark.parametrize("mistaken", [ImpatientParticipant, BusybodyParticipant])
def test_the_judge_of_atomicity_sees_a_mistaken_participant(mistaken):
    assert any(judge_atomicity(*play_commit(seed, mistaken)[:2], 60) for seed in range(SEEDS))


def test_textbook_commit_blocks_for_as_long_as_its_coordinator_is_away():
    post = Post(1)
    coordinator = Coordinator(1, {"a": 2, "b": 3})
    participants = [Participant(2, 1, {"a": 20}), Participant(3, 1, {"b": 20})]
    for machine in (coordinator, *participants):
        post.seat(machine, str(machine.number))
    post.request(1, 1, "transfer", "T1", "a:-5", "b:5")
    assert post.run_until(lambda: all(p.prepared for p in participants))
    post.crash(1)
    waiting = post.request(2, 2, "get", "a")
    post.run_for(600_000)
    assert all(p.role == "blocked" for p in participants), "ten minutes later"
    assert waiting.outcome == "info"
    post.start(1)
    post.run_for(1_000)
    assert not any(p.prepared for p in participants)
    assert waiting.reply == "20"


def play_copies(seed, copy_class=Copy):
    chance, post = rough_post(seed)
    copies = [copy_class(n, [m for m in (1, 2, 3) if m != n]) for n in (1, 2, 3)]
    for copy in copies:
        post.seat(copy, str(copy.number), skew_ms=chance.below(5_000))
    counted = {"x": 0, "y": 0}
    for number in range(20):
        operation = post.request(1, 1 + chance.below(3), "count", "xy"[number % 2])
        counted["xy"[number % 2]] += operation.outcome == "ok"
        post.request(2, 1 + chance.below(3), "set", "colour", f"c{number}")
        if number % 3 == 0:
            trouble(chance, post, [1, 2, 3], 2)
    ended = post.run_until(lambda: not judge_convergence(copies, counted), within_ms=60_000)
    return copies, counted, ended


def test_copies_converge_and_no_counted_visit_is_lost():
    for seed in range(SEEDS // 3):
        copies, counted, ended = play_copies(seed)
        assert ended, (seed, judge_convergence(copies, counted))


class PlainCopy(Copy):
    """Joins counters like plain numbers: the greater total wins."""

    def _on_state(self, sender, state):
        for key, counts in state.holdings.counters.items():
            if sum(counts.values()) > sum(self.held.counters.get(key, {}).values()):
                self.held.counters[key] = dict(counts)
        self.held.join(Holdings(registers=state.holdings.registers))
        if state.answer:
            super()._on_state(sender, type(state)(Holdings(), True))


def test_the_judge_of_convergence_sees_a_counter_joined_like_a_register():
    assert any(judge_convergence(*play_copies(seed, PlainCopy)[:2]) for seed in range(20))


def test_the_join_is_commutative_associative_and_idempotent():
    chance = Prng(7)

    def holdings():
        held = Holdings()
        for _ in range(chance.below(4)):
            stamped = Stamped(chance.below(3), 1 + chance.below(3), "rgb"[chance.below(3)])
            held.join(
                Holdings({"xy"[chance.below(2)]: stamped}, {"v": {1 + chance.below(3): chance.below(5)}})
            )
        return held

    def joined(*parts):
        whole = Holdings()
        for part in parts:
            whole.join(part)
        return whole.digest()

    for _ in range(500):
        a, b, c = holdings(), holdings(), holdings()
        assert joined(a, b, c) == joined(c, b, a) == joined(b, a, c, a, b)
        assert joined(a, a) == a.digest()


@pytest.mark.soak
def test_paxos_and_commit_over_many_more_schedules():
    for seed in range(SEEDS, SEEDS + 8_000):
        acceptors, proposers, _ = play_paxos(seed)
        assert judge_agreement(acceptors, proposers) == [], seed
        coordinator, participants, _ = play_commit(seed)
        assert judge_atomicity(coordinator, participants, 60) == [], seed
