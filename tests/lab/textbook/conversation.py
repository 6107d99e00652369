"""Text tests: a script of commands, and after ``----`` what came of them.

| command | does |
|---|---|
| ``2pc anna=50@2 bert=20@3`` | coordinator 1, and participants with accounts |
| ``paxos ACCEPTORS PROPOSERS [stubborn=N]`` | acceptors 1.., then proposers |
| ``register N [hasty] [nodes=M]`` | registers 1..M, of which 1..N are the members |
| ``members A,B,… [N …]`` | the map says who the members are, and these hear of it (all) |
| ``copies N`` | copies 1..N; each writes at the script's next millisecond |
| ``ask N WORDS`` | a client asks machine N; the answer may come later |
| ``deliver [A->B ...]`` | deliver what is on its way now (there), not what follows from it |
| ``drop [A->B ...]``, ``repeat A->B`` | lose it; deliver it and leave a copy on its way |
| ``settle`` | deliver until nothing moves; letters are not shown |
| ``timer N NAME`` | a timer that N has set rings |
| ``crash N``, ``restart N`` | what is not durable is gone |
| ``status``, ``way`` | what the machines are; what is on its way |
"""

import msgspec

from trivet.core.base.prng import Prng
from trivet.lab.textbook.copies import Copy
from trivet.lab.textbook.paxos import Acceptor, Proposer
from trivet.lab.textbook.register import Register
from trivet.lab.textbook.two_phase_commit import Coordinator, Participant


class Conversation:
    def __init__(self):
        self.machines = {}
        self.way = []
        self.timers = {}
        self.down = set()
        self.requests = 0
        self.events = []
        self.now_ms = 0

    def run(self, command):
        name, *words = command.split()
        self.events = []
        self.now_ms += 1
        getattr(self, "do_" + name)(words)
        return self.events or ["ok"]

    def add(self, *machines):
        for machine in machines:
            self.machines[machine.number] = machine
            self.input(machine, machine.start)

    def input(self, machine, action, show=True):
        before = machine.role, machine.term
        machine.now_ms = self.now_ms
        action()
        steps = machine.take()
        number = machine.number
        said = []
        if (machine.role, machine.term) != before:
            said.append(f"{number} is {machine.role}" + (f" in {machine.term}" if machine.term else ""))
        said += [f"{number}: {note}" for note in steps.notes]
        said += [
            f"{number} answers #{r.number}: {r.text}{'' if r.ok else ' (not done)'}" for r in steps.replies
        ]
        for send in steps.sends:
            self.way.append((number, send.target, send.letter))
            if show:
                said.append(f"{number}->{send.target} {show_letter(send.letter)}")
        self.timers.setdefault(number, []).extend(timer.name for timer in steps.timers)
        self.events += said

    def do_2pc(self, words):
        accounts = {}
        homes = {}
        for word in words:
            account, rest = word.split("=")
            amount, home = rest.split("@")
            homes[account] = int(home)
            accounts.setdefault(int(home), {})[account] = int(amount)
        parts = [Participant(n, 1, own) for n, own in accounts.items()]
        self.add(Coordinator(1, homes), *parts)

    def do_paxos(self, words):
        acceptors = list(range(1, int(words[0]) + 1))
        stubborn = int(words[2].split("=")[1]) if len(words) > 2 else 0
        self.add(*(Acceptor(n) for n in acceptors))
        for rank in range(1, int(words[1]) + 1):
            number = len(acceptors) + rank
            self.add(Proposer(number, acceptors, rank, int(words[1]), Prng(number), stubborn))

    def do_register(self, words):
        count = int(words[0])
        nodes = next((int(w.split("=")[1]) for w in words if w.startswith("nodes=")), count)
        members = list(range(1, count + 1))
        self.add(*(Register(n, members, Prng(n), "hasty" in words) for n in range(1, nodes + 1)))

    def do_members(self, words):
        members = [int(n) for n in words[0].split(",")]
        for number in [int(word) for word in words[1:]] or [n for n in self.machines if n not in self.down]:
            machine = self.machines[number]
            self.input(machine, lambda machine=machine: machine.change_members(members))

    def do_copies(self, words):
        numbers = list(range(1, int(words[0]) + 1))
        self.add(*(Copy(n, [m for m in numbers if m != n]) for n in numbers))

    def do_ask(self, words):
        self.requests += 1
        machine = self.machines[int(words[0])]
        self.input(machine, lambda: machine.on_request(self.requests, tuple(words[1:])))

    def chosen(self, words):
        links = [tuple(map(int, word.split("->"))) for word in words]
        return [letter for letter in self.way if not links or letter[:2] in links]

    def do_deliver(self, words, show=True):
        for letter in self.chosen(words):
            self.way.remove(letter)
            self.arrive(letter, show)

    def arrive(self, letter, show=True):
        source, target, content = letter
        if target in self.down:
            self.events.append(f"{source}->{target} {type(content).__name__} finds nobody")
            return
        machine = self.machines[target]
        self.input(machine, lambda: machine.on_message(source, content), show)

    def do_drop(self, words):
        for letter in self.chosen(words):
            self.way.remove(letter)

    def do_repeat(self, words):
        for letter in self.chosen(words):
            self.arrive(letter)

    def do_settle(self, words):
        for _ in range(100):
            if not self.way:
                return
            self.do_deliver([], show=False)
        raise AssertionError("it does not settle")

    def do_timer(self, words):
        machine, name = self.machines[int(words[0])], " ".join(words[1:])
        self.timers[machine.number].remove(name)
        self.input(machine, lambda: machine.on_timer(name))

    def do_crash(self, words):
        number = int(words[0])
        self.down.add(number)
        self.timers[number] = []

    def do_restart(self, words):
        number = int(words[0])
        self.down.discard(number)
        self.input(self.machines[number], self.machines[number].start)

    def do_status(self, words):
        for number, machine in self.machines.items():
            if number in self.down:
                self.events.append(f"{number} down")
                continue
            held = ""
            if isinstance(machine, Participant):
                held = " " + " ".join(f"{account}={amount}" for account, amount in machine.balances.items())
            self.events.append(
                f"{number} {machine.role}{f' in {machine.term}' if machine.term else ''}{held}"
            )

    def do_way(self, words):
        self.events += [f"{source}->{target} {show_letter(letter)}" for source, target, letter in self.way]


def show_letter(letter):
    if hasattr(letter, "holdings"):
        return letter.label() + (
            "" if letter.label().startswith("Delta") else f" [{letter.holdings.words()}]"
        )
    fields = msgspec.structs.asdict(letter)
    if "crc" in fields:
        return "Digest"
    return " ".join(
        [type(letter).__name__, *(f"{name}={value}" for name, value in fields.items() if value != "")]
    )


def replay(path, rewrite):
    conversation = Conversation()
    paragraphs = path.read_text().strip("\n").split("\n\n")
    done = []
    for paragraph in paragraphs:
        lines = paragraph.split("\n")
        comments = [line for line in lines if line.startswith("#")]
        lines = [line for line in lines if not line.startswith("#")]
        if not lines:
            done.append("\n".join(comments))
            continue
        outcome = conversation.run(lines[0])
        done.append("\n".join([*comments, lines[0], "----", *outcome]))
    text = "\n\n".join(done) + "\n"
    if rewrite:
        path.write_text(text)
    else:
        assert path.read_text() == text
