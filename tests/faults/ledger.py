"""What a power cut leaves: the bytes that were synced, and a first part of the changes of names.

Every `fsync` of a forked process is written down with the size that it made safe, every change of a name with
a link to what it replaced or removed. Journals keep the order of names, so some number of the last changes is
undone: at most back to the last one whose folder was synced afterwards. What the libraries write
without any sync is cut to nothing, which is the worst that a file system does.
"""

from __future__ import annotations

import json
import os
import random
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Ledger:
    """The book of one case, kept beside its runs root (links do not cross file systems)."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.root = folder, root
        folder.mkdir(exist_ok=True)
        self._book = folder / "book"

    def install(self) -> None:
        """Keep the book in this process from here on."""
        descriptor = os.open(self._book, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        kept = self.folder / f"kept-{os.getpid()}"
        kept.mkdir(exist_ok=True)
        busy = threading.local()
        count = iter(range(1 << 40))
        root, me = str(self.root), os.getpid()

        def write(**entry: Any) -> None:
            os.write(descriptor, json.dumps(entry).encode() + b"\n")

        def sync(number: int, real: Callable[[int], None] = os.fsync) -> None:
            real(number)
            if os.getpid() != me:  # inherited, as the hook is
                return
            about = os.fstat(number)
            if stat.S_ISDIR(about.st_mode):
                write(op="folder", ino=about.st_ino)
            else:
                write(op="synced", ino=about.st_ino, size=about.st_size, time=about.st_mtime_ns)

        def keep(path: str) -> str | None:
            link = str(kept / str(next(count)))
            try:
                if not stat.S_ISREG(os.lstat(path).st_mode):
                    return None
                os.link(path, link, follow_symlinks=False)
            except OSError:
                return None
            return link

        def look(event: str, arguments: tuple[Any, ...]) -> None:
            if event not in ("os.rename", "os.remove") or os.getpid() != me or getattr(busy, "on", False):
                return
            busy.on = True
            try:
                if event == "os.rename":
                    source, target = (_absolute(part) for part in arguments[:2])
                    if target and source and target.startswith(root):
                        write(
                            op="rename",
                            source=source,
                            target=target,
                            old=keep(target),
                            parent=_parent(target),
                        )
                else:
                    folder = _folder(arguments[1]) if len(arguments) > 1 else None
                    path = _absolute(arguments[0], folder)
                    if path and path.startswith(root):
                        write(op="remove", target=path, old=keep(path), parent=_parent(path))
            finally:
                busy.on = False

        os.fsync = sync  # type: ignore[assignment]
        os.fdatasync = sync  # type: ignore[assignment]
        sys.addaudithook(look)

    def cut(self, dice: random.Random) -> list[str]:
        """Do to the files of the root what a power cut at this instant does; say what was done."""
        entries = [json.loads(line) for line in self._book.read_bytes().splitlines()]
        done = self._undo_names(entries, dice)
        synced = {entry["ino"]: entry for entry in entries if entry["op"] == "synced"}
        for path in sorted(path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink()):
            about = path.stat()
            safe = synced.get(about.st_ino, {"size": 0, "time": 0})
            if about.st_mtime_ns <= safe["time"] or about.st_size <= safe["size"]:
                continue
            # what was never synced may have been written back in part by itself
            size = safe["size"] if dice.random() < 0.7 else dice.randint(safe["size"], about.st_size)
            os.truncate(path, size)
            done.append(f"{path.relative_to(self.root)}: {about.st_size} bytes became {size}")
        return done

    def _undo_names(self, entries: list[dict[str, Any]], dice: random.Random) -> list[str]:
        names = [(at, entry) for at, entry in enumerate(entries) if entry["op"] in ("rename", "remove")]
        safe = -1
        for at, entry in enumerate(entries):
            if entry["op"] == "folder":
                safe = max([safe, *(n for n, change in names if n < at and change["parent"] == entry["ino"])])
        loose = [entry for at, entry in names if at > safe]
        count = dice.choice([0, len(loose), dice.randint(0, len(loose))])
        done = []
        for entry in reversed(loose[len(loose) - count :]):
            target = Path(entry["target"])
            if entry["op"] == "rename":
                source = Path(entry["source"])
                if source.exists() or not target.exists() or not source.parent.is_dir():
                    continue  # the process died before it did it, or a later part of the undoing made it so
                target.rename(source)
            elif target.exists() or not target.parent.is_dir():
                continue
            if entry["old"]:
                os.link(entry["old"], target)
            done.append(f"{entry['op']} of {target.relative_to(self.root)} undone")
        return done


def _parent(path: str) -> int | None:
    try:
        return Path(path).parent.stat().st_ino
    except OSError:
        return None


def _folder(descriptor: object) -> str | None:
    return (
        str(Path(f"/proc/self/fd/{descriptor}").readlink())
        if isinstance(descriptor, int) and descriptor >= 0
        else None
    )


def _absolute(part: object, folder: str | None = None) -> str | None:
    if not isinstance(part, (str, bytes, os.PathLike)):
        return None
    return str(Path(folder or Path.cwd()) / os.fsdecode(part))
