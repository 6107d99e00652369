"""What is known of a cluster as tables of text: columns as wide as their widest word, two blanks between."""

import click
import msgspec

from trivet.cli.leaving import percent
from trivet.cli.view import PAXOS, SYSTEM_GROUP, GroupFacts, KeyspaceFacts, NodeFacts, Plain, View

_STYLES = {"up": "", "joining": "cyan", "draining": "yellow", "no": "red", "nobody": "red"}
_KIB = 1024


def columns(titles: list[str], rows: list[list[str]]) -> list[str]:
    """A table. States are coloured on a terminal (``click.echo`` takes the colours out otherwise)."""
    widths = [max(len(row[i]) for row in [titles, *rows]) for i in range(len(titles))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(titles, widths, strict=True)).rstrip()]
    for row in rows:
        cells = [
            click.style(cell.ljust(width), fg=_STYLES[cell]) if _STYLES.get(cell) else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    return lines


def node_table(view: View) -> list[str]:
    """The nodes."""
    titles = ["node", "address", "state", "alive", "zone", "replicas", "leads"]
    return columns(titles, [_node_row(view, node) for node in view.nodes])


def _node_row(view: View, node: NodeFacts) -> list[str]:
    held = [group for group in view.held_by(node.id) if group.id != SYSTEM_GROUP]
    alive = "unreachable" if node.unreachable else "yes" if node.alive else "no"
    if alive != "yes" and node.silent_ms:
        alive = f"{alive}, {duration(node.silent_ms)}"
    return [
        str(node.id),
        f"{node.host}:{node.client_port}",
        node.state,
        alive,
        node.zone or "-",
        str(len(held)),
        str(len(view.led_by(node.id))),
    ]


def keyspace_table(keyspaces: list[KeyspaceFacts]) -> list[str]:
    """The keyspaces."""
    titles = ["keyspace", "name", "mode", "replicas", "shards", "databases"]
    return columns(titles, [_keyspace_row(row) for row in keyspaces])


def _keyspace_row(row: KeyspaceFacts) -> list[str]:
    shards = "together" if row.together else str(row.shards or "auto")
    return [str(row.number), row.name, row.mode, str(row.replicas), shards, row.databases or "-"]


def group_table(view: View) -> list[str]:
    """The groups."""
    titles = ["group", "keyspace", "slots", "members", "leader", "state", "keys", "size", "ops/s"]
    return columns(titles, [_group_row(view, group) for group in view.groups])


def _group_row(view: View, group: GroupFacts) -> list[str]:
    system = group.id == SYSTEM_GROUP
    names = {row.number: row.name for row in view.keyspaces}
    leader = str(group.leader or "nobody")
    if not view.is_led(group):
        leader = "-"
    members = " ".join(str(node) for node in group.members)
    if sorted(group.target) != sorted(group.members):
        members += " -> " + " ".join(str(node) for node in group.target)
    return [
        str(group.id),
        "system" if system else names.get(group.keyspace, str(group.keyspace)),
        "-" if system else group.slots or "none",
        members,
        leader,
        state_of(view, group),
        "-" if system or group.keys is None else f"{group.keys:,}",
        "-" if system or group.bytes is None else size(group.bytes),
        "-" if system or group.ops is None else f"{group.ops:,}",
    ]


def state_of(view: View, group: GroupFacts) -> str:
    """How the members of a group stand to each other, if there is more to it than their numbers."""
    found = []
    if group.id in view.undecided():
        found.append("no majority")
    if group.id in view.unserved():
        found.append("nobody alive")
    if group.incoming:
        found.append("joint" if view.mode_of(group) == PAXOS else "handing over")
    if group.doubtful:
        found.append("doubtful: " + " ".join(str(node) for node in group.doubtful))
    if group.behind:
        found.append("behind: " + " ".join(str(node) for node in group.behind))
    return ", ".join(found) or "-"


def move_table(view: View) -> list[str]:
    """The moves."""
    rows = [
        [
            str(move.id),
            f"{move.source} -> {move.target}",
            move.slots,
            move.phase,
            percent(move) if move.phase == "copy" else "100%",
            duration(move.age_ms),
            move.reason,
        ]
        for move in view.moves
    ]
    return columns(["move", "groups", "slots", "phase", "done", "age", "why"], rows)


def facts_lines(facts: dict[str, Plain]) -> list[str]:
    """Names and values, a line each; lists of rows indented below their name."""
    lines: list[str] = []
    for name, value in facts.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lines.append(f"{name}:")
            lines += [
                "  " + "  ".join(f"{key}={words(part)}" for key, part in row.items())
                for row in value
                if isinstance(row, dict)
            ]
        else:
            lines.append(f"{name}: {words(value)}")
    return lines


def words(value: Plain) -> str:
    """One value."""
    if isinstance(value, list):
        return ",".join(words(part) for part in value)
    return "-" if value is None else str(value)


def size(size_bytes: int) -> str:
    """A size for people."""
    if size_bytes < 10 * _KIB:
        return f"{size_bytes} B"
    if size_bytes < 10 * _KIB**2:
        return f"{size_bytes // _KIB} KiB"
    return f"{size_bytes // _KIB**2} MiB" if size_bytes < 10 * _KIB**3 else f"{size_bytes // _KIB**3} GiB"


def duration(ms: int) -> str:
    """A time for people."""
    seconds = ms // 1000
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def as_data(found: object) -> object:
    """Structs as JSON's own types."""
    return msgspec.to_builtins(found)


def show_json(found: object) -> str:
    """JSON for programs, and for people who look at it."""
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
