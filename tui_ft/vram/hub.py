"""The Hugging Face cache and hub: what lies there, small files fetched, and why one cannot be had."""

from __future__ import annotations

from pathlib import Path

from tui_ft.data import wording
from tui_ft.errors import TuiFtError

TIMEOUT_S = 5.0
"""The hub answers in time, or the model is not known."""


def shown(text: str) -> str:
    """`text` without what a terminal would obey, cut where it is long."""
    return wording.shown(text, 120)


def cached_snapshots(name: str, revision: str | None) -> list[Path]:
    """The snapshots of a model in the Hugging Face cache; nobody is asked.

    First the one that `revision` (or "main") names; where no revision is wanted, then the newest ones.
    """
    from huggingface_hub.constants import HF_HUB_CACHE

    repository = Path(HF_HUB_CACHE) / ("models--" + name.replace("/", "--"))
    wanted = revision or "main"
    reference = repository / "refs" / wanted
    try:
        if not (repository / "snapshots").exists():
            return []
        commit = reference.read_text(encoding="utf-8").strip() if reference.is_file() else wanted
        found = [repository / "snapshots" / commit]
        if revision is None:
            others = (repository / "snapshots").iterdir()
            found += sorted(others, key=lambda path: -path.stat().st_mtime)
    except (OSError, ValueError):
        return []
    return found


def fetched(name: str, file: str, revision: str | None) -> Path:
    """Fetch one small file into the cache and return its folder.

    Raises `TuiFtError` that says why it cannot be had.
    """
    return fetched_all(name, (file,), revision, needed=file)


def fetched_all(name: str, patterns: tuple[str, ...], revision: str | None, *, needed: str) -> Path:
    """Fetch the files that match `patterns` into the cache and return their folder.

    Raises `TuiFtError` that says why they cannot be had, or that there is no file `needed`.
    """
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import EntryNotFoundError, HFValidationError
    from huggingface_hub.utils import tqdm

    class Silent(tqdm):  # type: ignore[misc]
        """No progress bar: it would draw over the screens."""

        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **{**options, "disable": True})

    try:
        # asked first: this request is not repeated, a download is tried five times before it gives up
        found = HfApi().model_info(name, revision=revision, timeout=TIMEOUT_S)
        if not any(file.rfilename == needed for file in found.siblings or []):
            raise EntryNotFoundError(needed)
        folder = snapshot_download(
            name,
            revision=revision,
            allow_patterns=list(patterns),
            etag_timeout=TIMEOUT_S,
            max_workers=1,
            tqdm_class=Silent,
        )
    except HFValidationError:
        raise TuiFtError(
            f"{shown(name)!r} is neither a folder here nor a model's name on the hub.", "Check its name."
        ) from None
    except Exception as error:
        raise _why(shown(name), shown(revision or ""), needed, error) from error
    return Path(folder)


def _why(name: str, revision: str, needed: str, error: Exception) -> TuiFtError:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return TuiFtError(
            f"{name} is gated.",
            f"Accept its licence on https://huggingface.co/{name}, then `hf auth login` or set HF_TOKEN.",
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return TuiFtError(f"{name} has no revision {revision} on the hub.", "Check model.revision.")
    if isinstance(error, errors.RepositoryNotFoundError):
        return TuiFtError(
            f"There is no model {name} on the hub, or it is private.",
            "Check its name; for a private one log in with `hf auth login` or HF_TOKEN.",
        )
    if isinstance(error, errors.EntryNotFoundError) and not isinstance(error, errors.LocalEntryNotFoundError):
        return TuiFtError(
            f"{name} has no {needed} on the hub.", "Name a model in the format of transformers."
        )
    if isinstance(error, errors.OfflineModeIsEnabled):
        return TuiFtError(f"{name} is not in the cache, and HF_HUB_OFFLINE forbids to fetch it.")
    return TuiFtError(
        f"{name} is not in the cache, and the hub does not answer ({type(error).__name__}).",
        "Give the path of its folder, or try again with a network.",
    )
