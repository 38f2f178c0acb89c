"""How many bytes a model still has to download, asked of the cache first and of the Hub only if need be."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoSibling

TIMEOUT_S = 5.0
"""The Hub answers in time, or the size is not known."""

Result = TypeVar("Result")

_LOADED = ("*.safetensors", "*.json", "*.model", "*.txt", "*.jinja", "*.py")
"""What the trainer fetches of a repository's top folder; no pickle."""

_INDEX = "model.safetensors.index.json"


class Download(msgspec.Struct, kw_only=True, frozen=True):
    """What a start still has to fetch.

    `needed_bytes` is 0 for what is here already and None when it is not known; `problem` is a
    sentence that says why, and `is_fatal` that the training could not get the model either. `licence`
    is what the Hub calls it, "" where it was not asked or does not know.
    """

    needed_bytes: int | None = 0
    problem: str = ""
    is_fatal: bool = False
    licence: str = ""


def is_on_disk(model_id: str) -> bool:
    """True for the built-in demo model and for a path: nothing of it is ever downloaded."""
    if model_id == "demo" or model_id.startswith(("/", "./", "../", "~")):
        return True
    return Path(model_id).is_dir()


def is_cached(model_id: str, revision: str | None = None) -> bool:
    """True when the Hugging Face cache holds the model's config and all of its weights; no network."""
    return all(
        _cached_path(model_id, name, revision) is not None
        for name in ("config.json", *_weights_in_cache(model_id, revision))
    )


def _weights_in_cache(model_id: str, revision: str | None) -> list[str]:
    index = _cached_path(model_id, _INDEX, revision)
    if index is None:
        return ["model.safetensors"]
    try:
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (OSError, ValueError, KeyError, AttributeError):
        return ["model.safetensors"]
    return sorted(str(shard) for shard in shards)


def _cached_path(model_id: str, name: str, revision: str | None) -> Path | None:
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(model_id, name, revision=revision)
    except HFValidationError:
        return None
    return Path(found) if isinstance(found, str) and Path(found).exists() else None


def measure(model_id: str, revision: str | None = None, api: Any = None) -> Download:
    """Say what fetching `model_id` costs. Asks the Hub only for a model that is not on this disk.

    It never raises for what the Hub or the network does; that is told by `problem`.
    """
    if is_on_disk(model_id) or is_cached(model_id, revision):
        return Download()
    from huggingface_hub.errors import HFValidationError

    try:
        info = _model_info(model_id, revision, api)
    except HFValidationError:
        return Download(
            needed_bytes=None,
            problem=f"{model_id!r} is neither a folder here nor a model's name on the Hub.",
            is_fatal=True,
        )
    except Exception as error:  # noqa: BLE001 - the transport's own errors have no common base; said below
        return _explain(model_id, revision, error)
    licence = _licence(info)
    needed = needed_files(info.siblings or [])
    if not any(sibling.rfilename.endswith(".safetensors") for sibling in needed):
        return Download(needed_bytes=None, problem=f"{model_id} has no safetensors weights.", is_fatal=True)
    missing = [sibling for sibling in needed if _cached_path(model_id, sibling.rfilename, revision) is None]
    if any(sibling.size is None for sibling in missing):
        unsaid = "The Hub does not say how large the model's files are."
        return Download(needed_bytes=None, problem=unsaid, licence=licence)
    return Download(needed_bytes=sum(sibling.size or 0 for sibling in missing), licence=licence)


def _licence(info: Any) -> str:
    """The licence among the tags of a repository."""
    tags = (tag for tag in getattr(info, "tags", None) or () if isinstance(tag, str))
    return next((tag.removeprefix("license:")[:40] for tag in tags if tag.startswith("license:")), "")


def _model_info(model_id: str, revision: str | None, api: Any) -> Any:
    if api is None:
        from huggingface_hub import HfApi

        api = HfApi()
    info = api.model_info(model_id, revision=revision, files_metadata=True, timeout=TIMEOUT_S)
    if getattr(info, "gated", False):
        api.auth_check(model_id)
    return info


def needed_files(siblings: list[RepoSibling]) -> list[RepoSibling]:
    """Choose the files that the trainer loads a model from."""
    return [
        sibling
        for sibling in siblings
        if "/" not in sibling.rfilename and any(fnmatch(sibling.rfilename, kind) for kind in _LOADED)
    ]


def _explain(model_id: str, revision: str | None, error: Exception) -> Download:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        text = (
            f"{model_id} is gated: accept its licence on https://huggingface.co/{model_id} "
            "and log in with `hf auth login` or HF_TOKEN."
        )
    elif isinstance(error, errors.RevisionNotFoundError):
        text = f"{model_id} has no revision {revision!r} on the Hub."
    elif isinstance(error, errors.RepositoryNotFoundError):
        text = (
            f"There is no model {model_id} on the Hub, or it is private and you are not logged in "
            "(`hf auth login` or HF_TOKEN)."
        )
    elif isinstance(error, errors.OfflineModeIsEnabled):
        text = f"{model_id} is not in the cache, and HF_HUB_OFFLINE forbids to download it."
    else:
        unreachable = f"{model_id} is not in the cache, and the Hub does not answer"
        return Download(needed_bytes=None, problem=f"{unreachable} ({type(error).__name__}).")
    return Download(needed_bytes=None, problem=text, is_fatal=True)


async def in_time(function: Callable[[], Result], seconds: float, late: Result) -> Result:
    """Return what `function` returns from a thread of its own, or `late` after `seconds`.

    The thread is a daemon: a name server that does not answer cannot keep the app from quitting.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result | None, error: Exception | None) -> None:
        if future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        try:
            outcome: tuple[Result | None, Exception | None] = (function(), None)
        except Exception as error:  # noqa: BLE001 - handed to whoever awaits
            outcome = (None, error)
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=work, daemon=True, name="download size").start()
    try:
        return await asyncio.wait_for(future, seconds)
    except TimeoutError:
        return late
