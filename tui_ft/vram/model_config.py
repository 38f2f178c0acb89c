"""From a config.json to a `ModelShape`: what is counted, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tui_ft.data.wording import shown
from tui_ft.errors import TuiFtError
from tui_ft.vram.families.expression import FAULTS
from tui_ft.vram.families.layout import Family, SizeError, weights
from tui_ft.vram.families.sizes import Sizes
from tui_ft.vram.families.table import FAMILIES
from tui_ft.vram.families.towers import has_towers, with_towers
from tui_ft.vram.shape import ModelShape, Weight

REMEDY = "Use the config.json that came with the model."

MOST_LAYERS = 2000
MOST_PARAMETERS = 10**14
"""No model is larger; a config that says so is wrong."""


def shape_of(config: Mapping[str, Any], name: str) -> ModelShape:
    """Count every parameter of the model that `config` describes, as transformers 5.23 builds it.

    Raises `TuiFtError` for a family that has no row, for weights that are quantised already, and for
    missing or absurd values.
    """
    family, text = text_part(config, name)
    row = FAMILIES.get(family)
    if row is None:
        raise UnknownFamilyError(name, family)
    refuse_quantised(config, name)
    sizes = Sizes(text, row, family, name, is_nested=text is not config)
    _refuse_exceptions(row, sizes, text, name)
    try:
        shape = _counted(row, sizes, family, name)
        if config.get("quantization_config") is not None:
            shape = replace(shape, notes=(*shape.notes, UNPACKED))
        if text is not config and not has_towers(config):
            return replace(shape, notes=(*shape.notes, LEFT_OUT))
        return with_towers(shape, config)
    except SizeError as error:
        raise TuiFtError(f"The config of {name} gives {error} a size that cannot be.", REMEDY) from error
    except FAULTS as error:
        raise TuiFtError(f"The config of {name} does not fit its architecture {family}.", REMEDY) from error


def _refuse_exceptions(row: Family, sizes: Sizes, config: Mapping[str, Any], name: str) -> None:
    sentences = [sentence for condition, sentence in row.refuse.items() if sizes.guarded(condition)]
    if config.get("per_layer_config") and not row.has_own_layers:
        sentences.append("its layers have configs of their own")
    if sentences:
        raise TuiFtError(f"{name} cannot be counted: {sentences[0]}.", "Choose another model.")


UNPACKED = "Its 4-bit weights (mxfp4) are counted as the 16 bit to which they are unpacked."

STAYS_16_BIT = "Its experts stay 16 bit: bitsandbytes quantises linear layers only."


class UnknownFamilyError(TuiFtError):
    """No row describes this family; the headers of the weights may still tell what it holds."""

    def __init__(self, name: str, family: str) -> None:
        what = shown(family, 40) or "without model_type"
        super().__init__(
            f"The architecture of {name} ({what}) is not known to tui-ft.",
            "With the safetensors files beside config.json its weights can be counted.",
        )


LEFT_OUT = "Only its language model is loaded; what sees or hears is left out."


TEXT_FAMILY = {
    "gemma3": "gemma3_text",
    "gemma4": "gemma4_text",
    "llama4": "llama4_text",
    "qwen3_5": "qwen3_5_text",
    "qwen3_5_moe": "qwen3_5_moe_text",
    "mllama": "mllama_text_model",
    "emu3": "emu3_text_model",
}
"""Multimodal types of which AutoModelForCausalLM loads the language model, by the type of that.

Of those in `towers.TOWERS` it loads the rest too.
"""

LOADED_WHOLE = frozenset({"gemma3n", "gemma4_unified", "fuyu", "got_ocr2"})
"""Multimodal types that AutoModelForCausalLM loads with towers that have no row here."""


def text_part(config: Mapping[str, Any], name: str) -> tuple[str, Mapping[str, Any]]:
    """The `model_type` and the config of the language model inside `config`.

    Raises `TuiFtError` for a multimodal model that the trainer cannot load as a language model.
    """
    if not isinstance(config, Mapping):
        raise TuiFtError(f"The config of {name} is no JSON object.", REMEDY)
    family = config.get("model_type")
    if not isinstance(family, str):
        raise UnknownFamilyError(name, "")
    if "text_config" not in config:
        return family, config
    inner = config["text_config"]
    if family in TEXT_FAMILY and isinstance(inner, Mapping):
        tie = {"tie_word_embeddings": config.get("tie_word_embeddings", True)} if has_towers(config) else {}
        return TEXT_FAMILY[family], {**inner, **tie}
    if isinstance(inner, Mapping) and family not in LOADED_WHOLE:
        raise TuiFtError(
            f"{name} is multimodal ({shown(family, 40)}), and transformers loads no language model from it.",
            "Choose a model of the same make that is for text alone.",
        )
    return family, config


def refuse_quantised(config: Mapping[str, Any], name: str) -> None:
    """Raise for weights that are stored quantised: they are neither trained nor quantised again.

    gpt-oss comes in mxfp4, which transformers unpacks to 16 bit where its kernels are not installed.
    """
    found = config.get("quantization_config")
    if found is None:
        return
    method = str(found.get("quant_method", "")) if isinstance(found, Mapping) else ""
    if method == "mxfp4" and config.get("model_type") == "gpt_oss":
        return
    if not method and isinstance(found, Mapping) and (found.get("load_in_4bit") or found.get("load_in_8bit")):
        method = "bitsandbytes"
    raise TuiFtError(
        f"The weights of {name} are stored quantised ({shown(method, 40) or 'of an unknown kind'}).",
        "Name the model with its 16-bit weights; QLoRA quantises them while loading.",
    )


def _counted(row: Family, sizes: Sizes, family: str, name: str) -> ModelShape:
    sizes.check_heads()
    around = tuple(weights(row.around, sizes))
    layers = sizes.whole("L", most=MOST_LAYERS)
    built: dict[str, tuple[Weight, ...]] = {}
    blocks = []
    for layer in range(layers):
        kind = sizes.enter(layer)
        if kind not in built:
            built[kind] = tuple(weights(row.block, sizes))
        blocks.append(built[kind])
    if sizes["tied"] and row.ends == "block":
        blocks[-1] = _with_last_kept(blocks[-1])
    if sizes["tied"] and row.ends == "around":
        around = _with_last_kept(around)
    has_experts = any(weight.role == "experts" for block in built.values() for weight in block)
    shape = ModelShape(
        name=name,
        family=family,
        hidden=sizes.whole("h"),
        intermediate=sizes.width(),
        heads=sizes.optional("heads") or 1,
        kv_heads=sizes.optional("kv") or 1,
        head_dim=sizes.optional("d") or sizes.whole("h"),
        vocabulary=sizes.whole("V"),
        context=sizes.context(),
        is_tied=bool(sizes["tied"]),
        stack=row.stack,
        outside=around,
        blocks=tuple(blocks),
        experts=sizes.optional("E") if has_experts else None,
        experts_per_token=sizes.optional("top") if has_experts else None,
        expert_intermediate=sizes.optional("m") if has_experts else None,
        sliding_window=sizes.sliding_window(),
        notes=(*row.notes, *((STAYS_16_BIT,) if has_experts else ())),
    )
    if shape.parameters > MOST_PARAMETERS:
        raise TuiFtError(f"The config of {name} describes more parameters than any model has.", REMEDY)
    return shape


def _with_last_kept(part: tuple[Weight, ...]) -> tuple[Weight, ...]:
    """The end of a model that has no head of its own: bitsandbytes leaves its last layer alone."""
    last = part[-1]
    if last.role != "linear":
        return part
    return (*part[:-1], Weight(last.module, last.parameter, last.shape, "custom_linear"))
