"""Do runs, models and data lie where they outlive the machine?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shlex import quote

from tui_ft.doctor.box import Box
from tui_ft.doctor.finding import Finding, error, note, ok, warning
from tui_ft.doctor.mounts import Mount
from tui_ft.doctor.reach import Place
from tui_ft.doctor.words import gib, short

ROOMY_BYTES = 20 << 30
"""Less room than this is tight for models: one of 7B parameters takes 15 GB (our own threshold)."""
MOST_MOUNTS = 64


def mounts_answer(box: Box) -> list[Finding]:
    """A mount whose server, process or volume is gone: whoever touches it fails, or is held for good."""
    code, found = "mounts_answer", []
    judged = [box.place(path) for path in (box.runs_root, box.hub_cache) if path is not None]
    told = {_point(place) for place in judged}  # by the checks of those places
    home = box.place(box.home)
    if home.is_dead and _point(home) not in told:
        found.append(no_answer(box, error, code, f"Your home is {short(box.home)}", home))
    told.add(_point(home))
    points = list(dict.fromkeys(Path(mount.point) for mount in box.mounts if mount.may_vanish))[:MOST_MOUNTS]
    for point in points:
        if str(point) not in told and (place := box.place(point)).is_dead:
            found.append(no_answer(box, warning, code, f"{short(point)} is mounted", place))
    if found or not points or any(place.is_dead for place in judged):
        return found
    return [ok(code, f"Every disk that is mounted answers ({len(points)}).")]


def _point(place: Place) -> str:
    return str(place.mount.point) if place.mount is not None else ""


def no_answer(box: Box, level: Callable[..., Finding], code: str, before: str, place: Place) -> Finding:
    """The finding about a place that does not answer; what else is known of it would be guessed."""
    mount = place.mount
    if mount is None or str(mount.point) == "/":
        return level(code, f"{before}, which {place.words}.", "Restart the machine: a disk of it is gone.")
    what = f"{before}: {short(str(mount.point))} ({mount.kind}) {place.words}."
    if box.is_container and not mount.kind.startswith("fuse."):  # it was mounted from outside
        return level(code, what, "Restart the container, which mounts it anew; else ask the provider.")
    return level(code, what, command=f"sudo umount -l {quote(str(mount.point))}")


def runs_root_lasts(box: Box) -> list[Finding]:
    """Runs on a container's own layer, or in memory, are gone when it stops (facts: peers, 6)."""
    root = box.runs_root
    if root is None:
        return []
    if box.place(root).is_dead:  # runs_root_is_writable tells
        return []
    mount = box.mount_of(root)
    if mount is None:
        return [
            note("runs_root_lasts", f"On what {short(root)} lies cannot be told: no mounts are listed here.")
        ]
    command = f"export TUI_FT_RUNS={quote(str(_volume_folder(box, 'tui-ft/runs')))}" if box.volumes else ""
    if mount.is_in_memory:
        return [
            warning(
                "runs_root_lasts",
                f"Runs are kept in memory ({mount.kind} at {mount.point}): they are gone with a restart, and "
                "what they take counts as memory.",
                "Choose a folder on a disk with --runs-root or TUI_FT_RUNS.",
                command=command,
            )
        ]
    if not _vanishes(box, mount):
        return [ok("runs_root_lasts", f"Runs are kept at {short(root)}, on {mount.kind} at {mount.point}.")]
    what = (
        f"Runs are kept at {short(root)} on the container's own disk: they are gone with the container, "
        "at some providers with every stop."
    )
    if box.volumes:
        volume, disk = box.volumes[0]
        what += f" {volume.point} outlives it, with {gib(disk.free_bytes)} free."
        return [warning("runs_root_lasts", what, command=command)]
    return [
        warning(
            "runs_root_lasts",
            f"{what} No volume is mounted here.",
            "Copy results away before that ([after] copy_to in a spec), or rent with a volume.",
        )
    ]


def _vanishes(box: Box, mount: Mount) -> bool:
    """True for a container's own layer, whatever kind of file system the host keeps it on."""
    return mount.is_of_container or (box.is_container and str(mount.point) == "/")


def _volume_folder(box: Box, name: str) -> Path:
    return Path(box.volumes[0][0].point) / name


def runs_root_is_writable(box: Box) -> list[Finding]:
    root = box.runs_root
    if root is None:
        return []
    place, code = box.place(root), "runs_root_is_writable"
    there, mount = place.there, place.mount
    if place.is_dead:
        return [no_answer(box, error, code, f"Runs are kept at {short(root)}", place)]
    if mount is not None and mount.is_read_only:
        return [
            error(code, f"{short(root)} lies on {mount.point}, which is mounted read-only.", _another_root())
        ]
    if there is None or place.problem is not None or not box.may_write(there):
        return [error(code, f"{short(there or root)} cannot be written by you.", _another_root())]
    return [ok(code, f"{short(root)} can be written.")]


def _another_root() -> str:
    return "Choose another place with --runs-root DIR or TUI_FT_RUNS, or mend its rights."


def cache_place(box: Box) -> list[Finding]:
    """Models fetched again and again, or onto a disk that is too small for them."""
    cache, code = box.hub_cache, "cache_place"
    if (place := box.place(cache)).is_dead:
        return [no_answer(box, error, code, f"Models are kept at {short(cache)}", place)]
    mount, disk = box.mount_of(cache), box.disk(cache)
    room = f"{gib(disk.free_bytes)} free" if disk.free_bytes is not None else "room not known"
    if mount is None:
        return [note(code, f"On what the model cache {short(cache)} lies cannot be told.")]
    better = next(
        (
            volume
            for volume, there in box.volumes
            if volume.point != mount.point and (there.free_bytes or 0) > 2 * (disk.free_bytes or 0)
        ),
        None,
    )
    command = f"export HF_HOME={quote(str(Path(better.point) / 'huggingface'))}" if better else ""
    if mount.is_in_memory:
        return [
            warning(
                code,
                f"The model cache {short(cache)} is in memory ({mount.kind}): models take RAM twice and are "
                "gone with a restart.",
                "Set HF_HOME to a folder on a disk.",
                command=command,
            )
        ]
    if _vanishes(box, mount) and box.volumes:
        volume = box.volumes[0][0]
        return [
            warning(
                code,
                f"The model cache {short(cache)} is on the container's own disk ({room}): every restart "
                f"downloads again. {volume.point} outlives it.",
                command=f"export HF_HOME={quote(str(Path(volume.point) / 'huggingface'))}",
            )
        ]
    if better is not None and (disk.free_bytes or 0) < ROOMY_BYTES:
        return [
            warning(
                code,
                f"The model cache {short(cache)} is on a small disk ({room}); {better.point} has more.",
                command=command,
            )
        ]
    return [ok(code, f"Models are kept at {short(cache)}, {room}.")]


def data_lasts(box: Box) -> list[Finding]:
    """The data that the user's presets name: is it there, and does it stay?"""
    from tui_ft.doctor.wanted import local_data

    code = "data_lasts"
    files = local_data()
    if not files:
        return []
    missing = [path for path in files if not box.exists(path)]
    there = [path for path in files if path not in missing]
    in_danger = [
        path
        for path in there
        if (mount := box.mount_of(path)) is not None and (_vanishes(box, mount) or mount.is_in_memory)
    ]
    found = []
    if missing:
        found.append(
            warning(
                code,
                f"{_count(missing)} named by your presets {'is' if len(missing) == 1 else 'are'} not there: "
                f"{short(missing[0])}.",
                "Is the volume mounted that held it? Else mend data.train in the preset.",
            )
        )
    if in_danger:
        found.append(
            warning(
                code,
                f"{_count(in_danger)} of your presets {'lies' if len(in_danger) == 1 else 'lie'} where the "
                f"container's end removes it: {short(in_danger[0])}.",
                f"Move it to {box.volumes[0][0].point}." if box.volumes else "Keep a copy elsewhere.",
            )
        )
    return found or [ok(code, f"{_count(there)} of your presets {'is' if len(there) == 1 else 'are'} there.")]


def _count(paths: list[Path]) -> str:
    return "1 data file" if len(paths) == 1 else f"{len(paths)} data files"


def _another_temporary(box: Box) -> str:
    folder = quote(str(box.home / "tmp"))
    return f"mkdir -p {folder} && export TMPDIR={folder}"


def temporary_folder(box: Box) -> list[Finding]:
    """Compilers of kernels write and run files there."""
    folder, code = box.temporary, "temporary_folder"
    if (place := box.place(folder)).is_dead:
        return [no_answer(box, error, code, f"Temporary files go to {short(folder)}", place)]
    mount = place.mount
    if not box.exists(folder) or not box.may_write(folder):
        return [
            error(
                code,
                f"The folder for temporary files {short(folder)} is not there or cannot be written.",
                command=_another_temporary(box),
            )
        ]
    if mount is not None and mount.is_noexec:
        return [
            warning(
                code,
                f"{mount.point} forbids running files (noexec): kernels that are compiled there do not load.",
                command=_another_temporary(box),
            )
        ]
    return [ok(code, f"Temporary files go to {short(folder)}.")]
