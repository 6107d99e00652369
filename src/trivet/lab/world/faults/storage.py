"""Faults of disks. What costs synced data befalls one node per run only, so that a copy is left (LAB4)."""

from trivet.lab.world.faults.ground import Ground


def disk_stall(g: Ground) -> bool:
    """Nothing completes for a while."""
    g.choose().disk.stalled_until_us = g.now_us + g.span_us()
    return True


def disk_slow(g: Ground) -> bool:
    """Everything takes many times as long."""
    disk = g.choose().disk
    disk.slow_factor = g.prng.between(2, 50)

    def end() -> None:
        disk.slow_factor = 1

    g.later(g.span_us(), end)
    return True


def disk_hang(g: Ground) -> bool:
    """Nothing completes any more: until the disk is replaced, which may be long after."""
    victim = g.choose()
    if victim.disk.hanging:
        return False
    victim.disk.hang()
    g.say(f"disk of {victim.node} hangs")
    if victim.seen is not None and victim.seen.role == "leader":
        g.shared.hung_leader = victim.node

    def end() -> None:
        g.say(f"disk of {victim.node} answers again")
        victim.disk.release()

    g.later(g.span_us() + 1000 * g.prng.between(0, g.options.disk_hang_ms_max), end)
    return True


def disk_full(g: Ground) -> bool:
    """No space is left."""
    victim = g.choose()
    victim.disk.full = True
    g.say(f"disk of {victim.node} is full")
    life, refused = victim.incarnation, victim.disk.refused

    def end() -> None:
        if victim.disk.refused > refused and victim.is_up() and victim.incarnation == life:
            g.victims.sometimes.count("disk full survived")
        victim.disk.full = False

    g.later(2 * g.span_us(), end)
    return True


def sync_failure(g: Ground) -> bool:
    """The next sync of the log fails, or that of a snapshot."""
    victim = g.choose()
    disk = victim.disk
    if not victim.is_up() or disk.sync_failures_due or disk.bulk_failures_due:
        return False
    if g.prng.chance(0.3):
        disk.bulk_failures_due = 1
    else:
        disk.sync_failures_due = 1
    g.later(g.span_us() + 1_000_000, victim.start)
    return True


def bit_rot(g: Ground) -> bool:
    """One bit flips: of a synced log while its node is down, or of a snapshot while the node runs."""
    victim = g.rotten()
    if victim is None:
        return False
    if g.prng.chance(g.options.rot_snapshot_rate):
        spot = g.victims.factory.rot_spot(victim.disk, g.prng.below, "snapshot")
    else:
        # With the power: what is left is durable, and its last frame proves the others.
        victim.crash(True, False)
        g.later(g.span_us(), victim.start)
        spot = g.victims.factory.rot_spot(victim.disk, g.prng.below, "log")
    if spot is None:
        return False
    file, offset = spot
    bit = g.prng.below(8)
    victim.disk.flip_bit(file, offset, bit)
    g.say(f"bit {bit} of byte {offset} of {file} of node {victim.node} flips")
    return True


def misdirect(g: Ground) -> bool:
    """The next write of the log lands somewhere else in its file; the node finds out when it starts again."""
    victim = g.rotten()
    if victim is None or not victim.is_up() or victim.disk.misdirect_due:
        return False
    victim.disk.misdirect_due = True
    soon_us = g.span_us() // (1 if g.prng.chance(0.5) else 8)
    g.later(soon_us, lambda: victim.crash(g.prng.chance(0.5), False))
    g.later(2 * g.span_us() + 1_000_000, victim.start)
    return True


def wipe(g: Ground) -> bool:
    """A machine comes back with an empty disk and its old configuration: nobody may listen to it."""
    victim, cluster = g.rotten(), g.cluster()
    row = None if victim is None or cluster is None else cluster.nodes.get(victim.node)
    if victim is None or victim.wiped or row is None or not row.birth:
        return False
    g.say(f"disk of {victim.node} is wiped")
    victim.crash(True, False)
    victim.wipe()
    g.later(g.span_us(), victim.start)
    return True
