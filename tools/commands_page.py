"""`make commands`: writes docs/commands.md, every command of the table with what its row says."""

import sys
from pathlib import Path

from trivet.core.command.table import ROWS, SUBROWS, Row
from trivet.core.node.routes import ROUTES  # importing it fills the table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "commands.md"
TITLES = {
    "generic": "Keys",
    "string": "Strings",
    "bitmap": "Bits",
    "list": "Lists",
    "hash": "Hashes",
    "set": "Sets",
    "sorted-set": "Sorted sets",
    "stream": "Streams",
    "hyperloglog": "HyperLogLog",
    "geo": "Places",
    "pubsub": "Publish and subscribe",
    "scripting": "Scripts and functions",
    "transactions": "Transactions",
    "connection": "Connections",
    "server": "The server",
    "cluster": "The cluster",
}
HEAD = """# Commands

Written by `make commands` from the table that the server itself reads. *Since* is the version of Redis that
had the command first. [Compatibility](compatibility.md) says what differs from Redis, and what is not there.
"""


def page() -> str:
    """The whole page."""
    assert len(ROUTES) == len(ROWS)
    groups: dict[str, list[Row]] = {}
    for name, row in ROWS.items():
        groups.setdefault(row.group, []).append(row)
        groups[row.group] += SUBROWS.get(name, {}).values()
    lines = [HEAD]
    for group in sorted(groups, key=lambda group: list(TITLES).index(group)):
        lines += [f"## {TITLES[group]}", "", "| command | | cost | since |", "|---|---|---|---|"]
        for row in sorted(groups[group], key=lambda row: row.name):
            cells = [row.name.upper().replace("|", " "), row.summary, row.complexity, row.since]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main() -> int:
    """Write it; with ``--check`` only say whether it is as it should be."""
    text = page()
    if "--check" in sys.argv:
        return 0 if PAGE.exists() and PAGE.read_text() == text else 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
