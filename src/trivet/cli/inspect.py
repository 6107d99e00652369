"""``trivet inspect``: what lies in a node's data directory. Read-only, also beside a running node."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trivet.core.wal.describe import View


class ReadOnlyDirectory:
    """A directory as ``core.base.disk.Storage``, not locked. A file that vanishes meanwhile is empty."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> list[str]:
        """All file names, sorted."""
        return sorted(entry.name for entry in self._path.iterdir() if entry.is_file())

    def size_bytes(self, file: str) -> int:
        """The size of ``file``."""
        try:
            return (self._path / file).stat().st_size
        except FileNotFoundError:
            return 0

    def read(self, file: str, offset: int, size_bytes: int) -> bytes:
        """Up to ``size_bytes`` bytes of ``file`` from ``offset``."""
        try:
            with (self._path / file).open("rb") as stream:
                stream.seek(offset)
                return stream.read(size_bytes)
        except FileNotFoundError:
            return b""


def data_directory(path: Path) -> Path:
    """The directory that holds the log: ``path`` itself, or ``data`` in it, as `trivet up` lays it out."""
    for candidate in (path, path / "data"):
        if any(candidate.glob("wal-*.log")):
            return candidate
    nodes = sorted(str(found) for found in path.glob("node-*") if found.is_dir())
    hint = (
        f"it holds several nodes, choose one: {', '.join(nodes)}" if nodes else "name a node's data directory"
    )
    raise click.ClickException(f"{path} holds no log: {hint}")


def size(size_bytes: int) -> str:
    """A size for people."""
    if size_bytes < 10_000:
        return f"{size_bytes} B"
    return (
        f"{size_bytes / 1024:.0f} KiB" if size_bytes < 10_000_000 else f"{size_bytes / 1024 / 1024:.1f} MiB"
    )


def lines_of(view: "View", frames: bool) -> list[str]:
    """What one thing in the directory looks like on paper."""
    from trivet.core.wal.describe import DamageView, FrameView, SegmentView

    if isinstance(view, FrameView):
        if not frames:
            return []
        head = f"  frame {view.number} at {view.offset}, {size(view.size_bytes)}"
        return [head, *(f"    {record}" for record in view.records)]
    if isinstance(view, DamageView):
        return [f"{view.kind.upper()} {view.file} at {view.offset}: {view.text}"]
    if isinstance(view, SegmentView):
        state = "spare" if view.spare else f"{view.frames} frames, {size(view.used_bytes)} used"
        return [f"segment {view.file}: {size(view.size_bytes)}, {state}"]
    if view.error:
        return [f"snapshot {view.file}: {size(view.size_bytes)}, UNUSABLE: {view.error}"]
    where = f"group {view.group}, index {view.index}, term {view.term}"
    return [f"snapshot {view.file}: {size(view.size_bytes)}, {where}, {view.chunks} chunks, digest right"]


@click.command(
    "inspect", epilog="Exit code 1 when something is corrupt. A torn end is what a crash leaves, and fine."
)
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--frames", is_flag=True, help="Show every frame of the log with its records.")
def command(directory: Path, frames: bool) -> None:
    """Show the segments of the log in DIR, its snapshots, and every place that is torn or corrupt.

    DIR is a node's data directory. Nothing is changed and nothing is locked; while the node runs, its newest
    frame may look torn.
    """
    from trivet.core.wal.describe import DamageView, SnapshotView, describe

    path = data_directory(directory)
    bad = False
    try:
        for view in describe(ReadOnlyDirectory(path)):
            bad = bad or (isinstance(view, DamageView) and view.kind != "torn")
            bad = bad or (isinstance(view, SnapshotView) and view.error != "" and view.index > 0)
            for line in lines_of(view, frames):
                click.echo(line)
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}: look whether you may read it") from error
    sys.exit(1 if bad else 0)
