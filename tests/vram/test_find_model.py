"""A model is found by folder, file, catalogue, cache and hub; what cannot be counted says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tui_ft.errors import TuiFtError
from tui_ft.vram import catalogue
from tui_ft.vram.find_model import find, find_shape

LLAMA = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "vocab_size": 100,
}

Cache = Callable[..., Path]


def folder_with(path: Path, config: Any = LLAMA, **files: bytes) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    text = config if isinstance(config, str) else json.dumps(config)
    (path / "config.json").write_text(text, encoding="utf-8")
    for name, data in files.items():
        (path / name.replace("__", ".")).write_bytes(data)
    return path


def safetensors(tensors: dict[str, tuple[str, list[int]]]) -> bytes:
    """A file with nothing but its header."""
    header = {name: {"dtype": d, "shape": s, "data_offsets": [0, 0]} for name, (d, s) in tensors.items()}
    data = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    return len(data).to_bytes(8, "little") + data


UNKNOWN = {"model_type": "zorblax", "hidden_size": 8, "vocab_size": 10, "num_attention_heads": 2}

ZORBLAX = safetensors(
    {
        "net.tokens.weight": ("BF16", [10, 8]),
        "net.layers.0.mix.weight": ("BF16", [16, 8]),
        "net.layers.0.norm.weight": ("BF16", [8]),
        "net.layers.1.mix.weight": ("BF16", [16, 8]),
        "net.layers.1.norm.weight": ("BF16", [8]),
        "net.steps": ("I64", [1]),
        "head.weight": ("BF16", [10, 8]),
    }
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """A Hugging Face cache of its own; call it to put a config there."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))

    def put(model: str, commit: str, config: Any = LLAMA, *, branch: str | None = None) -> Path:
        repository = tmp_path / "hub" / ("models--" + model.replace("/", "--"))
        if branch:
            (repository / "refs").mkdir(parents=True, exist_ok=True)
            (repository / "refs" / branch).write_text(commit)
        return folder_with(repository / "snapshots" / commit, config)

    return put


def refused(name: str | Path, **options: Any) -> TuiFtError:
    with pytest.raises(TuiFtError) as caught:
        find(str(name), **options)
    text = str(caught.value)
    assert text.isprintable() and len(text) < 400
    return caught.value


def test_the_demo_is_a_model_like_any_other() -> None:
    found = find("demo")
    assert found.shape.parameters == 648_064
    assert found.folder is not None


def test_a_folder_and_its_config_give_the_same_shape(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "mine")
    assert find_shape(str(folder)) == find_shape(str(folder / "config.json"))
    assert find_shape(str(folder)).name == "mine"


@pytest.mark.parametrize("name", ["Llama-3.1-8B", "llama-3.1-8b", "meta-llama/Llama-3.1-8B-Instruct"])
def test_the_catalogue_is_asked_by_any_of_a_model_s_names(name: str, cache: Cache) -> None:
    assert find_shape(name).parameters == 8_030_261_248


def test_what_lies_in_the_cache_comes_before_the_catalogue(cache: Cache) -> None:
    cache("Qwen/Qwen3-8B", "a" * 40, branch="main")
    assert find_shape("Qwen/Qwen3-8B").hidden == 64


def test_a_snapshot_is_found_by_branch_by_commit_and_without_either(cache: Cache) -> None:
    cache("org/model", "a" * 40, {**LLAMA, "num_hidden_layers": 3}, branch="v2")
    assert find_shape("org/model").layers == 3
    assert find_shape("org/model", revision="v2").layers == 3
    assert find_shape("org/model", revision="a" * 40).layers == 3
    assert "not in the Hugging Face cache" in str(refused("org/model", revision="v1"))


def test_an_unknown_architecture_is_counted_by_its_headers(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "z", UNKNOWN, model__safetensors=ZORBLAX)
    shape = find_shape(str(folder))
    assert shape.counted == "header"
    assert shape.parameters == 10 * 8 * 2 + 2 * (16 * 8 + 8)
    assert (shape.layers, shape.hidden, shape.vocabulary, shape.is_tied) == (2, 8, 10, False)
    assert "not known" in shape.notes[0]


def test_without_the_weights_their_index_still_tells_the_number(tmp_path: Path) -> None:
    index = {"metadata": {"total_size": 2000}, "weight_map": {"layers.0.a": "x", "layers.1.a": "x"}}
    folder = folder_with(tmp_path / "z", UNKNOWN)
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    shape = find_shape(str(folder))
    assert (shape.counted, shape.parameters, shape.layers) == ("header", 1000, 2)


def test_without_weights_an_unknown_architecture_is_refused(tmp_path: Path) -> None:
    assert "zorblax" in str(refused(folder_with(tmp_path / "z", UNKNOWN)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x05",
        (1 << 62).to_bytes(8, "little"),
        (4).to_bytes(8, "little") + b"nope",
        safetensors({"layers.0.a.weight": ("BF16", [-4, 8])}),
        safetensors({"layers.0.a.weight": ("U8", [4, 8])}),
        safetensors({"a.weight": ("BF16", [4, 8])}),
        safetensors({f"layers.{'9' * 5000}.a": ("BF16", [4, 8])}),
    ],
)
def test_weights_that_tell_nothing_are_refused(tmp_path: Path, data: bytes) -> None:
    refused(folder_with(tmp_path / "z", UNKNOWN, model__safetensors=data))


@pytest.mark.parametrize(
    ("config", "part"),
    [
        ({**LLAMA, "hidden_size": None}, "hidden_size"),
        ({key: value for key, value in LLAMA.items() if key != "vocab_size"}, "no vocab_size"),
        ({**LLAMA, "num_hidden_layers": 10**7}, "num_hidden_layers"),
        ({**LLAMA, "num_attention_heads": 0}, "num_attention_heads"),
        ({**LLAMA, "num_attention_heads": 5}, "does not make 5 heads"),
        ({**LLAMA, "num_key_value_heads": 3}, "cannot share 3"),
        ({**LLAMA, "intermediate_size": "wide"}, "no whole number"),
        ({**LLAMA, "hidden_size": True}, "no whole number"),
        ({**LLAMA, "vocab_size": 10**30}, "absurd"),
        ({**LLAMA, "model_type": 7}, "without model_type"),
        ({**LLAMA, "model_type": "\x1b[31mred"}, "[31mred"),
        ({**LLAMA, "quantization_config": {"quant_method": "gptq", "bits": 4}}, "quantised (gptq)"),
        ({**LLAMA, "quantization_config": {"load_in_4bit": True}}, "bitsandbytes"),
        ({**LLAMA, "quantization_config": 5}, "quantised"),
        ({"model_type": "mistral3", "text_config": LLAMA}, "multimodal (mistral3)"),
        ({**LLAMA, "per_layer_config": {"1": {"hidden_size": 3}}}, "configs of their own"),
        ('{"model_type": "llama", "hidden_size": NaN}', "no JSON object"),
        ("[" * 100_000, "no JSON object"),
        ("[1, 2]", "no JSON object"),
        ("", "no JSON object"),
        ("version https://git-lfs.github.com/spec/v1", "git-lfs"),
    ],
)
def test_a_config_that_makes_no_model_is_refused_in_a_sentence(
    tmp_path: Path, config: Any, part: str
) -> None:
    assert part in str(refused(folder_with(tmp_path / "m", config)))


def test_folders_of_other_things_say_what_they_are(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "gguf").mkdir()
    (tmp_path / "gguf" / "model.Q4.gguf").write_bytes(b"GGUF")
    (tmp_path / "adapter").mkdir()
    (tmp_path / "adapter" / "adapter_config.json").write_text('{"base_model_name_or_path": "org/base"}')
    assert "no config.json" in str(refused(tmp_path / "empty"))
    assert "GGUF" in str(refused(tmp_path / "gguf"))
    assert "GGUF" in str(refused(tmp_path / "gguf" / "model.Q4.gguf"))
    assert "adapter of org/base" in str(refused(tmp_path / "adapter"))
    assert "There is no" in str(refused(tmp_path / "nowhere"))


@pytest.mark.parametrize("file, word", [("adapter_config.json", "adapter"), ("model.Q4.gguf", "GGUF")])
def test_a_config_beside_them_does_not_make_a_base_model_of_them(
    tmp_path: Path, file: str, word: str
) -> None:
    folder = folder_with(tmp_path / "m", LLAMA)
    (folder / file).write_text("{}")
    assert word in str(refused(folder))
    (folder / "model.safetensors").write_bytes(b"")
    assert find_shape(str(folder)).layers == LLAMA["num_hidden_layers"]


def test_a_size_that_is_no_size_is_named_as_the_config_names_it(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "m", LLAMA | {"num_hidden_layers": 0})
    assert "no sensible num_hidden_layers (0)" in str(refused(folder))


@pytest.mark.parametrize("name", ["", "   ", "a" * 5000, "no/such/model", "\x00", "\x1b[2J", "…"])
def test_a_name_that_is_nowhere_is_refused(name: str, cache: Cache) -> None:
    refused(name)


def test_the_hub_s_answers_are_told_in_a_sentence(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import errors

    response = SimpleNamespace(headers={}, request=None)
    answers = {
        errors.GatedRepoError: "gated",
        errors.RepositoryNotFoundError: "There is no model",
        errors.RevisionNotFoundError: "no revision",
        errors.RemoteEntryNotFoundError: "no config.json on the hub",
    }
    for kind, part in answers.items():
        error = kind("no", response=response)  # type: ignore[arg-type]

        def fail(*_: Any, raised: Exception = error, **__: Any) -> None:
            raise raised

        monkeypatch.setattr("huggingface_hub.HfApi.model_info", fail)
        assert part in str(refused("org/model", online=True, revision="v1"))
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: (_ for _ in ()).throw(OSError()))
    assert "does not answer" in str(refused("org/model", online=True))


def test_smaller_siblings_come_from_the_same_series(cache: Cache, tmp_path: Path) -> None:
    names = [shape.name for shape in catalogue.siblings(find_shape("Qwen2.5-7B"))]
    assert names == ["Qwen2.5-3B", "Qwen2.5-1.5B", "Qwen2.5-0.5B"]
    entry = catalogue.lookup("Llama-3.1-8B")
    assert entry is not None
    copy = find_shape(str(folder_with(tmp_path / "my-finetune", entry.config)))
    assert [shape.name for shape in catalogue.siblings(copy)] == ["Llama-3.2-3B", "Llama-3.2-1B"]
    assert catalogue.siblings(find_shape("demo")) == []


def test_the_catalogue_holds_what_it_says() -> None:
    assert len(catalogue.entries()) >= 42
    assert all(entry.shape.parameters > 0 and entry.licence for entry in catalogue.entries())
