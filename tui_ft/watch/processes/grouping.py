"""Which processes are one training run: the launcher, its ranks, their data workers and loggers."""

from __future__ import annotations

from collections.abc import Mapping

from tui_ft.watch.processes.looks import Look


def group_looks(looks: Mapping[int, Look]) -> list[list[Look]]:
    """Return the groups that train, each with its head (the launcher, or the one that trains) first."""
    heads: dict[int, int] = {}
    for look in looks.values():
        if look.is_training:
            heads[look.pid] = _head(look, looks)
        elif look.command.role == "attached" and look.files.sure:
            served = looks.get(_served(look))  # a logger's process writes what the script logs
            if served is not None and served.command.role in ("unknown", "notebook", "helper"):
                heads[served.pid] = _head(served, looks)
    _add_followers(heads, looks)
    groups: dict[object, list[Look]] = {}
    for pid, head in heads.items():
        key = looks[head].command.run_path or head
        groups.setdefault(key, []).append(looks[pid])
        if head not in heads and looks[head] not in groups[key]:
            groups[key].append(looks[head])
    found = [sorted(members, key=lambda look: _order(look, heads)) for members in groups.values()]
    return [members for members in found if not _only_starts_others(members, found, looks)]


def _order(look: Look, heads: Mapping[int, int]) -> tuple[bool, int, int]:
    return heads.get(look.pid, look.pid) != look.pid, look.stat.started, look.pid


def _head(look: Look, looks: Mapping[int, Look]) -> int:
    """The topmost process of which `look` is a rank or a copy."""
    top = look
    while (parent := looks.get(top.stat.parent)) is not None and parent.pid != top.pid:
        is_copy = bool(parent.arguments) and parent.arguments == top.arguments
        if not (parent.command.launches or is_copy or (parent.is_training and _is_ours_too(parent, top))):
            break
        top = parent
    return top.pid


def _is_ours_too(parent: Look, child: Look) -> bool:
    return parent.command.run_path is not None and parent.command.run_path == child.command.run_path


def _add_followers(heads: dict[int, int], looks: Mapping[int, Look]) -> None:
    """Give spawned workers and loggers, which do not train themselves, to those that they serve."""
    for look in looks.values():
        if look.pid in heads or look.command.role not in ("worker", "attached"):
            continue
        served = _served(look)
        for _ in range(8):  # a worker's worker, a logger's logger
            if served in heads:
                heads[look.pid] = heads[served]
                break
            above = looks.get(served)
            if above is None or above.command.role not in ("worker", "attached"):
                break
            served = _served(above)


def _served(look: Look) -> int:
    return look.command.attached_to or look.stat.parent


def _only_starts_others(members: list[Look], groups: list[list[Look]], looks: Mapping[int, Look]) -> bool:
    """True for a script that only its name makes a trainer, while what trains are its children."""
    alone = members[0]
    if len(members) > 1 or alone.library is not None or alone.files.sure or alone.command.role == "ours":
        return False
    return any(_is_below(other[0], alone.pid, looks) for other in groups if other is not members)


def _is_below(look: Look, pid: int, looks: Mapping[int, Look]) -> bool:
    parent: Look | None = look
    for _ in range(32):
        if parent is None:
            return False
        if parent.stat.parent == pid:
            return True
        parent = looks.get(parent.stat.parent)
    return False
