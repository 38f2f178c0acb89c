"""Whether a place answers: a mount whose server or process is gone fails, or holds whoever touches it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from tui_ft.doctor.mounts import Mount, mount_of
from tui_ft.doctor.patience import SilentError, is_any_silent, is_silent, patiently, silence

_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
_MOST_LINKS = 40


class Place(NamedTuple):
    """Where a path leads: links followed, the nearest folder above that is there, the mount it lies on.

    `problem` is why it could not be seen: a `PermissionError`, or that of a place that does not answer.
    """

    real: Path
    there: Path | None
    mount: Mount | None
    problem: OSError | None = None

    @property
    def is_dead(self) -> bool:
        return self.problem is not None and not isinstance(self.problem, PermissionError)

    @property
    def words(self) -> str:
        """What stands behind the name of what does not answer."""
        problem = self.problem
        if isinstance(problem, SilentError):
            return str(problem.strerror)
        return f"does not answer: {problem.strerror}" if problem is not None else "answers"


def key_of(mount: Mount | None, path: Path) -> str:
    """What is asked when a path is touched; another mount at the same place has another name."""
    return f"{mount.number} {mount.point}" if mount is not None else str(path)


def reach(path: Path, mounts: Sequence[Mount], touch: Callable[[Path], object], *, follows: bool) -> Place:
    """Go to a path, which need not be there; `touch` raises what `os.stat` does. It never raises."""
    path = path.absolute()
    at = [path]

    def key() -> str:
        return key_of(mount_of(at[-1], mounts), at[-1])

    def near(place: Path) -> None:
        at.append(place)
        if is_any_silent() and is_silent(key()):
            raise silence(key())

    def walk() -> tuple[Path, Path | None, OSError | None]:
        real = _followed(path, near) if follows else path
        denied: OSError | None = None
        for folder in (real, *real.parents):
            near(folder)
            try:
                touch(folder)
            except PermissionError as problem:
                denied = denied or problem
            except ValueError:  # a name that no file can have
                continue
            except OSError as problem:
                if problem.errno not in _NOT_THERE:
                    raise
            else:
                return real, folder, denied
        return real, None, denied

    try:
        real, there, denied = patiently(walk, key)
    except OSError as problem:
        return Place(path, None, mount_of(at[-1], mounts), problem)
    return Place(real, there, mount_of(real, mounts), denied)


def _followed(path: Path, near: Callable[[Path], None]) -> Path:
    """Like `os.path.realpath`; `near` is called with each place before it is touched."""
    done, names, links = Path("/"), list(reversed(path.parts[1:])), 0
    while names:
        name = names.pop()
        if name == "..":
            done = done.parent
            continue
        here = done / name
        near(here)
        try:
            target = Path(os.readlink(here))  # noqa: PTH115 - as it stands there
        except (OSError, ValueError):  # no link, or not there; whether it answers is seen when it is touched
            done = here
            continue
        links += 1
        if links > _MOST_LINKS:
            return path
        names += [part for part in reversed(target.parts) if part != "/"]
        done = Path("/") if target.is_absolute() else done
    return done
