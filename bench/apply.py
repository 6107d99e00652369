"""What one command costs to apply, in the machine alone; and what one element takes.

Each figure is the minimum of several rounds, in CPU time: the least that the command can cost. The commands
of ``SCALE`` run on collections of two sizes, so that one that costs more the more there is shows
itself. Memory is the growth of the process, beside the growth of redis-server's ``used_memory``.

`python -m bench.apply` prints tables; `--json` prints figures of one build.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import trivet.core.machine.machine  # noqa: F401 (fills the table)
from bench.report import replace_between, table
from trivet.core.base.prng import Prng
from trivet.core.command.table import ROWS, Context
from trivet.core.values.databases import Databases
from trivet.core.wire.reply import Error

Args = list[bytes]
ROUNDS = 3
CALLS = 20_000


class Store:
    """A state and a clock: what commands are applied to."""

    def __init__(self) -> None:
        self.context = Context(Databases())
        self.context.now_ms = 1_700_000_000_000
        self.context.databases.set_now(self.context.now_ms)
        self.context.prng = Prng(1)

    def apply(self, calls: list[Args]) -> None:
        """Apply all; an error is a mistake in this benchmark."""
        context = self.context
        for args in calls:
            run = ROWS[args[0]].run
            assert run is not None
            reply = run(context, args)
            assert not isinstance(reply, Error), (args[:3], reply)


def words(text: str) -> Args:
    """A command in a line; ``V`` stands for a value of 100 bytes."""
    return [b"x" * 100 if word == "V" else word.encode() for word in text.split()]


def numbered(text: str) -> Callable[[int], Args]:
    """A command with ``#`` for a number."""
    parts = words(text)
    return lambda number: [part.replace(b"#", b"%d" % number) for part in parts]


SMALL: dict[str, tuple[list[str], str]] = {
    "SET": ([], "SET k# V"),
    "GET": (["SET k V"], "GET k"),
    "INCR": ([], "INCR n"),
    "APPEND": ([], "APPEND k# x"),
    "SETBIT": ([], "SETBIT b# 7 1"),
    "BITCOUNT": (["SET k V"], "BITCOUNT k"),
    "EXPIRE": (["SET k V"], "EXPIRE k 100"),
    "DEL of nothing": ([], "DEL k#"),
    "HSET": ([], "HSET h f# V"),
    "HGET": (["HSET h f V"], "HGET h f"),
    "LPUSH": ([], "LPUSH l V"),
    "LRANGE 0 9": (["RPUSH l 1 2 3 4 5 6 7 8 9 10 11 12"], "LRANGE l 0 9"),
    "SADD": ([], "SADD s m#"),
    "SISMEMBER": (["SADD s m"], "SISMEMBER s m"),
    "ZADD": ([], "ZADD z # m#"),
    "ZINCRBY": (["ZADD z 1 m"], "ZINCRBY z 1 m"),
    "ZRANGE 0 9": (["ZADD z 1 a 2 b 3 c 4 d 5 e 6 f 7 g 8 h 9 i 10 j 11 k"], "ZRANGE z 0 9"),
    "PFADD": ([], "PFADD p e#"),
    "GEOADD": ([], "GEOADD g 2.5 48.8 m#"),
    "XADD": ([], "XADD x * field V"),
    "XRANGE COUNT 10": (["XADD x 1-1 a b"] * 1, "XRANGE x - + COUNT 10"),
    "EVAL return 1": ([], "EVAL return(1) 0"),
    "EVAL of three commands": (
        [],
        "EVAL redis.call('set','a',1)redis.call('incr','a')return(redis.call('get','a')) 0",
    ),
}
"""By what the table says: commands that prepare, and the one that is measured."""


def fill_list(size: int) -> Iterator[Args]:
    """A list of so many elements."""
    for first in range(0, size, 1000):
        yield [b"RPUSH", b"k", *(b"element:%d" % n for n in range(first, first + 1000))]


def fill_hash(size: int) -> Iterator[Args]:
    """A hash of so many fields."""
    for first in range(0, size, 1000):
        yield [
            b"HSET",
            b"k",
            *(w for n in range(first, first + 1000) for w in (b"field:%d" % n, b"value:%d" % n)),
        ]


def fill_set(size: int) -> Iterator[Args]:
    """A set of so many members."""
    for first in range(0, size, 1000):
        yield [b"SADD", b"k", *(b"member:%d" % n for n in range(first, first + 1000))]


def fill_sorted_set(size: int) -> Iterator[Args]:
    """A sorted set of so many members, in a mixed order of scores."""
    for first in range(0, size, 1000):
        numbers = range(first, first + 1000)
        yield [b"ZADD", b"k", *(w for n in numbers for w in (b"%d" % (n * 7919 % size), b"member:%d" % n))]


def fill_stream(size: int) -> Iterator[Args]:
    """A stream of so many entries."""
    for number in range(1, size + 1):
        yield [b"XADD", b"k", b"%d-1" % number, b"field", b"value:%d" % number]


SCALE: list[tuple[str, Callable[[int], Iterator[Args]], int, str]] = [
    ("LPUSH, LPOP", fill_list, 1_000_000, "LPUSH k x | LPOP k"),
    ("HSET, HGET", fill_hash, 100_000, "HSET k field:@ x | HGET k field:@"),
    ("SADD, SREM", fill_set, 1_000_000, "SADD k new:# | SREM k new:#"),
    ("ZADD", fill_sorted_set, 1_000_000, "ZADD k @ member:@"),
    ("ZRANGE of 10", fill_sorted_set, 1_000_000, "ZRANGE k @ ^"),
    ("ZRANK", fill_sorted_set, 1_000_000, "ZRANK k member:@"),
    ("XADD", fill_stream, 1_000_000, "XADD k * f v"),
    ("XRANGE COUNT 10", fill_stream, 1_000_000, "XRANGE k @-0 + COUNT 10"),
]
"""How to fill ``k``, the larger size, and commands; ``@`` is some number below the size, ``^`` 9 more."""


def cost_ns(store: Store, calls: list[Args]) -> float:
    """CPU time of one call, in ns."""
    start = time.process_time_ns()
    store.apply(calls)
    return (time.process_time_ns() - start) / len(calls)


def small_costs() -> dict[str, float]:
    """µs per command on small values."""
    figures: dict[str, float] = {}
    for name, (before, text) in SMALL.items():
        command = numbered(text)
        calls_count = CALLS if not name.startswith("EVAL") else 1000
        if words(text)[0] not in ROWS:
            continue
        best = float("inf")
        for _ in range(ROUNDS):
            store = Store()
            store.apply([words(line) for line in before])
            best = min(best, cost_ns(store, [command(n) for n in range(calls_count)]))
        figures[name] = best / 1000
    return figures


def scale_costs(sizes_max: int) -> dict[str, tuple[int, float, int, float]]:
    """By name: (size, µs per command, larger size, µs per command)."""
    figures: dict[str, tuple[int, float, int, float]] = {}
    fresh = count()
    for name, fill, largest, text in SCALE:
        if fill is fill_stream and b"XADD" not in ROWS:
            continue
        result: list[float] = []
        sizes = [1000, min(largest, sizes_max)]
        for size in sizes:
            store = Store()
            for args in fill(size):
                store.apply([args])
            chance = random.Random(7)
            best = float("inf")
            for _ in range(ROUNDS):
                calls: list[Args] = []
                for _ in range(2000):
                    place, number = chance.randrange(size), next(fresh)
                    for part in text.split(" | "):
                        line = (
                            part.replace("@", str(place))
                            .replace("^", str(place + 9))
                            .replace("#", str(number))
                        )
                        calls.append(line.encode().split())
                best = min(best, cost_ns(store, calls))
            result.append(best / 1000)
        figures[name] = (sizes[0], result[0], sizes[1], result[1])
    return figures


MEMORY: dict[str, tuple[Callable[[int], Iterator[Args]], int]] = {
    "list": (fill_list, 200_000),
    "hash": (fill_hash, 200_000),
    "set": (fill_set, 200_000),
    "sorted set": (fill_sorted_set, 200_000),
    "stream": (fill_stream, 200_000),
}


def rss_bytes() -> int:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def memory_of(kind: str) -> float:
    """Bytes per element of one large collection here; to be asked in a process of its own."""
    fill, size = MEMORY[kind]
    store = Store()
    store.apply([[b"SET", b"warm", b"up"]])
    before = rss_bytes()
    for args in fill(size):
        store.apply([args])
    return (rss_bytes() - before) / size


def memory_of_redis(kind: str) -> float | None:
    """The same in redis-server; None where there is none."""
    import redis

    fill, size = MEMORY[kind]
    with tempfile.TemporaryDirectory() as directory:
        socket = f"{directory}/s"
        words_ = ["redis-server", "--port", "0", "--unixsocket", socket, "--save", ""]
        try:
            process = subprocess.Popen(words_, stdout=subprocess.DEVNULL, cwd=directory)
        except FileNotFoundError:
            return None
        try:
            client = redis.Redis(unix_socket_path=socket)
            deadline = time.monotonic() + 10
            while True:
                try:
                    client.ping()
                    break
                except redis.ConnectionError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)
            before = client.info("memory")["used_memory"]
            pipeline = client.pipeline(transaction=False)
            for args in fill(size):
                pipeline.execute_command(*args)
            pipeline.execute()
            return (client.info("memory")["used_memory"] - before) / size  # type: ignore[no-any-return]
        finally:
            process.terminate()
            process.wait()


def memory_figures() -> dict[str, tuple[float, float | None]]:
    """By kind: bytes per element here and in redis-server."""
    figures: dict[str, tuple[float, float | None]] = {}
    for kind, (fill, _) in MEMORY.items():
        if fill is fill_stream and b"XADD" not in ROWS:
            continue
        asked = [sys.executable, "-m", "bench.apply", "--memory", kind]
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
        figures[kind] = (float(done.stdout), memory_of_redis(kind))
    return figures


Figures = dict[str, dict[str, object]]
BEGIN = "<!-- apply:begin (written by `make bench`) -->"
END = "<!-- apply:end -->"
ROOT = Path(__file__).resolve().parent.parent
COMPILED = ROOT / ".venv-compiled" / "bin" / "python"


def figures_of(options: argparse.Namespace) -> Figures:
    """Everything, of the build that runs this."""
    memory = {} if options.no_memory else memory_figures()
    return {"small": {**small_costs()}, "scale": {**scale_costs(options.size)}, "memory": {**memory}}


def figures_of_compiled(options: argparse.Namespace) -> Figures | None:
    """The same of the compiled build; None where there is none."""
    if not COMPILED.exists():
        return None
    words_ = [str(COMPILED), "-m", "bench.apply", "--json", "--no-memory", "--size", str(options.size)]
    done = subprocess.run(words_, cwd=ROOT, capture_output=True, text=True, check=True)
    figures: Figures = json.loads(done.stdout)
    return figures


def markdown(pure: Figures, compiled: Figures | None) -> str:
    """Three tables."""

    def us(figures: Figures | None, kind: str, name: str, at: int | None = None) -> str:
        figure = figures[kind].get(name) if figures is not None else None
        if isinstance(figure, list | tuple) and at is not None:
            figure = figure[at]
        return f"{figure:.2f}" if isinstance(figure, float) else "–"

    rows = [[name, us(pure, "small", name), us(compiled, "small", name)] for name in pure["small"]]
    lines = ["Small values, µs per command:", "", *table(["", "pure", "compiled"], rows)]
    rows = []
    for name, figure in pure["scale"].items():
        assert isinstance(figure, list | tuple)
        cells = [us(figures, "scale", name, at) for figures in (pure, compiled) for at in (1, 3)]
        rows.append([name, f"{figure[2]:,}", *cells])
    head = ["", "many", "pure, of 1,000", "pure, of many", "compiled, of 1,000", "compiled, of many"]
    lines += ["Collections of 1,000 elements and of many, µs per command:", "", *table(head, rows)]
    rows = []
    for kind, figure in pure["memory"].items():
        assert isinstance(figure, list | tuple)
        theirs = f"{figure[1]:.0f}" if figure[1] else "–"
        rows.append([kind, f"{figure[0]:.0f}", theirs])
    lines += [
        "Bytes per element, 200,000 short elements:",
        "",
        *table(["", "Trivet", "redis-server 7.0"], rows),
    ]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.apply", description=__doc__)
    parser.add_argument("--json", action="store_true", help="figures for a program")
    parser.add_argument("--size", type=int, default=1_000_000, help="the largest collection")
    parser.add_argument("--no-memory", action="store_true", help="leave memory out")
    parser.add_argument("--no-docs", action="store_true", help="leave docs/performance.md alone")
    parser.add_argument("--memory", choices=list(MEMORY), help="only bytes per element of this kind")
    options = parser.parse_args()
    if options.memory:
        print(memory_of(options.memory))
        return
    pure = figures_of(options)
    if options.json:
        print(json.dumps(pure))
        return
    text = markdown(pure, figures_of_compiled(options))
    print(text)
    if not options.no_docs:
        replace_between(ROOT / "docs" / "performance.md", BEGIN, END, text)


if __name__ == "__main__":
    main()
