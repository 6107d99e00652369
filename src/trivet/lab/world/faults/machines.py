"""Faults of processes and clocks: crashes, power cuts, pauses, slow turns, stops, skew."""

from trivet.core.base.ids import NodeId
from trivet.lab.world.faults.ground import Ground
from trivet.lab.world.faults.walls import cut_off
from trivet.lab.world.process import Process

AMBUSH_US = 100
AMBUSH_TIMES = 2_000
"""How long a power cut waits for something to be written and not yet synced."""


def kill(g: Ground) -> bool:
    """SIGKILL: what was not handed to the disk is lost."""
    return _crash(g, False)


def power(g: Ground) -> bool:
    """A power cut: what was not synced may be lost. Often it comes just when there is something to lose."""
    if not g.prng.chance(g.options.ambush_rate):
        return _crash(g, True)
    victim = g.choose()
    silent = g.prng.chance(g.options.silent_crash_rate)
    away_us = g.span_us()

    def lie_in_wait(patience: int) -> None:
        if patience and not victim.disk.unsynced():
            g.later(AMBUSH_US, lambda: lie_in_wait(patience - 1))
            return
        victim.crash(True, silent)
        g.later(away_us, victim.start)

    lie_in_wait(AMBUSH_TIMES)
    return True


def _crash(g: Ground, power_cut: bool) -> bool:
    victim = g.choose()
    if not victim.is_up():
        return False
    victim.crash(power_cut, power_cut and g.prng.chance(g.options.silent_crash_rate))
    g.later(g.span_us(), victim.start)
    return True


def kill_all(g: Ground) -> bool:
    """All at once."""
    power_cut = g.prng.chance(0.5)
    for process in g.victims.processes.values():
        process.crash(power_cut, False)
        g.later(g.span_us(), process.start)
    return True


def pause(g: Ground) -> bool:
    """SIGSTOP, later SIGCONT."""
    victim = g.choose()
    if not victim.is_up() or victim.paused:
        return False
    victim.pause()
    g.later(g.span_us(), victim.resume)
    return True


def slow_node(g: Ground) -> bool:
    """The turns of one process take long: a starved or swapping machine."""
    victim = g.choose()
    victim.slow_us = g.prng.between(1_000, g.options.slow_node_ms_max * 1000)
    g.say(f"turns of {victim.node} take up to {victim.slow_us} us longer")

    def end() -> None:
        victim.slow_us = 0

    g.later(2 * g.span_us(), end)
    return True


def stop(g: Ground) -> bool:
    """SIGTERM, and a start some time later."""
    victim = g.choose()
    if not victim.is_up():
        return False
    victim.stop()
    life = victim.incarnation
    g.later(3_000_000 + g.span_us(), lambda: _end_stop(victim, life))
    return True


def _end_stop(victim: Process, life: int) -> None:
    if victim.is_up() and victim.incarnation == life:
        victim.crash(False, False)
    victim.start()


def clock_jump(g: Ground) -> bool:
    """A wall clock is set, forwards or backwards."""
    most_ms = g.options.clock_jump_ms_max
    victim = g.choose()
    victim.clock.wall_offset_ms += g.prng.between(-most_ms, most_ms)
    return True


def clock_rate(g: Ground) -> bool:
    """A clock begins to run faster or slower, within the drift that the run allows."""
    most_ppm = g.options.drift_ppm_max
    if not most_ppm:
        return False
    g.choose().clock.set_rate(g.prng.between(-most_ppm, most_ppm))
    return True


def fate(g: Ground, leader: NodeId) -> bool:
    """A leader whose fate it is falls soon after its election, its work half done; or a voter does."""
    options = g.options
    if not options.fate_rate or not g.prng.chance(options.fate_rate):
        return False
    nodes = g.nodes
    fated = leader if g.prng.chance(options.fate_leader_rate) else nodes[g.prng.below(len(nodes))]
    latest_us = options.fate_ms_max * (1000 if g.prng.chance(0.5) else 125)
    g.later(g.prng.between(0, latest_us), lambda: _fall(g, fated, leader))
    return True


def _fall(g: Ground, node: NodeId, leader: NodeId) -> None:
    victim = g.victims.processes.get(node)
    if victim is None:
        return
    if node != leader and g.prng.chance(0.5):
        # A voter falls, and nobody hears from the leader it voted for.
        cut_off(g, leader)
        victim.crash(True, False)
        g.later(g.span_us() // 4, victim.start)
        return
    if not victim.is_up():
        return
    way = g.prng.below(4)
    if way == 0:
        victim.pause()
        g.later(g.span_us(), victim.resume)
    elif way == 1:
        cut_off(g, node)
    else:
        victim.crash(way == 2, False)
        g.later(g.span_us(), victim.start)


def commit_fate(g: Ground, leader: NodeId) -> bool:
    """A leader is cut off just as it commits: nothing that it sends in this turn arrives."""
    if not g.options.commit_fate_rate or not g.prng.chance(g.options.commit_fate_rate):
        return False
    cut_off(g, leader)
    return True
