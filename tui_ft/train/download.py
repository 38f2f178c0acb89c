"""Fetching a model from the hub: refused before it begins when there is no room, counted meanwhile."""

from __future__ import annotations

import shutil
import threading
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import msgspec

from tui_ft.errors import TuiFtError
from tui_ft.spec.run_spec import RunSpec
from tui_ft.train.journal import Journal
from tui_ft.user_paths import is_there, user_path

PATTERNS = ["*.safetensors", "*.json", "*.model", "*.txt", "*.jinja", "*.py"]
"""What a causal language model is loaded from; no pickle."""
HEADROOM = 1.02
GIB = 1024**3
BYTES_PER_TRAINED = 12
"""fp32 weight and two fp32 Adam moments of a weight that moves, in a checkpoint."""


THREAD = "hub"
"""The thread that downloads, for whoever must not wait for it."""


@dataclass(frozen=True, kw_only=True)
class Download:
    """What is still to come: bytes missing of bytes in all, and the files' pinned revision."""

    repo: str
    revision: str
    files: tuple[str, ...]
    total_bytes: int
    missing_bytes: int
    weight_bytes: int


def is_hub_id(source: str) -> bool:
    """True for `owner/name` that is no folder here."""
    return not is_there(user_path(source)) and not source.startswith(("/", "~", "."))


def plan(repo: str, revision: str | None) -> Download | None:
    """Ask the hub what is to be fetched; None when everything needed is already in the cache.

    Raises `TuiFtError` when the hub cannot be asked and the cache does not hold the model.
    """
    from huggingface_hub import HfApi, snapshot_download, try_to_load_from_cache
    from huggingface_hub.errors import (
        GatedRepoError,
        HTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        info = HfApi().model_info(repo, revision=revision, files_metadata=True, timeout=15)
    except GatedRepoError as error:
        raise TuiFtError(
            f"{repo} is gated: its owner must grant you access.",
            f"Accept its licence at huggingface.co/{repo} and set HF_TOKEN.",
        ) from error
    except RevisionNotFoundError as error:
        raise TuiFtError(f"{repo} has no revision {revision!r}.", "Leave model.revision unset.") from error
    except RepositoryNotFoundError as error:
        raise TuiFtError(
            f"There is no model {repo!r} on the hub, or it is private.", "Check the name; set HF_TOKEN."
        ) from error
    except (OSError, HTTPError) as error:
        try:
            snapshot_download(repo, revision=revision, local_files_only=True, allow_patterns=PATTERNS)
        except LocalEntryNotFoundError:
            raise TuiFtError(
                f"{repo} is not in the cache, and the hub cannot be reached.",
                "Check the network, or name a local folder as model.id.",
            ) from error
        return None
    wanted = choose_files({f.rfilename: f.size or 0 for f in info.siblings or []})
    weights = {name: size for name, size in wanted.items() if name.endswith(".safetensors")}
    if not weights:
        raise TuiFtError(
            f"{repo} has no safetensors weights.", "Choose a model, or a revision, that has them."
        )
    missing = {
        name: size
        for name, size in wanted.items()
        if not isinstance(try_to_load_from_cache(repo, name, revision=info.sha), str)
    }
    if not missing:
        return None
    return Download(
        repo=repo,
        revision=info.sha or "main",
        files=tuple(wanted),
        total_bytes=sum(wanted.values()),
        missing_bytes=sum(missing.values()),
        weight_bytes=sum(weights.values()),
    )


def is_here(repo: str, revision: str | None) -> bool:
    """True when the cache holds the weights of `repo` whole; nobody is asked over the network."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(
            snapshot_download(repo, revision=revision, local_files_only=True, allow_patterns=PATTERNS)
        )
    except LocalEntryNotFoundError:
        return False
    index = folder / "model.safetensors.index.json"
    if index.exists():
        wanted = set(msgspec.json.decode(index.read_bytes(), type=_Index).weight_map.values())
        return all((folder / name).exists() for name in wanted)
    return any(folder.glob("*.safetensors"))


class _Index(msgspec.Struct):
    weight_map: dict[str, str]


def choose_files(sizes: dict[str, int]) -> dict[str, int]:
    """Keep what a model is loaded from: no folders, and no second copy of the weights in one piece."""
    kept = {
        name: size
        for name, size in sizes.items()
        if "/" not in name and any(fnmatch(name, pattern) for pattern in PATTERNS)
    }
    if any(fnmatch(name, "model*.safetensors") for name in kept):
        kept = {name: size for name, size in kept.items() if not name.startswith("consolidated")}
    return kept


def check_room(download: Download, spec: RunSpec, runs_root: Path) -> None:
    """Refuse before the first byte when the cache or the runs root lacks the room.

    Raises `TuiFtError` with both figures.
    """
    cache = cache_folder()
    needs: list[tuple[str, Path, int]] = [
        ("The download", cache, int(download.missing_bytes * HEADROOM)),
        ("The run's checkpoints", runs_root, checkpoint_bytes(download.weight_bytes, spec)),
    ]
    same_disk = cache.stat().st_dev == runs_root.stat().st_dev
    if same_disk:
        needs = [("Download and checkpoints", cache, needs[0][2] + needs[1][2])]
    for what, folder, needed in needs:
        free = shutil.disk_usage(folder).free
        if needed > free:
            raise TuiFtError(
                f"{what} need {needed / GIB:.1f} GiB in {folder}, where {free / GIB:.1f} GiB are free.",
                "Free some space, or point HF_HOME and the runs root at a larger disk.",
            )


def checkpoint_bytes(weight_bytes: int, spec: RunSpec) -> int:
    """Bytes that the kept checkpoints and the one being written take, with 16-bit weights on the hub."""
    parameters = weight_bytes // 2
    if spec.method.kind == "full":
        one = parameters * BYTES_PER_TRAINED
    elif spec.method.kind == "last_layers":
        one = parameters * 4
    else:
        one = int(parameters * 0.02) * BYTES_PER_TRAINED
    return one * (spec.checkpoints.keep + 2)


def cache_folder() -> Path:
    """The hub cache's folder, made if need be."""
    from huggingface_hub.constants import HF_HUB_CACHE

    folder = Path(HF_HUB_CACHE)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def fetch(download: Download, journal: Journal) -> None:
    """Download, saying bytes done of bytes in all meanwhile.

    Raises `TuiFtError` when the connection breaks; what has come stays in the cache and is not
    fetched again.
    """
    from huggingface_hub.errors import HTTPError

    from tui_ft.train.model import one_line

    blobs = cache_folder() / f"models--{download.repo.replace('/', '--')}" / "blobs"
    done = threading.Event()
    before = folder_bytes(blobs)

    def report() -> None:
        while not done.wait(1.0):
            arrived = min(folder_bytes(blobs) - before, download.missing_bytes)
            journal.progress(max(arrived, 0), download.missing_bytes, "bytes")

    watcher = threading.Thread(target=report, name="download", daemon=True)
    watcher.start()
    try:
        _interruptibly(download)
    except (OSError, HTTPError) as error:
        raise TuiFtError(
            f"The download of {download.repo} broke off: {one_line(error)}.",
            "Start again; what has come is kept.",
        ) from error
    finally:
        done.set()
        watcher.join()
    journal.progress(download.missing_bytes, download.missing_bytes, "bytes")


def _interruptibly(download: Download) -> None:
    """Download in a thread of its own: the library waits for its own threads, and a stop cannot."""
    from huggingface_hub import snapshot_download

    trouble: list[BaseException] = []
    done = threading.Event()

    def work() -> None:
        try:
            snapshot_download(download.repo, revision=download.revision, allow_patterns=list(download.files))
        except BaseException as error:  # noqa: BLE001 - raised where it is waited for
            trouble.append(error)
        done.set()

    threading.Thread(target=work, name=THREAD, daemon=True).start()
    done.wait()
    if trouble:
        raise trouble[0]


def folder_bytes(folder: Path) -> int:
    """Bytes that the files of a folder really take on disk; a file may vanish while we look."""
    total = 0
    try:
        for path in folder.iterdir():
            try:
                total += path.stat().st_blocks * 512
            except FileNotFoundError:
                continue
    except FileNotFoundError:
        return 0
    return total
