"""Which file system a path lies on, and whether what is written there outlives the machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

IN_MEMORY = frozenset({"tmpfs", "ramfs", "devtmpfs"})
OF_CONTAINER = frozenset({"overlay", "aufs", "fuse.fuse-overlayfs", "vfs"})
"""The writable layer of a container: it is thrown away with it (facts: peers, 6)."""
OF_NETWORK = frozenset(
    {"fuse", "nfs", "nfs4", "cifs", "smb3", "smbfs", "lustre", "beegfs", "ceph", "glusterfs", "9p",
     "virtiofs", "gpfs"}
)  # fmt: skip
_NO_STORE = frozenset(
    {"proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "debugfs", "tracefs", "securityfs", "pstore",
     "bpf", "configfs", "fusectl", "hugetlbfs", "autofs", "squashfs", "iso9660", "binfmt_misc", "rpc_pipefs",
     "nsfs", "efivarfs"}
)  # fmt: skip
_OF_SYSTEM = ("/proc", "/sys", "/dev", "/boot", "/run", "/etc", "/usr", "/snap", "/var", "/lib", "/tmp")


class Mount(NamedTuple):
    """One line of mountinfo: where it is seen, its kind, what lies behind it."""

    point: PurePosixPath
    kind: str
    source: str
    is_read_only: bool
    is_noexec: bool
    number: str = ""
    """The kernel's own: what is mounted at the same place later has another."""

    @property
    def is_in_memory(self) -> bool:
        return self.kind in IN_MEMORY

    @property
    def is_of_container(self) -> bool:
        return self.kind in OF_CONTAINER

    @property
    def is_network(self) -> bool:
        return self.kind in OF_NETWORK or (self.kind.startswith("fuse.") and not self.is_of_container)

    @property
    def may_vanish(self) -> bool:
        """True for what hangs on a server, a process or a volume that can go while it stays mounted."""
        return self.kind != "autofs" and (self.is_network or self.is_store)

    @property
    def is_store(self) -> bool:
        """True for what people keep files on: no system file system, writable, not in memory."""
        name = str(self.point)
        return not (
            self.kind in _NO_STORE
            or self.is_in_memory
            or self.is_of_container
            or self.is_read_only
            or any(name == top or name.startswith(top + "/") for top in _OF_SYSTEM)
        )


def parse(text: str) -> list[Mount]:
    """The mounts of a mountinfo file, in its order; lines that are none are left out."""
    found = []
    for line in text.splitlines():
        fields = line.split()
        if "-" not in fields[6:] or len(fields) < 10:
            continue
        kind_at = fields.index("-", 6) + 1
        if len(fields) < kind_at + 3:
            continue
        options = {*fields[5].split(","), *fields[kind_at + 2].split(",")}
        found.append(
            Mount(
                point=PurePosixPath(_unescaped(fields[4])),
                kind=fields[kind_at],
                source=_unescaped(fields[kind_at + 1]),
                is_read_only="ro" in options,
                is_noexec="noexec" in options,
                number=fields[0],
            )
        )
    return found


def mount_of(path: Path, mounts: Sequence[Mount]) -> Mount | None:
    """The mount that an absolute path lies on, the one on top where several are at one place."""
    best: Mount | None = None
    for mount in mounts:
        is_above = path == Path(mount.point) or Path(mount.point) in path.parents
        if is_above and (best is None or len(mount.point.parts) >= len(best.point.parts)):
            best = mount
    return best


def _unescaped(text: str) -> str:
    r"""mountinfo writes blanks and backslashes as \040 and the like."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
