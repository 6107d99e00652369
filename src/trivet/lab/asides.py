"""What the disks of a run hold of files that primaries have set aside, against what their nodes count.

Where it stands: between the end of a run and its judges.
"""

from collections.abc import Mapping

from trivet.core.group.set_aside import PREFIX, SUFFIX, read_file
from trivet.lab.judges.complaint import Complaint
from trivet.lab.world.process import Process


def read(processes: Mapping[int, Process]) -> tuple[dict[bytes, int], list[Complaint]]:
    """(key, how often it stands in a file) of every call; complaints where a node counts otherwise."""
    found: dict[bytes, int] = {}
    complaints: list[Complaint] = []
    for node, process in processes.items():
        calls = 0
        for name in process.disk.names():
            if not (name.startswith(PREFIX) and name.endswith(SUFFIX)):
                continue
            _, rows = read_file(process.disk.read(name, 0, process.disk.size_bytes(name)))
            for row in rows:
                for batch in row.batches:
                    calls += len(batch.calls)
                    for _, words in batch.calls:
                        if len(words) > 1:
                            found[words[1]] = found.get(words[1], 0) + 1
        counted = process.set_aside_calls()
        if counted is not None and counted != calls:
            sentence = f"node {node} counts {counted} calls that were set aside, its files hold {calls}"
            complaints.append(Complaint("primary", sentence, []))
    return found, complaints
