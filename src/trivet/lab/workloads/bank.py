"""Bank: money moves between accounts in ``MULTI``, and never changes its sum.

Two banks of a few accounts. In the *guarded* one (``b:``) a transfer reads the balance under ``WATCH``,
so no account ever falls below zero; in the *open* one (``o:``) a plain ``MULTI`` moves the money, debts
allowed. An audit reads all accounts of a bank in one ``MULTI``. Its sum must be right, and more: it must be
the opening balances with every transfer that was over before it, and some of those that were not.
"""

from collections.abc import Sequence

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation, Outcome
from trivet.lab.judges.complaint import Complaint
from trivet.lab.resp import Value
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call, transaction, watched_read
from trivet.lab.world.options import RunOptions

OPENING = 100
AMOUNT_MAX = 60
SUMS_MAX = 1 << 15
"""So many different sums of one half of the transfers that an audit may or may not show."""


class Bank(Base):
    """``b:`` guarded accounts, ``o:`` open ones."""

    prefixes = (b"b:", b"o:")
    weights = ("weight_bank",)
    together = (b"b:", b"o:")
    may_spread = True
    may_lose = True

    def __init__(self, options: RunOptions, prng: Prng) -> None:
        super().__init__(options, prng)
        count = prng.between(2, 5)
        self.banks = [[b"%s%d" % (prefix, i) for i in range(count)] for prefix in self.prefixes]
        self._audits = 0

    def setup(self) -> list[Call]:
        """The opening balances; set only where nothing is, so that a late repetition does no harm."""
        return [
            transaction([[b"SET", account, b"%d" % OPENING, b"NX"] for account in bank], bank)
            for bank in self.banks
        ]

    def start(self, client: int, prng: Prng) -> Call:
        """A guarded transfer, an open one, or an audit."""
        roll = prng.below(10)
        if roll < 3:
            return self.read(client, prng)
        bank = self.banks[roll < 6]
        source = prng.below(len(bank))
        target = (source + prng.between(1, len(bank) - 1)) % len(bank)
        amount = prng.between(1, AMOUNT_MAX)
        self.count("transfers")
        if bank is self.banks[0]:
            return self._guarded(bank[source], bank[target], amount)
        return _transfer(bank[source], bank[target], amount)

    def read(self, client: int, prng: Prng) -> Call:
        """An audit of one bank."""
        self.count("audits")
        return _audit(self.banks[prng.below(2)])

    def finals(self) -> list[Call]:
        """An audit of each bank."""
        return [_audit(bank, final=True) for bank in self.banks]

    def _guarded(self, source: bytes, target: bytes, amount: int) -> Call:
        def after_read(replies: tuple[Value, ...]) -> Call | None:
            held = replies[0]
            if isinstance(held, bytes) and int(held) >= amount:
                return _transfer(source, target, amount)
            self.count("too_poor")
            return Call([], [], [[b"UNWATCH"]])

        return watched_read(source, after_read)

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """The sums, the limit, and what each audit may show."""
        if self.is_beyond_judging(context):
            return []
        complaints: list[Complaint] = []
        for bank, floor in zip(self.banks, (0, None), strict=True):
            complaints += judge_bank(history, bank, floor, context)
        return complaints


def _transfer(source: bytes, target: bytes, amount: int) -> Call:
    words = b"%d" % amount
    return transaction([[b"DECRBY", source, words], [b"INCRBY", target, words]], [source, target])


def _audit(bank: list[bytes], final: bool = False) -> Call:
    call = transaction([[b"GET", account] for account in bank], bank)
    call.final = final
    return call


def judge_bank(
    history: Sequence[Operation], bank: Sequence[bytes], floor: int | None, context: Context
) -> list[Complaint]:
    """Complaints about one bank whose accounts opened with ``OPENING``; none may fall below ``floor``."""
    own = [o for o in history if o.keys and o.keys[0] in bank and o.outcome is not Outcome.FAIL]
    if floor is not None:
        for operation in own:
            least = _least_balance(operation)
            if least is not None and least < floor:
                sentence = f"an account fell to {least}, below its limit of {floor}"
                return [Complaint("bank", sentence, [operation.text()])]
    audits = [o for o in own if o.outcome is Outcome.OK and len(o.replies) == len(bank) and _reads(o)]
    for audit in audits:
        complaint = _wrong_sum(audit, OPENING * len(bank))
        if complaint is not None:
            return [complaint]
    transfers = [o for o in own if o.commands[0][0] == b"DECRBY"]
    return _Audits(bank, transfers, context).judge(audits)


def _reads(operation: Operation) -> bool:
    return all(command[0] == b"GET" for command in operation.commands)


def _least_balance(operation: Operation) -> int | None:
    """The least balance that the replies of a read or of a transfer tell."""
    told: list[int] = []
    for reply in operation.replies:
        if isinstance(reply, int):
            told.append(reply)
        elif isinstance(reply, bytes):
            told.append(int(reply))
    is_setup = operation.commands[0][0] == b"SET"
    return None if is_setup or not told else min(told)


def _wrong_sum(audit: Operation, total: int) -> Complaint | None:
    balances = [int(reply) for reply in audit.replies if isinstance(reply, bytes)]
    if len(balances) < len(audit.replies):
        return Complaint("bank", "an account is missing", [audit.text()])
    if sum(balances) != total:
        sentence = f"an audit finds {sum(balances)} in all, not {total}"
        return Complaint("bank", sentence, [audit.text()])
    return None


class _Audits:
    """Walks through audits in time, with the transfers that each must, may and cannot show.

    All balances of a bank are one integer, 40 bits apart, so that adding transfers is adding integers.
    """

    def __init__(self, bank: Sequence[bytes], transfers: list[Operation], context: Context) -> None:
        self._place = {account: 40 * i for i, account in enumerate(bank)}
        self._by_invoke = sorted(transfers, key=lambda o: o.invoke_us)
        self._by_return = sorted((o for o in transfers if o.outcome is Outcome.OK), key=lambda o: o.return_us)
        self._context = context

    def judge(self, audits: list[Operation]) -> list[Complaint]:
        must = sum(OPENING << place for place in self._place.values())
        may: dict[int, Operation] = {}
        begun = ended = undecided = 0
        for audit in sorted(audits, key=lambda o: o.invoke_us):
            while begun < len(self._by_invoke) and self._by_invoke[begun].invoke_us <= audit.return_us:
                may[self._by_invoke[begun].number] = self._by_invoke[begun]
                begun += 1
            while ended < len(self._by_return) and self._by_return[ended].return_us < audit.invoke_us:
                must += self._delta(self._by_return[ended])
                del may[self._by_return[ended].number]
                ended += 1
            open_now = [o for o in may.values() if o.invoke_us <= audit.return_us]
            possible = _reachable(self._seen(audit) - must, [self._delta(o) for o in open_now])
            if possible is None:
                undecided = 1
            elif not possible:
                return [self._complaint(audit, must, open_now)]
        self._context.unknown += undecided
        return []

    def _delta(self, transfer: Operation) -> int:
        (_, source, amount), (_, target, _) = transfer.commands
        return (int(amount) << self._place[target]) - (int(amount) << self._place[source])

    def _seen(self, audit: Operation) -> int:
        return sum(
            int(reply) << place
            for reply, place in zip(audit.replies, self._place.values(), strict=True)
            if isinstance(reply, bytes)
        )

    def _complaint(self, audit: Operation, must: int, open_now: list[Operation]) -> Complaint:
        latest = [o for o in self._by_return if o.return_us < audit.invoke_us][-8:]
        balances: list[str] = []
        for _ in self._place:
            balance = ((must + (1 << 39)) & ((1 << 40) - 1)) - (1 << 39)
            balances.append(str(balance))
            must = (must - balance) >> 40
        return Complaint(
            "bank",
            "no choice of the open transfers explains what an audit found",
            [
                audit.text(),
                f"before it, at least: {' '.join(balances)}; latest of those transfers:",
                *("  " + o.text() for o in latest),
                "open meanwhile:",
                *("  " + o.text() for o in open_now[:12]),
            ],
        )


def _reachable(wanted: int, deltas: list[int]) -> bool | None:
    """Whether some of ``deltas`` add up to ``wanted``, meeting in the middle; None: too many ways to tell."""
    if not wanted:
        return True
    half = len(deltas) // 2
    left, right = _sums(deltas[:half]), _sums(deltas[half:])
    if left is None or right is None:
        return None
    return any(wanted - one in right for one in left)


def _sums(deltas: list[int]) -> dict[int, None] | None:
    found: dict[int, None] = {0: None}
    for delta in deltas:
        found |= dict.fromkeys([one + delta for one in found])
        if len(found) > SUMS_MAX:
            return None
    return found
