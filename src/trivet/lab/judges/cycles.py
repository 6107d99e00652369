"""Cycles of dependencies: strongly connected components (Tarjan, 1972), and a shortest cycle in each.

A cycle is a list of edges, each from where the one before it ends. The kinds are Adya's ("Weak Consistency",
1999, §3): by what the cycle is made of, G0 (ww only), G1c (ww and wr), G-single (one rw), G2 (more). An order
of processes or of real time in it makes it weaker evidence against a store: it is then named so.
"""

from collections import deque
from collections.abc import Callable, Iterable

from trivet.lab.judges.dependencies import Edge, Kind

WORK_MAX = 1_000_000
"""Edges looked at while searching for short cycles; what is found until then is used."""

Cycle = list[Edge]


class Graph:
    """Edges by source; of two between the same transactions the one of the stronger kind."""

    def __init__(self, size: int, edges: Iterable[Edge]) -> None:
        self.out: list[dict[int, Edge]] = [{} for _ in range(size)]
        for edge in edges:
            held = self.out[edge.source].get(edge.target)
            if held is None or edge.kind < held.kind:
                self.out[edge.source][edge.target] = edge

    def components(self) -> list[list[int]]:
        """Strongly connected components of more than one transaction (without recursion: chains are long)."""
        index = [0] * len(self.out)
        low = [0] * len(self.out)
        on_stack = [False] * len(self.out)
        stack: list[int] = []
        found: list[list[int]] = []
        counter = 0
        for root in range(len(self.out)):
            if index[root]:
                continue
            counter += 1
            index[root] = low[root] = counter
            stack.append(root)
            on_stack[root] = True
            work = [(root, iter(self.out[root]))]
            while work:
                node, targets = work[-1]
                for target in targets:
                    if not index[target]:
                        counter += 1
                        index[target] = low[target] = counter
                        stack.append(target)
                        on_stack[target] = True
                        work.append((target, iter(self.out[target])))
                        break
                    if on_stack[target]:
                        low[node] = min(low[node], index[target])
                else:
                    work.pop()
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[node])
                    if low[node] == index[node]:
                        _cut(node, stack, on_stack, found)
        return found


def _cut(node: int, stack: list[int], on_stack: list[bool], found: list[list[int]]) -> None:
    place = len(stack) - 1
    while stack[place] != node:
        place -= 1
    component = stack[place:]
    del stack[place:]
    for member in component:
        on_stack[member] = False
    if len(component) > 1:
        found.append(sorted(component))


class Work:
    """How much may still be looked at."""

    def __init__(self, left: int = WORK_MAX) -> None:
        self.left = left


def shortest_cycle(
    graph: Graph, inside: dict[int, None], firsts: Iterable[Edge], work: Work, apart: bool = False
) -> Cycle | None:
    """The shortest cycle within ``inside`` that begins with one of ``firsts`` and goes on in ``graph``.

    ``apart``: no two rw edges may follow each other (the first edge being one).
    """
    best: Cycle | None = None
    for first in firsts:
        limit = len(best) - 2 if best is not None else len(inside)
        rest = _path(graph, inside, first.target, first.source, limit, work, apart)
        if rest is not None and (best is None or 1 + len(rest) < len(best)):
            best = [first, *rest]
            if len(best) == 2:
                break
        if work.left <= 0:
            break
    return best


def _path(
    graph: Graph, inside: dict[int, None], source: int, target: int, limit: int, work: Work, apart: bool
) -> Cycle | None:
    """The shortest way of at most ``limit`` edges, breadth first."""
    start = (source, apart)
    came: dict[tuple[int, bool], tuple[tuple[int, bool], Edge] | None] = {start: None}
    queue = deque([(start, 0)])
    while queue and work.left > 0:
        here, depth = queue.popleft()
        if depth >= limit:
            return None
        for node, edge in graph.out[here[0]].items():
            work.left -= 1
            bad = apart and edge.kind is Kind.RW
            if node not in inside or (bad and here[1]):
                continue
            there = (node, bad)
            if there in came or (node == target and bad):
                continue
            came[there] = (here, edge)
            if node == target:
                return _back(came, there)
            queue.append((there, depth + 1))
    return None


def _back(came: dict[tuple[int, bool], tuple[tuple[int, bool], Edge] | None], end: tuple[int, bool]) -> Cycle:
    way: Cycle = []
    step = came[end]
    while step is not None:
        way.append(step[1])
        step = came[step[0]]
    return way[::-1]


def shortened(cycle: Cycle, link: Callable[[int, int], Edge | None]) -> Cycle:
    """The cycle with chains of time cut short: ``link`` gives the edge of real time where there is one."""
    best = cycle
    improved = True
    while improved:
        improved = False
        nodes = [edge.source for edge in best]
        count = len(nodes)
        for start in range(count):
            for length in range(count - 1, 1, -1):
                edge = link(nodes[start], nodes[(start + length) % count])
                if edge is None or not any(
                    best[(start + i) % count].kind is Kind.REALTIME for i in range(length)
                ):
                    continue
                kept = [best[(start + length + i) % count] for i in range(count - length)]
                best = [*kept, edge]
                improved = True
                break
            if improved:
                break
    return best


def name(cycle: Cycle) -> str:
    """The anomaly that a cycle is."""
    kinds = [edge.kind for edge in cycle]
    anti = kinds.count(Kind.RW)
    base = "G2" if anti > 1 else "G-single" if anti else "G1c" if Kind.WR in kinds else "G0"
    if Kind.REALTIME in kinds:
        return base + "-realtime"
    return base + "-process" if Kind.PROCESS in kinds else base
