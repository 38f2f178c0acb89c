"""Where a tokenizer lies, without asking anybody; and why one cannot be fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from tui_ft.demo import paths as demo_paths
from tui_ft.errors import TuiFtError
from tui_ft.vram.find_tokenizer import fetch_tokenizer, find_tokenizer


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", _no_network)
    return tmp_path / "hub"


def _no_network(*_: Any, **__: Any) -> Any:
    raise ConnectionError("no network")


def snapshot(cache: Path, name: str, commit: str, *files: str, reference: str | None = "main") -> Path:
    repository = cache / f"models--{name.replace('/', '--')}"
    folder = repository / "snapshots" / commit
    folder.mkdir(parents=True)
    for file in files:
        (folder / file).write_text("{}")
    if reference:
        (repository / "refs").mkdir(exist_ok=True)
        (repository / "refs" / reference).write_text(commit)
    return folder


def test_the_demo_and_folders(tmp_path: Path) -> None:
    assert find_tokenizer("demo") == demo_paths.model_folder()
    assert find_tokenizer(str(tmp_path)) == tmp_path
    (tmp_path / "config.json").write_text("{}")
    assert find_tokenizer(str(tmp_path / "config.json")) == tmp_path
    assert find_tokenizer("") is None
    assert find_tokenizer("./nowhere") is None
    assert find_tokenizer("a\0b") is None
    assert find_tokenizer("x" * 5000) is None


def test_the_cache(cache: Path) -> None:
    assert find_tokenizer("org/model") is None
    snapshot(cache, "org/model", "new", "config.json")
    assert find_tokenizer("org/model") is None
    snapshot(cache, "org/model", "half", "tokenizer.json", reference="v0")
    assert find_tokenizer("org/model") is None, "without its settings it has no chat template"
    files = ("config.json", "tokenizer.json", "tokenizer_config.json")
    older = snapshot(cache, "org/model", "old", *files, reference="v1")
    assert find_tokenizer("org/model") == older
    assert find_tokenizer("org/model", "v1") == older
    assert find_tokenizer("org/model", "old") == older
    assert find_tokenizer("org/model", "v2") is None


def test_a_tokenizer_at_hand_is_not_fetched(cache: Path) -> None:
    folder = snapshot(cache, "org/model", "a", "tokenizer.json", "tokenizer_config.json")
    assert fetch_tokenizer("org/model") == folder


def test_what_cannot_be_fetched_says_why(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TuiFtError, match="does not answer"):
        fetch_tokenizer("org/model")
    monkeypatch.undo()
    with pytest.raises(TuiFtError, match="neither a folder here nor"):
        fetch_tokenizer("no such: name!")


def test_only_small_files_are_fetched(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    class Info:
        siblings = [type("File", (), {"rfilename": name})() for name in ("config.json", "tokenizer.json")]

    def download(name: str, **options: Any) -> str:
        asked.update(options, name=name)
        return str(snapshot(cache, name, "b", "tokenizer.json"))

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: Info)
    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert (fetch_tokenizer("org/model", "v1") / "tokenizer.json").is_file()
    assert asked["name"] == "org/model"
    assert asked["revision"] == "v1"
    assert not any("safetensors" in pattern or pattern.startswith("*") for pattern in asked["allow_patterns"])

    Info.siblings = Info.siblings[:1]
    with pytest.raises(TuiFtError, match=r"has no tokenizer\.json"):
        fetch_tokenizer("org/other")
