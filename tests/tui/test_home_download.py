"""The size of a download: nothing for what is here, the Hub's figures, a sentence for every refusal."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from huggingface_hub import constants, errors

from tui_ft.tui.download import Download, in_time, is_on_disk, measure

COMMIT = "a" * 40


class Hub:
    """Stands for the Hub: answers with files, or with an error; counts how often it is asked."""

    def __init__(self, files: dict[str, int | None] | None = None, error: Exception | None = None) -> None:
        self.files, self.error = files or {}, error
        self.gated: str | bool = False
        self.refused: Exception | None = None
        self.asked = 0

    def model_info(self, model_id: str, **how: Any) -> Any:
        self.asked += 1
        assert how["timeout"] <= 5.0
        if self.error:
            raise self.error
        siblings = [SimpleNamespace(rfilename=name, size=size) for name, size in self.files.items()]
        tags = ["text-generation", "license:apache-2.0"]
        return SimpleNamespace(siblings=siblings, gated=self.gated, tags=tags)

    def auth_check(self, model_id: str) -> None:
        if self.refused:
            raise self.refused


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def put(cache: Path, *names: str, weight_map: dict[str, str] | None = None) -> None:
    """Lay files of org/model into the cache as the library does."""
    root = cache / "models--org--model"
    (root / "refs").mkdir(parents=True, exist_ok=True)
    (root / "refs" / "main").write_text(COMMIT)
    folder = root / "snapshots" / COMMIT
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_text(json.dumps({"weight_map": weight_map or {}}))


def http_error(kind: type[errors.HfHubHTTPError], status: int) -> Exception:
    return kind("no", response=SimpleNamespace(status_code=status, headers={}, request=None))  # type: ignore[arg-type]


class NoRouteError(Exception):
    """What the transport raises is neither an OSError nor the library's own error."""


FILES: dict[str, int | None] = {
    "config.json": 1_000, "model-00001-of-00002.safetensors": 5 * 10**9,
    "model-00002-of-00002.safetensors": 3 * 10**9, "model.safetensors.index.json": 500,
    "tokenizer.json": 2_000, "pytorch_model.bin": 8 * 10**9, "README.md": 7,
    "original/consolidated.00.pth": 8 * 10**9,
}  # fmt: skip


def test_the_demo_and_folders_are_never_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = Hub(error=AssertionError("the Hub was asked"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "org" / "local").mkdir(parents=True)
    for name in ("demo", str(tmp_path), "./gone", "~/models/x", "org/local"):
        assert is_on_disk(name)
        assert measure(name, api=hub) == Download()
    assert not is_on_disk("org/model")


def test_a_cached_model_needs_no_network(cache: Path) -> None:
    put(cache, "config.json", "model.safetensors")
    hub = Hub()
    assert measure("org/model", api=hub) == Download()
    assert hub.asked == 0


def test_a_model_without_all_of_its_shards_is_not_cached(cache: Path) -> None:
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    put(cache, "config.json", "model.safetensors.index.json", shards["a"], weight_map=shards)
    assert measure("org/model", api=Hub(FILES)).needed_bytes == 3 * 10**9 + 2_000
    put(cache, "model.safetensors.index.json", shards["b"], weight_map=shards)
    assert measure("org/model", api=Hub()) == Download()


def test_only_what_the_trainer_loads_is_counted(cache: Path) -> None:
    assert measure("org/model", api=Hub(FILES)) == Download(
        needed_bytes=8 * 10**9 + 3_500, licence="apache-2.0"
    )


def test_a_size_that_the_hub_does_not_tell_is_not_known(cache: Path) -> None:
    found = measure("org/model", api=Hub({"config.json": 1, "model.safetensors": None}))
    assert found.needed_bytes is None and "does not say" in found.problem and not found.is_fatal


def test_a_repository_without_safetensors_is_refused(cache: Path) -> None:
    found = measure("org/model", api=Hub({"config.json": 1, "pytorch_model.bin": 5}))
    assert found.is_fatal and "no safetensors" in found.problem


@pytest.mark.parametrize(
    ("error", "words", "is_fatal"),
    [
        (http_error(errors.GatedRepoError, 403), "is gated: accept its licence on", True),
        (http_error(errors.RepositoryNotFoundError, 404), "There is no model org/model", True),
        (http_error(errors.RevisionNotFoundError, 404), "has no revision 'main2'", True),
        (errors.OfflineModeIsEnabled("no"), "HF_HUB_OFFLINE forbids", True),
        (errors.HFValidationError("no"), "neither a folder here nor a model's name", True),
        (NoRouteError("no route"), "the Hub does not answer (NoRouteError)", False),
        (TimeoutError("slow"), "the Hub does not answer (TimeoutError)", False),
        (http_error(errors.HfHubHTTPError, 500), "the Hub does not answer", False),
    ],
)
def test_every_refusal_is_a_sentence(cache: Path, error: Exception, words: str, is_fatal: bool) -> None:
    found = measure("org/model", "main2", api=Hub(error=error))
    assert words in found.problem and found.problem.endswith(".")
    assert found.needed_bytes is None and found.is_fatal is is_fatal


def test_a_gated_model_whose_page_is_public_is_still_refused(cache: Path) -> None:
    hub = Hub(FILES)
    hub.gated, hub.refused = "manual", http_error(errors.GatedRepoError, 403)
    assert "is gated" in measure("org/model", api=hub).problem
    hub.refused = None
    assert measure("org/model", api=hub).problem == ""


async def test_an_answer_that_takes_too_long_is_not_waited_for() -> None:
    release = threading.Event()
    began = time.monotonic()
    assert await in_time(lambda: release.wait(30), 0.05, False) is False
    assert time.monotonic() - began < 5
    release.set()
    assert await in_time(lambda: 7, 5, 0) == 7
    with pytest.raises(ZeroDivisionError):
        await in_time(lambda: 1 // 0, 5, 0)
    await asyncio.sleep(0)
