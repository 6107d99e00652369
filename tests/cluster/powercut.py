"""A real power cut: ext4 on loop devices, shut down by ioctl with its unwritten pages dropped (root only).

``EXT4_IOC_SHUTDOWN`` with ``NOLOGFLUSH`` stops the file system at once: what was not synced is gone, an
unsynced rename included. Mounting it again replays the journal, as after a real cut.
"""

import fcntl
import os
import shutil
import struct
import subprocess
import time

_EXT4_IOC_SHUTDOWN = 0x8004587D
_NOLOGFLUSH = 2
SIZE_BYTES = 256 * 1024 * 1024


def sh(*words):
    """Run a command; whether it succeeded."""
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


class Disk:
    """One file system on a loop device."""

    def __init__(self, image, mount_point):
        self.image = image
        self.path = mount_point
        with image.open("wb") as file:
            file.truncate(SIZE_BYTES)
        mount_point.mkdir(exist_ok=True)
        self.mounted = sh("mkfs.ext4", "-q", "-F", str(image)) and self.mount()

    def mount(self):
        """Mount it; whether that worked.

        While a process elsewhere still has the former mount (a sandbox that was begun meanwhile has copies of all), it
        is the file system without power that is mounted again: so until it can be written to.
        """
        deadline_s = time.monotonic() + 60
        while True:
            self.mounted = sh("mount", "-o", "loop", str(self.image), str(self.path))
            if not self.mounted or self._has_power():
                return self.mounted
            self.unmount()
            assert time.monotonic() < deadline_s, f"somebody keeps the former mount of {self.path}"
            time.sleep(0.1)

    def _has_power(self):
        try:
            (self.path / "power").touch()
            (self.path / "power").unlink()
        except OSError:
            return False
        return True

    def cut(self):
        """The power goes."""
        fd = os.open(self.path, os.O_RDONLY)
        try:
            fcntl.ioctl(fd, _EXT4_IOC_SHUTDOWN, struct.pack("I", _NOLOGFLUSH))
        finally:
            os.close(fd)

    def unmount(self):
        """Unmount, as soon as nobody holds a file open any more."""
        deadline_s = time.monotonic() + 60
        while self.mounted and not sh("umount", str(self.path)):
            assert time.monotonic() < deadline_s, f"cannot unmount {self.path}"
            time.sleep(0.05)
        self.mounted = False


def why_not(directory):
    """Why power cuts cannot be made here; empty when they can."""
    if os.geteuid() != 0:
        return "needs root"
    if shutil.which("mkfs.ext4") is None:
        return "mkfs.ext4 is not installed"
    directory.mkdir(parents=True, exist_ok=True)
    disk = Disk(directory / "probe.img", directory / "probe")
    if not disk.mounted:
        return "loop devices cannot be mounted here"
    try:
        disk.cut()
    except OSError as error:
        return f"EXT4_IOC_SHUTDOWN: {error.strerror}"
    finally:
        disk.unmount()
        (directory / "probe.img").unlink()
    return ""
