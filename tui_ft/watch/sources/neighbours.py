"""What lies beside a run's files and tells of its settings: model, adapter, arguments. Bounded reads only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tui_ft.watch.reading import SettingValue
from tui_ft.watch.sources.flat_yaml import read_yaml
from tui_ft.watch.sources.following import read_piece

LARGEST_BYTES = 1 << 20

ADAPTER_KEYS = {"peft_type": "peft_type", "r": "lora_r", "lora_alpha": "lora_alpha",
                 "lora_dropout": "lora_dropout", "target_modules": "lora_target_modules",
                 "use_dora": "use_dora", "use_rslora": "use_rslora",
                 "num_virtual_tokens": "num_virtual_tokens"}  # fmt: skip


def json_file(path: Path) -> dict[str, Any]:
    """Return the object in a small JSON file; {} when there is none."""
    try:
        found = json.loads(read_piece(path, LARGEST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def yaml_file(path: Path) -> dict[str, SettingValue]:
    """Return the plain values in a small YAML file by dotted names; {} when there is none."""
    try:
        return read_yaml(read_piece(path, LARGEST_BYTES).decode("utf-8", errors="replace"))
    except OSError:
        return {}


def plain_value(value: object) -> SettingValue:
    """Return a decoded value as a setting: a list as `a, b`, what is nested deeper as its JSON text."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, list) and all(isinstance(item, (int, float, str)) for item in value):
        return ", ".join(map(str, value[:50]))
    return json.dumps(value, default=str)[:300]


def model_beside(folders: Iterable[Path]) -> dict[str, SettingValue]:
    """Return what `adapter_config.json` and `config.json` in these folders say of the model."""
    found: dict[str, SettingValue] = {}
    for folder in folders:
        adapter = json_file(folder / "adapter_config.json")
        if adapter.get("base_model_name_or_path"):
            found.setdefault("model_name_or_path", plain_value(adapter["base_model_name_or_path"]))
        for key, name in ADAPTER_KEYS.items():
            if adapter.get(key) is not None:
                found.setdefault(name, plain_value(adapter[key]))
        config = json_file(folder / "config.json")
        if config.get("model_type") or config.get("architectures"):
            if config.get("_name_or_path"):
                found.setdefault("model_name_or_path", plain_value(config["_name_or_path"]))
            for key in ("model_type", "architectures"):
                if config.get(key):
                    found.setdefault(key, plain_value(config[key]))
    return found


def model_and_method(settings: Mapping[str, SettingValue]) -> tuple[str, str]:
    """Return the model and the method that settings name, by the names that tools use; "" for not known."""
    model = next((str(value) for name in _MODEL_NAMES if (value := settings.get(name))), "")
    if not model:
        model = str(settings.get("model_type") or "")
    method = next((str(value).lower() for name in _METHOD_NAMES if (value := settings.get(name))), "")
    return model, method


_MODEL_NAMES = ("model_name_or_path", "base_model", "model_name", "model_id", "model.id", "model",
                "_name_or_path", "top.model_name")  # fmt: skip
_METHOD_NAMES = ("finetuning_type", "peft_type", "adapter", "method", "top.finetuning_type")
