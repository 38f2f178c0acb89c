"""What safetensors files hold, by their headers alone: what is counted of an unknown architecture."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from tui_ft.data.wording import shown
from tui_ft.errors import TuiFtError
from tui_ft.vram.families.layout import LARGEST
from tui_ft.vram.shape import ModelShape, Role, Weight

LARGEST_HEADER_BYTES = 100 << 20
"""The safetensors library reads no longer one."""

MOST_FILES = 2000

MOST_SIDES = 5

INDEX = "model.safetensors.index.json"

_LAYER = re.compile(r"^(?P<stack>.*?)\.(?P<index>[0-9]{1,6})\.(?P<rest>.+)$")

_FLOATS = ("F64", "F32", "F16", "BF16")


class _Tensor(msgspec.Struct):
    dtype: str
    shape: tuple[int, ...]


class _Sizes(msgspec.Struct):
    total_size: int | float | None = None
    total_parameters: int | None = None


class _Index(msgspec.Struct):
    weight_map: dict[str, str]
    metadata: _Sizes = msgspec.field(default_factory=_Sizes)


def shape_from_files(folder: Path, config: Mapping[str, Any], name: str) -> ModelShape | None:
    """Count the safetensors files of a model's folder, or what their index says; None where neither is there.

    Raises `TuiFtError` for files that are damaged, quantised, or show no stack of layers.
    """
    index = folder / INDEX
    if not index.is_file():
        files = sorted(folder.glob("*.safetensors"))[:MOST_FILES]
        return shape_from_headers(files, config, name) if files else None
    listed = _index(index)
    found = [folder / Path(shard).name for shard in sorted(set(listed.weight_map.values()))[:MOST_FILES]]
    if found and all(path.is_file() for path in found):
        return shape_from_headers(found, config, name)
    return _shape_from_index(listed, config, name)


def _index(path: Path) -> _Index:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Index)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TuiFtError(f"{INDEX} of the model cannot be read.", "Fetch the file again.") from error


def _shape_from_index(index: _Index, config: Mapping[str, Any], name: str) -> ModelShape:
    """The number of parameters alone, spread evenly over the layers: the index names no shapes."""
    total = index.metadata.total_parameters or int(index.metadata.total_size or 0) // _item_bytes(config)
    hidden, vocabulary = _number(config, "hidden_size", "n_embd", "d_model"), _number(config, "vocab_size")
    places = [place for place in map(_LAYER.match, index.weight_map) if place]
    layers = len({place["index"] for place in places})
    if not hidden or not vocabulary or not layers or total <= vocabulary * hidden:
        raise TuiFtError(
            f"The weights of {name} are not here, and their index tells too little.",
            "Fetch the safetensors files; their headers are enough.",
        )
    embedding = Weight("embedding", "weight", (vocabulary, hidden), "embedding")
    block = (Weight("layer", "weight", ((total - vocabulary * hidden) // layers,), "other"),)
    shape = _described(config, name, "layers", (embedding,), (block,) * layers)
    return replace(shape, notes=("The architecture is not known: the number of its parameters is, no more.",))


def _item_bytes(config: Mapping[str, Any]) -> int:
    """Bytes of a parameter on disk; 2 unless the config says otherwise."""
    return 4 if config.get("dtype", config.get("torch_dtype")) == "float32" else 2


def tensors(path: Path) -> Iterator[tuple[str, _Tensor]]:
    """Names, dtypes and shapes in one safetensors file. Raises `TuiFtError` for a damaged one."""
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= LARGEST_HEADER_BYTES:
                raise msgspec.DecodeError("length of the header")
            entries = msgspec.json.decode(file.read(length), type=dict[str, msgspec.Raw])
        for name, entry in entries.items():
            if name == "__metadata__":
                continue
            tensor = msgspec.json.decode(entry, type=_Tensor)
            if not all(0 < side <= LARGEST for side in tensor.shape) or len(tensor.shape) > MOST_SIDES:
                raise msgspec.DecodeError("shape of a tensor")
            yield shown(name, 200), tensor
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TuiFtError(
            f"{shown(path.name, 200)} is damaged or unreadable.", "Fetch the file again."
        ) from error


def shape_from_headers(files: list[Path], config: Mapping[str, Any], name: str) -> ModelShape:
    """Count what the files hold. The number is exact; which part is what is told by names and shapes only.

    Raises `TuiFtError` for quantised weights, and where no stack of layers can be made out.
    """
    outside: list[Weight] = []
    layers: dict[str, dict[int, list[Weight]]] = {}
    for path in files:
        for tensor, entry in tensors(path):
            if entry.dtype not in _FLOATS:
                if tensor.endswith((".weight", "qweight", "scales", "qzeros")):
                    raise TuiFtError(
                        f"The weights of {name} are stored quantised ({shown(entry.dtype, 200)}).",
                        "Name the model with its 16-bit weights; QLoRA quantises them while loading.",
                    )
                continue
            place = _LAYER.match(tensor)
            weight = _weight(place["rest"] if place else tensor, entry.shape, is_inside=place is not None)
            if place:
                layers.setdefault(place["stack"], {}).setdefault(int(place["index"]), []).append(weight)
            else:
                outside.append(weight)
    if not layers:
        raise TuiFtError(f"The weights of {name} show no stack of layers.", "Choose another model.")
    stack = max(layers, key=lambda path: len(layers[path]))
    for other in layers.keys() - {stack}:
        outside += [
            Weight(f"{other}.{index}.{weight.module}", weight.parameter, weight.shape, weight.role)
            for index, found in layers[other].items()
            for weight in found
        ]
    one_of_each: dict[tuple[Weight, ...], tuple[Weight, ...]] = {}
    built = (tuple(layers[stack][index]) for index in sorted(layers[stack]))
    blocks = tuple(one_of_each.setdefault(block, block) for block in built)
    return _described(config, name, stack, tuple(outside), blocks)


def _weight(name: str, shape: tuple[int, ...], *, is_inside: bool) -> Weight:
    module, _, parameter = name.rpartition(".")
    role: Role = "other"
    if parameter == "bias":
        role = "bias"
    elif len(shape) == 1:
        role = "norm"
    elif len(shape) == 3 or ".experts." in f".{name}":
        role = "experts"
    elif len(shape) == 2 and is_inside:
        role = "linear"
    elif len(shape) == 2:
        role = "head" if "head" in name or module.endswith("output") else "embedding"
    return Weight(module or parameter, parameter if module else "", shape, role)


def _described(
    config: Mapping[str, Any],
    name: str,
    stack: str,
    outside: tuple[Weight, ...],
    blocks: tuple[tuple[Weight, ...], ...],
) -> ModelShape:
    """Put together what the tensors themselves tell; the config helps where it holds whole numbers."""
    embedding = max((w for w in outside if w.role == "embedding"), key=lambda w: w.elements, default=None)
    if embedding is None:
        raise TuiFtError(f"The weights of {name} show no embedding.", "Choose another model.")
    vocabulary, hidden = embedding.shape
    heads = _number(config, "num_attention_heads", "n_head", "num_heads") or max(hidden // 128, 1)
    widths = [w.shape[0] for block in blocks for w in block if w.role == "linear" and w.shape[1] == hidden]
    return ModelShape(
        name=name,
        family=shown(config.get("model_type", "unknown"), 40),
        hidden=hidden,
        intermediate=_number(config, "intermediate_size", "n_inner", "ffn_dim")
        or max(widths, default=hidden),
        heads=heads,
        kv_heads=_number(config, "num_key_value_heads", "num_kv_heads") or heads,
        head_dim=_number(config, "head_dim") or max(hidden // heads, 1),
        vocabulary=vocabulary,
        context=_number(config, "max_position_embeddings", "n_positions", "seq_length"),
        is_tied=not any(w.role == "head" for w in outside),
        stack=stack,
        outside=outside,
        blocks=blocks,
        counted="header",
        notes=("The architecture is not known: its weights are counted, what it computes is guessed.",),
    )


def _number(config: Mapping[str, Any], *keys: str) -> int | None:
    for key in keys:
        value = config.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9:
            return value
    return None
