"""One member of a group of mode ``eventual``: what it tells the others, and what it takes of them.

Sources: Demers et al.: "Epidemic Algorithms for Replicated Database Maintenance" (1987); Petersen et al.:
"Flexible Update Propagation for Weakly Consistent Replication" (Bayou, 1997); DeCandia et al.: Dynamo (2007).

- Rule N3: nothing of this member's own leaves before it is on its disk, and it says to have seen only what
  is: after a crash it would give the same dots to other updates.
- Rule N4: own updates go at once to every member that has said something since the link to it came up: a link
  is up also where a process stands still. Who lacks something, by what another says it has seen, asks for it:
  first for the updates, then, if they are kept nowhere, for all that differs (``exchange``).
- Rule N5: see ``knowledge``.
- Rule N6: whose updates have come to the disk here is told at once, the others soon. While two members have
  not told each other the same, they go on telling; then there is silence.
- Rule N7: two that have seen the same and hold something else are broken: counted, and told to people.
- Rule N8: one member is asked at a time; another when nothing comes: who was away gets everything once.
- Rule N9: see ``incoming``; of what is nonsense nothing is taken.
- Rule N11: see ``memories``.
- Rule N12: for who has what only that counts which was said while its sender went by the members of this one.
- Rule N13: who has yet to catch up has what all whom it hears had, and hears so many as its owner asks for.
- Rule N10: who hears of updates of its own that it does not know has lost some (``is_forgetful``): it must
  make no more under this name.
"""

from collections import deque

from msgspec.structs import replace

from trivet.core.base.ids import NO_NODE, NodeId, WallMs
from trivet.core.gossip.bundles import Bundle
from trivet.core.gossip.exchange import Give, Pull, compare_of, keys_of
from trivet.core.gossip.incoming import Holder, Incoming, Taken
from trivet.core.gossip.knowledge import Peer, alone_of, holders_of, stable_of, told_of, whom_to_ask
from trivet.core.gossip.memories import Memories
from trivet.core.gossip.messages import (
    NO_DELTAS,
    UNKNOWN,
    Compare,
    Differ,
    GossipMessage,
    Keys,
    OfGossip,
    Seen,
    States,
    Updates,
    Want,
    digest_bytes,
)
from trivet.core.gossip.portions import portions_of, take_portion
from trivet.core.gossip.retained import Retained
from trivet.core.gossip.settings import (
    AFTER_MAX,
    DIGESTED_AT_ONCE,
    DIGESTED_PER_TICK,
    STALE_MAX,
    STATES_PER_TURN,
    GossipSettings,
    node_of,
    problem,
)
from trivet.core.lattice.clock import Clock, Dot, decode_clock
from trivet.core.lattice.key_state import top_stamp


class Gossip:
    """In a turn of the group: own updates, ``take``, it logs all, says ``staged``, sends ``messages``.

    Between the first own update of a turn and ``staged`` nothing else is called but ``take``: what the
    lattice holds is given to others when all saves that ``staged`` named are on the disk (Rule N3).
    """

    def __init__(self, settings: GossipSettings, holder: Holder, is_new: bool = False) -> None:
        """``is_new``: it may lack what it once had, or what the others had before it came."""
        assert not problem(settings), problem(settings)
        self.settings = settings
        self.full = False
        """The disk is full: nothing is taken."""
        self.messages: list[tuple[NodeId, GossipMessage]] = []
        """To be sent; whoever takes them empties it."""
        self.caught_up = not is_new
        self.broken = 0
        """How often a member had seen the same and held something else (Rule N7)."""
        self._refused = 0
        self.is_forgetful = False
        """Rule N10."""
        self.pulls = 0
        """Exchanges begun, ever."""
        self.retained = Retained(settings.retained_bytes_max)
        self._holder = holder
        self._lattice = holder.lattice
        self._durable = holder.lattice.clock.copy()
        self._saves: deque[tuple[int, list[Bundle], Clock | None]] = deque()
        """Not synced: (save id, own updates, what will then be seen)."""
        self._after: deque[tuple[int, NodeId, GossipMessage]] = deque()
        """Messages about what is not synced (Rule N3)."""
        self._last_save = 0
        self._incoming = Incoming(holder, settings.waiting_bytes_max, settings.actors_max)
        self.actor = settings.actor
        self._states: deque[tuple[NodeId, States]] = deque()
        """Have come, and are to be joined."""
        self._peers: dict[NodeId, Peer] = {}
        self._members: tuple[NodeId, ...] = ()
        self._epoch = 0
        """How often they have changed (Rule N12)."""
        self.witnesses: tuple[tuple[NodeId, ...], int] = ((), 0)
        """So many of these have to be heard before it has caught up (Rule N13)."""
        self._up: dict[NodeId, None] = {}
        self._wants: dict[NodeId, deque[Bundle]] = {}
        """What peers have asked for, and is on its way to them."""
        self._pull: Pull | None = None
        self._pull_number = 0
        self._retry = False
        """What waits is to be looked at."""
        self._may_forget = False
        """Something was told since it was last looked whether what is kept is needed."""
        self._asked: NodeId = NO_NODE
        """Who was asked last for updates (Rule N8)."""
        self._lack_ticks = 0
        """Since something lacks here, or came of what was asked for."""
        self._thanks: dict[NodeId, None] = {}
        """Whose updates were taken, and not told yet that they are on the disk (Rule N6)."""
        self._memories = Memories(settings.silence_ticks)

    @property
    def actor(self) -> int:
        """As whom this member makes updates."""
        return self._incoming.own

    @actor.setter
    def actor(self, actor: int) -> None:
        self._incoming.own = actor

    # -- who there is --------------------------------------------------------------------------------

    def learn(self, members: tuple[NodeId, ...], epoch: int = 0) -> None:
        """The map's members, and how often they have changed; empty: this node is none."""
        is_news = epoch != self._epoch
        self._members, self._epoch = members, epoch
        others = [node for node in members if node != self.settings.node]
        self._peers = {node: self._peers.get(node) or Peer() for node in others}
        for node, peer in self._peers.items():
            if is_news:
                peer.is_told = False
            if node in self._up and not peer.up:
                self._greet(node, peer)
        self._may_forget = True
        for node in list(self._wants):
            if node not in self._peers:
                del self._wants[node]
        if self._pull is not None and self._pull.peer not in self._peers:
            self._end_pull()
        if not members:
            self._incoming.clear()
            self._states.clear()
        if not others:
            self.caught_up = True

    def peer_up(self, node: NodeId) -> None:
        """The link to ``node`` is up, and empty."""
        self._up[node] = None
        peer = self._peers.get(node)
        if peer is not None:
            self._greet(node, peer)

    def peer_lost(self, node: NodeId) -> None:
        """The link to ``node`` broke."""
        self._up.pop(node, None)
        peer = self._peers.get(node)
        if peer is not None:
            peer.up = False
            peer.give = None
        self._wants.pop(node, None)
        if self._pull is not None and self._pull.peer == node:
            self._end_pull()

    def _greet(self, node: NodeId, peer: Peer) -> None:
        """Rule N4: both tell what they have seen."""
        peer.up = True
        peer.is_heard = False
        self._tell(node, peer, True)

    # -- own updates ---------------------------------------------------------------------------------

    def staged(self, save_id: int, own: list[Bundle]) -> None:
        """All that is taken, and ``own``, is on its way to the disk in this save."""
        self._last_save = save_id
        self._saves.append((save_id, own, self._lattice.clock.copy()))

    def saved(self, save_id: int) -> None:
        """That save and all before are on the disk."""
        own: list[Bundle] = []
        clock: Clock | None = None
        while self._saves and self._saves[0][0] <= save_id:
            _, bundles, clock = self._saves.popleft()
            own.extend(bundles)
        if clock is not None and not self._durable.covers(clock):
            self._durable = clock
            self._may_forget = True
            for peer in self._peers.values():
                peer.is_told = False
        while self._after and self._after[0][0] <= save_id:
            _, node, message = self._after.popleft()
            self.messages.append((node, message))
        if own:
            self.retained.keep(own)
            for portion in portions_of(own, self.settings.message_bytes_max):
                heard = [node for node, peer in self._peers.items() if peer.up and peer.is_heard]
                self.messages.extend([(node, portion) for node in heard])
        if not self._saves:
            thanks, self._thanks = self._thanks, {}
            for node in thanks:
                thanked = self._peers.get(node)
                if thanked is not None and thanked.up and not thanked.is_told:
                    self._tell(node, thanked, False)

    # -- what is known ---------------------------------------------------------------------------------

    @property
    def quiet(self) -> bool:
        """Nothing passes with time: everybody who can be reached has told and heard the same."""
        return not (
            self._saves or self._states or self._wants or self._pull is not None or self._retry
            or (self._up_peers() and (len(self._incoming.waiting) or not self.caught_up))
            or (self._may_forget and len(self.retained)) or self._lattice.tree.stale_count
            or any(peer.give is not None or not self._is_level(peer) for peer in self._up_peers())
        )  # fmt: skip

    def _up_peers(self) -> list[Peer]:
        return [peer for peer in self._peers.values() if peer.up]

    def _is_level(self, peer: Peer) -> bool:
        """Rules N6, N12."""
        is_heard = peer.clock is not None and peer.clock == self._durable and peer.epoch == self._epoch
        return peer.is_told and is_heard

    def holders(self, dot: Dot, of_epoch: bool = False) -> list[NodeId]:
        """Which other members have this own update, and all before it, on their disks.

        ``of_epoch``: as they have said it in the epoch of this one (Rule N12).
        """
        peers = self._peers
        if of_epoch:
            peers = {node: peer for node, peer in peers.items() if peer.epoch == self._epoch}
        return holders_of(dot[0], dot[1], peers)

    def stable(self) -> Clock:
        """What all members have on their disks (Rule N5)."""
        return stable_of(self._durable, self._peers.values())

    def told(self) -> Clock:
        """All that any member has said to have seen."""
        return told_of(self._durable, self._peers.values())

    def living(self) -> list[int]:
        """As whom members make updates now, as far as they have said."""
        return sorted([self.actor, *[peer.actor for peer in self._peers.values() if peer.actor]])

    def kept_alone(self) -> int:
        """Updates here that no other member is known to have on its disk."""
        return alone_of(self._lattice.clock, self._peers.values())

    def kept_from(self, among: tuple[NodeId, ...], count: int, clock: Clock | None = None) -> int:
        """Updates (of ``clock``) that fewer than ``count`` others of ``among``, or than there are, have.

        On their disks. Only those count that are heard, and what they have said in this epoch: who is away
        may have lost what it had, and who was no member meanwhile has (Rule N12).
        """
        others = [self._peers[node] for node in among if node in self._peers]
        heard = [peer for peer in others if peer.up and peer.is_heard and peer.epoch == self._epoch]
        return alone_of(
            self._lattice.clock if clock is None else clock, heard, max(1, min(count, len(others)))
        )

    @property
    def durable(self) -> Clock:
        """What has been seen here and is on the disk; not to be changed."""
        return self._durable

    def heard(self, sender: NodeId, clock: Clock) -> None:
        """A member has told, in this epoch, that it has this on its disk: what lacks here is asked for."""
        peer = self._peers.get(sender)
        if peer is not None and (peer.clock is None or clock.covers(peer.clock)):
            peer.clock, peer.epoch = clock, self._epoch

    @property
    def refused(self) -> int:
        """Updates and states that were too far ahead of the clock, or nonsense."""
        return self._refused + self._incoming.refused

    @property
    def wants_turn(self) -> bool:
        """There is more to be taken at once."""
        return (self._incoming.has_more or bool(self._states)) and not self.full

    # -- messages --------------------------------------------------------------------------------------

    def step(self, sender: NodeId, message: OfGossip) -> None:
        """A message of another member; of anybody else it is passed over."""
        peer = self._peers.get(sender)
        if peer is None:
            return
        if isinstance(message, Updates):
            self._on_updates(sender, message)
        elif isinstance(message, Seen):
            self._on_seen(sender, peer, message)
        elif isinstance(message, Want):
            self._on_want(sender, message)
        elif isinstance(message, Compare):
            self._on_compare(peer, message)
        elif isinstance(message, Differ):
            self._on_differ(sender, message)
        elif isinstance(message, Keys):
            if peer.give is not None and peer.give.number == message.number:
                peer.give.on_keys(self._lattice, message)
        elif isinstance(message, States) and self._is_of_pull(sender, message) and not self.full:
            self._states.append((sender, message))

    def _is_of_pull(self, sender: NodeId, message: States | Differ) -> bool:
        pull = self._pull
        return pull is not None and pull.number == message.number and pull.peer == sender

    def _on_updates(self, sender: NodeId, message: Updates) -> None:
        if self._incoming.put(message.data):
            self._retry = True
        if sender == self._asked:
            self._lack_ticks = 0
            if message.lost and self._pull is None and not self.full:
                self._begin_pull(sender)

    def _on_seen(self, sender: NodeId, peer: Peer, message: Seen) -> None:
        try:
            clock = decode_clock(message.clock)
        except ValueError:
            self._refused += 1
            return
        peer.clock, peer.epoch = clock, message.epoch
        peer.actor = max(peer.actor, message.actor)
        self._may_forget = True
        if not peer.is_heard:
            peer.is_heard = True
            self._lack_ticks = self.settings.patience_ticks  # nothing is on its way over a new link
        if clock.top(self.actor) > self._lattice.clock.base(self.actor):
            self.is_forgetful = True  # Rule N10
        if message.asks:
            self._tell(sender, peer, False)
        same = clock == self._durable == self._lattice.clock
        same = same and not (message.memories or self._lattice.bases_count) and message.root != UNKNOWN
        same = same and self._is_digested()
        if same and not self._lattice.ahead() and message.root != digest_bytes(self._lattice.tree.root):
            self.broken += 1

    def _tell(self, node: NodeId, peer: Peer, asks: bool) -> None:
        peer.told_ticks = 0
        lattice = self._lattice
        is_plain = self._durable == lattice.clock and not lattice.has_ahead
        is_digested = is_plain and self._is_digested()
        peer.is_told = is_digested or not is_plain  # else it is told again, with a digest (Rule N7)
        root = digest_bytes(lattice.tree.root) if is_digested else UNKNOWN
        self.messages.append(
            (node, Seen(self._durable.encode(), asks, root, lattice.bases_count, self.actor, self._epoch))
        )

    def _is_digested(self) -> bool:
        """Whether the digest of all that is held can be had at once."""
        return self._lattice.tree.stale_count <= DIGESTED_AT_ONCE

    def _on_want(self, sender: NodeId, message: Want) -> None:
        ranges = message.ranges[: self.settings.want_ranges_max]
        if not self.retained.has(ranges):
            self._wants.pop(sender, None)
            self.messages.append((sender, Updates(NO_DELTAS, lost=True)))
        elif sender not in self._wants:
            self._wants[sender] = deque(self.retained.of(ranges))

    # -- exchanges -------------------------------------------------------------------------------------

    def _begin_pull(self, node: NodeId) -> None:
        self.pulls += 1
        self._pull_number += 1
        # Of this life: the giver must not take it for an exchange of an earlier one.
        number = (self.settings.life << 20 | self._pull_number & 0xFFFFF) & ((1 << 62) - 1)
        self._pull = Pull(number, node)
        self.messages.append((node, compare_of(self._lattice, number, 0, [0])))

    def _end_pull(self) -> None:
        pull, self._pull = self._pull, None
        if pull is not None and pull.watch is not None:
            self._lattice.give_up(pull.watch)
        self._states.clear()
        self._lack_ticks = 0
        self._retry = True

    def _on_compare(self, peer: Peer, message: Compare) -> None:
        if message.level == 0 and (peer.give is None or peer.give.number != message.number):
            peer.give = Give(message.number, self._lattice.clock.copy())  # Rule X2
        if peer.give is not None and peer.give.number == message.number:
            peer.give.on_compare(self._lattice, message)

    def _on_differ(self, sender: NodeId, message: Differ) -> None:
        pull = self._pull
        if pull is None or not self._is_of_pull(sender, message):
            return
        if pull.clock is None:
            try:
                pull.clock = decode_clock(message.clock)
            except ValueError:
                self._refused += 1
                self._end_pull()
                return
            pull.watch = self._lattice.watch(pull.clock)
            self._retry = True
        pull.idle_ticks = 0
        if message.level < 4:
            compare = compare_of(self._lattice, pull.number, message.level, message.places)
            self.messages.append((sender, compare))
        else:
            places = keys_of(self._lattice, pull.number, message.places, self.settings.message_bytes_max)
            self.messages.extend([(sender, keys) for keys in places])

    def _take_states(self, taken: Taken, wall_ms: WallMs) -> None:
        """Rule X3."""
        left = STATES_PER_TURN
        while self._states and left > 0:
            sender, message = self._states.popleft()
            pull = self._pull
            if pull is None or not self._is_of_pull(sender, message):
                continue
            pull.idle_ticks = 0
            if message.serial in pull.serials:
                continue
            first, rest = message.rows[:left], message.rows[left:]
            left -= len(first)
            try:
                clock = decode_clock(message.clock)
            except ValueError:
                self._refused += 1
                self._end_pull()
                continue
            for key, state in first:
                self._take_state(pull, taken, key, state, clock, message.clock, wall_ms)
            if rest:
                self._states.appendleft((sender, replace(message, rows=rest)))
                break
            pull.serials[message.serial] = None
            if message.done:
                pull.last = message.serial
                pull.clock = pull.clock or clock
            if pull.is_done and pull.clock is not None:
                if pull.is_whole and self._lattice.know(pull.clock, pull.watch):
                    taken.clock = pull.clock.encode()
                    self._incoming.waiting.forget(self._lattice.clock)
                self._end_pull()
                self._retry = True

    def _take_state(
        self, pull: Pull, taken: Taken, key: bytes, state: bytes, clock: Clock, encoded: bytes,
        wall_ms: WallMs,
    ) -> None:  # fmt: skip
        try:
            if not self._holder.hlc.observe(top_stamp(state), wall_ms):
                raise ValueError("too far ahead")
            self._holder.merge_state(key, state, clock)
        except ValueError:
            self._refused += 1
            pull.is_whole = False  # Rule X5
        else:
            taken.states.append((key, state, encoded))

    # -- the turn --------------------------------------------------------------------------------------

    def take(self, wall_ms: WallMs) -> Taken | None:
        """Take what has come and can be taken; None: nothing."""
        if self.full or not (self._states or self._retry):
            self._incoming.set_aside()
            self._incoming.waiting.trim()
            return None
        taken = Taken()
        self._take_states(taken, wall_ms)
        self._retry = False
        self._take_updates(taken, wall_ms)
        if not self._incoming.has_more:
            self._incoming.waiting.trim()
        if not self.caught_up and self._pull is None:
            self._look_whether_caught_up()
        return None if taken.is_empty else taken

    def _take_updates(self, taken: Taken, wall_ms: WallMs) -> None:
        """In an order in which they can be taken (Rule L4)."""
        incoming, pull = self._incoming, self._pull
        if pull is None:
            incoming.take_at_once(taken.bundles, wall_ms)
        else:
            incoming.set_aside()
        self._retry = incoming.has_more
        if pull is None or pull.clock is not None:  # Rule X1
            incoming.take_waiting(taken.bundles, None if pull is None else pull.clock, wall_ms)
        if incoming.has_own:
            incoming.has_own = False
            self.is_forgetful = True  # Rule N10
        if taken.bundles:
            self._lack_ticks = 0
            for bundle in taken.bundles:
                self._thanks.update(dict.fromkeys([node_of(actor) for actor in bundle.spans]))
            self.retained.keep(taken.bundles)

    def _look_whether_caught_up(self) -> None:
        """Rule N13: it has what all whom it hears had when they told."""
        covers = self._lattice.clock.covers
        has_all = [peer.clock is not None and covers(peer.clock) for peer in self._up_peers()]
        nodes, count = self.witnesses
        heard = [node for node in nodes if node in self._peers and self._peers[node].up]
        if has_all and all(has_all) and len(heard) >= count:
            self.caught_up = True

    def tick(self) -> None:
        """One tick of the driver's clock."""
        settings = self.settings
        if len(self._incoming.waiting):
            self._retry = True
        if not self.caught_up:
            self._retry = True
        for node, peer in self._peers.items():
            if not peer.up:
                continue
            peer.told_ticks += 1
            if not self._is_level(peer) and peer.told_ticks >= settings.tell_ticks:
                self._tell(node, peer, True)
            elif not peer.is_told and peer.told_ticks >= settings.tell_ticks // 8:
                self._tell(node, peer, False)
        if not self._incoming.has_more or self._lattice.tree.stale_count > STALE_MAX:
            self._lattice.tree.settle(DIGESTED_PER_TICK)
        self._ask()
        self._look_at_memories()
        self._give()
        pull = self._pull
        if pull is not None:
            pull.idle_ticks += 1
            patience = settings.patience_ticks if pull.clock is None else settings.silence_ticks
            if pull.idle_ticks > patience:
                self._end_pull()
        if self._may_forget:
            self._may_forget = False
            self.retained.forget(self.stable())

    def _ask(self) -> None:
        """Rules N4, N8."""
        if self._pull is not None or self.full:
            return
        clock = self._lattice.clock
        ahead = [
            node
            for node, peer in self._peers.items()
            if peer.up and peer.clock is not None and not clock.covers(peer.clock)
        ]
        if not ahead:
            self._lack_ticks = 0
            return
        self._lack_ticks += 1
        if self._lack_ticks < self.settings.patience_ticks:
            return
        self._lack_ticks = 0
        lacks = {node: self._missing_from(node) for node in ahead}
        self._asked = whom_to_ask(lacks, self._asked, self.settings.node)
        self.messages.append((self._asked, Want(lacks[self._asked][: self.settings.want_ranges_max])))

    def _look_at_memories(self) -> None:
        """Rule N11."""
        level = [node for node, peer in self._peers.items() if peer.up and self._is_level(peer)]
        is_free = self._pull is None and not self.full and len(level) == len(self._up_peers())
        if self._memories.is_due(self._lattice.bases_count, is_free and bool(level)):
            self._begin_pull(level[self._pull_number % len(level)])

    def _missing_from(self, node: NodeId) -> list[tuple[int, int, int]]:
        theirs = self._peers[node].clock
        assert theirs is not None
        return self._lattice.clock.missing_from(theirs)

    def _give(self) -> None:
        settings = self.settings
        for node, bundles in list(self._wants.items()):
            given = take_portion(bundles, settings.give_bytes_per_tick)
            self.messages.extend([(node, one) for one in portions_of(given, settings.message_bytes_max)])
            if not bundles:
                del self._wants[node]
        for node, peer in self._peers.items():
            if peer.give is None or len(self._after) >= AFTER_MAX:
                continue
            out: list[OfGossip] = []
            give = peer.give
            is_over = give.go_on(self._lattice, settings.give_bytes_per_tick, settings.message_bytes_max, out)
            if is_over or give.idle_ticks > settings.silence_ticks:
                peer.give = None
            for message in out:
                if self._saves:
                    self._after.append((self._last_save, node, message))  # type: ignore[arg-type]
                else:
                    self.messages.append((node, message))  # type: ignore[arg-type]


__all__ = ["Gossip", "Holder", "Taken"]
